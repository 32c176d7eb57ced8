"""Synthesis of Verilog with Yosys: one recipe, one technology, one fresh process.

The netlist is the same, byte for byte, for the same input. Figures come out of Yosys as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from afp_hw.errors import ToolError
from afp_hw.files import check_room, output_directory, write_atomic
from afp_hw.synth import opensta
from afp_hw.synth.full_adders import full_adder_map, logic_map, ripple_map
from afp_hw.synth.netlist import BLOCKS, Netlist, read_netlist
from afp_hw.synth.recipes import Recipe
from afp_hw.synth.technology import Technology
from afp_hw.synth.timing import clock_period_s
from afp_hw.synth.yosys_script import yosys_script


@dataclass(frozen=True, slots=True)
class SynthReport:
    """What one synthesis gave.

    Parameters
    ----------
    recipe
        Name of the recipe.
    area_um2
        Area of all cells.
    cells, flip_flops
        Counts.
    cell_counts
        Cells by kind, sorted.
    delay_ns, delay_source
        Smallest clock period, clock-to-output and setup included, no wires; and who computed it:
        ``"OpenSTA"``, or ``"tables"`` for :mod:`afp_hw.synth.timing`.
    block_areas_um2
        Area by block (see :func:`.block_of`); of a flattened run only what kept its name.
    netlist_verilog, netlist_json
        Files.
    """

    recipe: str
    area_um2: float
    cells: int
    flip_flops: int
    cell_counts: Mapping[str, int]
    delay_ns: float
    delay_source: str
    block_areas_um2: Mapping[str, float]
    netlist_verilog: Path
    netlist_json: Path


# Run as a file, so that it works whether or not the package is installed.
_PROCESS: Final = Path(__file__).with_name("yosys_process.py")

_ENDS: Final = {"netlist.json": b"}", "netlist.v": b"endmodule", "stat.json": b"}"}
"""What Yosys writes, and how that ends."""


def run_yosys(work: Path) -> None:
    """Run ``script.ys`` there in a fresh process; what it prints goes to ``yosys.log``."""
    command = [sys.executable, "-P", str(_PROCESS), "script.ys"]
    log = work / "yosys.log"
    # Yosys keeps what it read of a library in the temporary folder, by a short hash; a folder of
    # its own keeps concurrent runs apart.
    with log.open("wb") as output, tempfile.TemporaryDirectory() as temporary:
        status = subprocess.run(
            command,
            cwd=work,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": temporary},
            check=False,
        ).returncode
    if status or not _whole(work):
        check_room(work)
        raise ToolError(["yosys", *command[1:]], status, log)


def _whole(work: Path) -> bool:
    """Whether the netlist is there and no file lacks its end.

    On a full disk Yosys writes what finds room, and ends with status 0.
    """
    written = {name: work / name for name in _ENDS if (work / name).exists()}
    return "netlist.json" in written and all(
        file.read_bytes()[-100:].rstrip().endswith(_ENDS[name]) for name, file in written.items()
    )


def map_verilog(
    verilog_files: Sequence[str | Path],
    top: str,
    technology: Technology,
    recipe: Recipe,
    *,
    clock_ns: float,
    flatten: bool = True,
    work_dir: str | Path,
) -> Path:
    """Map `top` to the cells of `technology`: ``netlist.json``, ``netlist.v``, ``stat.json``.

    Parameters and errors as :func:`synthesize`; returns the folder.
    """
    if not clock_ns > 0:
        raise ValueError(f"synthesize.clock_ns must be positive, not {clock_ns!r}")
    files = [Path(file).resolve() for file in verilog_files]
    for file in files:
        if not file.is_file():
            raise ValueError(f"synthesize.verilog_files must exist, not {str(file)!r}")
    work = output_directory(work_dir)
    for stale in ("netlist.json", "netlist.v", "stat.json"):
        (work / stale).unlink(missing_ok=True)
    adders = recipe.adders
    found = full_adder_map(technology)
    module = logic_map()
    if adders == "ripple":
        write_atomic(work / "adder_map.v", ripple_map())
    elif adders == "cells" and found is None:
        adders = "prefix"
    if found is not None:
        write_atomic(work / "full_adder.v", found.box)
        if adders == "cells":
            write_atomic(work / "adder_map.v", found.adders)
        if recipe.full_adders == "cells":
            module = found.module
    write_atomic(work / "full_adder_map.v", module)
    logic_ps = max(1, round(clock_ns * 1000 - technology.flip_flop_delay_s * 1e12))
    abc = recipe.abc_script.replace("{D}", f"-D {logic_ps}")
    write_atomic(work / "map.abc", abc.replace("; ", "\n") + "\n")
    liberty = technology.liberty_path()
    script = yosys_script(
        files,
        top,
        liberty,
        recipe,
        flatten=flatten,
        adders=adders,
        full_adder_cell=found is not None,
        clock_gate=technology.clock_gate if recipe.clock_gates else None,
    )
    write_atomic(work / "script.ys", script)
    run_yosys(work)
    return work


def synthesize(
    verilog_files: Sequence[str | Path],
    top: str,
    technology: Technology,
    recipe: Recipe,
    *,
    clock_ns: float,
    flatten: bool = True,
    work_dir: str | Path,
) -> SynthReport:
    """Synthesise `top` to the cells of `technology`.

    Parameters
    ----------
    verilog_files
        Sources.
    top
        Top module.
    technology, recipe
        With which cells and how.
    clock_ns
        Period for which ABC sizes the gates.
    flatten
        Dissolve the hierarchy first; without, each module is mapped on its own.
    work_dir
        Folder for the script, log, netlists and figures; made where needed.

    Raises
    ------
    ValueError
        A file is missing, the clock is not positive, or the folder cannot be written to.
    ToolError
        Yosys failed; its log is in `work_dir`.
    """
    work = map_verilog(
        verilog_files,
        top,
        technology,
        recipe,
        clock_ns=clock_ns,
        flatten=flatten,
        work_dir=work_dir,
    )
    return _report(work, top, technology, recipe)


def _clock_period_ns(netlist: Netlist, work: Path, technology: Technology) -> tuple[float, str]:
    """OpenSTA's answer where it is installed and can read the netlist; otherwise our own."""
    if netlist.clock is not None and opensta.available():
        liberty = technology.liberty_path()
        clock = netlist.net_names[netlist.clock]
        try:
            period = opensta.opensta_period_s(work / "netlist.v", netlist.top, liberty, clock)
        except ToolError:
            return clock_period_s(netlist) * 1e9, "tables"
        return period * 1e9, "OpenSTA"
    return clock_period_s(netlist) * 1e9, "tables"


def _report(work: Path, top: str, technology: Technology, recipe: Recipe) -> SynthReport:
    design: Mapping[str, Any] = json.loads((work / "stat.json").read_text())["design"]
    netlist = read_netlist(work / "netlist.json", technology.cells, top=top)
    counts = Counter(instance.cell.name for instance in netlist.cells)
    blocks: dict[str, float] = {}
    for instance in netlist.cells:
        blocks[instance.block] = blocks.get(instance.block, 0.0) + instance.cell.area_um2
    delay_ns, delay_source = _clock_period_ns(netlist, work, technology)
    return SynthReport(
        recipe=recipe.name,
        area_um2=float(design["area"]),
        cells=len(netlist.cells),
        flip_flops=len(netlist.flip_flops),
        cell_counts=dict(sorted(counts.items())),
        delay_ns=delay_ns,
        delay_source=delay_source,
        block_areas_um2={block: blocks[block] for block in BLOCKS if block in blocks},
        netlist_verilog=work / "netlist.v",
        netlist_json=work / "netlist.json",
    )
