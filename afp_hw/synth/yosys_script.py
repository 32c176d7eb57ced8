"""The Yosys script of one synthesis.

``check`` comes before the mapping: after it, cells are boxes whose outputs Yosys does not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from afp_hw.synth.cells import Cell
from afp_hw.synth.recipes import Adders, Recipe

# A gate costs about what one and a half flip-flops do in clock energy and area.
FEWEST_GATED: Final = 3


def _clock_gates(cell: Cell | None) -> tuple[str, ...]:
    """Gates for groups of flip-flops that share clock and enable."""
    if cell is None or cell.clock_gate is None:
        return ()
    gate = cell.clock_gate
    tied = " ".join(f"-tie_lo {pin}" for pin in gate.test)
    pins = f"{gate.enable}:{gate.clock}:{gate.output}"
    return (
        "opt_dff",
        f"clockgate -pos {cell.name} {pins} {tied} -min_net_size {FEWEST_GATED}",
    )


def yosys_script(
    files: Sequence[Path],
    top: str,
    liberty: Path,
    recipe: Recipe,
    *,
    flatten: bool,
    adders: Adders,
    full_adder_cell: bool,
    clock_gate: Cell | None = None,
) -> str:
    """The script; it runs in the folder where ``map.abc`` and the maps of adders are.

    Parameters
    ----------
    files, top
        Verilog sources and the top module.
    liberty
        Library file.
    recipe
        Options of ``synth``.
    flatten
        Dissolve the hierarchy first.
    adders
        As :class:`.Recipe` has it, or ``"prefix"`` where the library has no full adder.
    full_adder_cell
        Whether the library's full adder is used, and ``full_adder.v`` has it as a black box.
    clock_gate
        What stands before registers with an enable; None makes them multiplexers.
    """
    options = [f"-top {top}", *(["-flatten"] if flatten else []), *recipe.synth_options]
    synth = f"synth -noabc {' '.join(options)}"
    mapped = (
        f"{synth} -run begin:fine",
        "maccmap",
        "alumacc",
        "opt -full",
        "techmap -map adder_map.v",
        f"{synth} -run fine:",
    )
    return "\n".join(
        (
            *(["read_verilog -lib full_adder.v"] if full_adder_cell else []),
            *(f'read_verilog "{file}"' for file in files),
            "techmap -map full_adder_map.v",
            *((synth,) if adders == "prefix" else mapped),
            "check -assert",
            *_clock_gates(clock_gate),
            f'dfflibmap -liberty "{liberty}"',
            "opt",
            f'abc -liberty "{liberty}" -script map.abc',
            "setundef -zero",
            "opt_clean -purge",
            "delete t:$scopeinfo",
            f'tee -q -o stat.json stat -json -liberty "{liberty}"',
            "write_verilog -noattr -norename -simple-lhs netlist.v",
            "write_json netlist.json",
            "",
        )
    )
