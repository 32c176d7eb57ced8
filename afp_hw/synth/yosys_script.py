"""The Yosys script of one synthesis.

``check`` comes before the mapping: after it, cells are boxes whose outputs Yosys does not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from afp_hw.synth.recipes import Adders, Recipe


def yosys_script(
    files: Sequence[Path],
    top: str,
    liberty: Path,
    recipe: Recipe,
    *,
    flatten: bool,
    adders: Adders,
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
    """
    options = [f"-top {top}", *(["-flatten"] if flatten else []), *recipe.synth_options]
    synth = f"synth -noabc {' '.join(options)}"
    mapped = (
        *(["read_verilog -lib full_adder.v"] if adders == "cells" else []),
        f"{synth} -run begin:fine",
        "maccmap",
        "alumacc",
        "opt -full",
        "techmap -map adder_map.v",
        f"{synth} -run fine:",
    )
    return "\n".join(
        (
            *(f'read_verilog "{file}"' for file in files),
            *((synth,) if adders == "prefix" else mapped),
            "check -assert",
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
