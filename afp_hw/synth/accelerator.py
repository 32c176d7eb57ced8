"""A complete accelerator in standard cells: its logic mapped, its memories as boxes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

from afp_hw.design import AcceleratorDesign
from afp_hw.files import output_directory, write_atomic
from afp_hw.synth.accelerator_report import AcceleratorReport
from afp_hw.synth.flow import map_verilog
from afp_hw.synth.memory_pins import (
    PINS,
    arrival_at_memories_s,
    boxes_verilog,
    with_memory_pins,
)
from afp_hw.synth.netlist import Netlist, read_netlist
from afp_hw.synth.recipes import RECIPES, Recipe
from afp_hw.synth.run import Progress
from afp_hw.synth.technology import Technology
from afp_hw.synth.timing import clock_period_s
from afp_hw.verilog import Emitted
from afp_hw.verilog.accelerator import emit_accelerator
from afp_hw.verilog.memories import Memory, memories_of, without_memories

DEFAULT_RECIPE: Final = next(recipe for recipe in RECIPES if recipe.name == "ripple-balanced")
"""What an accelerator is mapped with where none is named: all of them take long."""

# Longer than any path: what a clock period has beyond it is the longest path out of a memory.
_LONG_S: Final = 1e-3


def part_of(path: str) -> str:
    """The part of an accelerator that a cell with this hierarchical name belongs to.

    An engine by its name; within the compute core what is in there, columns taken together.
    """
    names = path.split(".")
    own = [name for name in names[:-1] if not name.startswith("$")]
    if not own:
        return "top"
    if own[0] != "core":
        return own[0]
    return re.sub(r"_\d+$", "", own[1]) if len(own) > 1 else "core"


def _logic(netlist: Netlist) -> list[tuple[str, float, bool]]:
    """Name, area and whether it is a flip-flop of each cell, without the pins of memories."""
    return [
        (cell.name, cell.cell.area_um2, cell.cell.flip_flop is not None)
        for cell in netlist.cells
        if cell.cell.name not in PINS
    ]


def synthesize_accelerator(
    design: AcceleratorDesign,
    technology: Technology,
    recipes: Sequence[Recipe] = (DEFAULT_RECIPE,),
    *,
    clock_ns: float,
    jobs: int,
    work_dir: str | Path,
    progress: Progress = lambda done, total, name: None,
) -> tuple[AcceleratorReport, str]:
    """Map an accelerator flattened with every recipe, take the best, and take it apart.

    Parameters
    ----------
    design
        The accelerator.
    technology
        Of the logic.
    recipes
        The smallest netlist that meets the clock is taken, or the fastest.
    clock_ns
        Period for which gates are sized, nanoseconds.
    jobs
        Syntheses at once.
    work_dir
        Folder for everything; made where needed.
    progress
        Called as each synthesis ends.

    Returns
    -------
    tuple
        The report, and the mapped netlist as Verilog, in which memories are boxes.

    Raises
    ------
    ValueError
        The clock is not positive, or the folder cannot be written to.
    ToolError
        Yosys failed; its log is in the folder.
    """
    work = output_directory(work_dir)
    emitted = emit_accelerator(design)
    memories = memories_of(emitted.verilog, emitted.name)
    files = [
        write_atomic(work / "logic.v", without_memories(emitted.verilog)),
        write_atomic(work / "memories.v", boxes_verilog(memories)),
    ]
    total = 2 * len(recipes)

    def job(recipe: Recipe, flat: bool) -> Path:
        # The hierarchy is kept to see the parts; what one of them does not use goes nevertheless.
        options = () if flat else ("-hieropt",)
        return map_verilog(
            files,
            emitted.name,
            technology,
            replace(recipe, synth_options=(*recipe.synth_options, *options)),
            clock_ns=clock_ns,
            flatten=flat,
            work_dir=work / f"{recipe.name}-{'flat' if flat else 'kept'}",
        )

    with ThreadPoolExecutor(jobs) as pool:
        running = [(pool.submit(job, r, flat), r.name) for flat in (True, False) for r in recipes]
        try:
            for done, (future, name) in enumerate(running, 1):
                future.result()
                progress(done, total, name)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    folders = [future.result() for future, _ in running]
    return _report(emitted, memories, technology, recipes, folders, clock_ns)


def _report(
    emitted: Emitted,
    memories: tuple[Memory, ...],
    technology: Technology,
    recipes: Sequence[Recipe],
    folders: Sequence[Path],
    clock_ns: float,
) -> tuple[AcceleratorReport, str]:
    """Figures of the best flat netlist; parts of the one that kept the hierarchy beside it."""
    cells = with_memory_pins(technology).cells
    flat = [
        (read_netlist(folder / "netlist.json", cells, top=emitted.name), index)
        for index, folder in enumerate(folders[: len(recipes)])
    ]

    def rank(found: tuple[Netlist, int]) -> tuple[bool, float]:
        delay_ns = clock_period_s(found[0]) * 1e9
        late = delay_ns > clock_ns
        return late, delay_ns if late else found[0].area_um2

    netlist, best = min(flat, key=rank)
    late = with_memory_pins(technology, _LONG_S).cells
    behind = read_netlist(folders[best] / "netlist.json", late, top=emitted.name)
    kept = read_netlist(folders[best + len(recipes)] / "netlist.json", cells, top=emitted.name)
    parts: dict[str, float] = {}
    for name, area_um2, _ in _logic(kept):
        parts[part_of(name)] = parts.get(part_of(name), 0.0) + area_um2
    logic = _logic(netlist)
    report = AcceleratorReport(
        name=emitted.name,
        technology=technology.description,
        nand2_um2=technology.nand2_area_um2,
        clock_ns=clock_ns,
        recipes=tuple(recipe.name for recipe in recipes),
        recipe=recipes[best].name,
        area_um2=netlist.area_um2,
        cells=len(logic),
        flip_flops=sum(is_flip_flop for *_, is_flip_flop in logic),
        delay_ns=clock_period_s(netlist) * 1e9,
        into_memories_ns=arrival_at_memories_s(netlist) * 1e9,
        out_of_memories_ns=(clock_period_s(behind) - _LONG_S) * 1e9,
        parts_um2=dict(sorted(parts.items(), key=lambda part: (-part[1], part[0]))),
        memories=memories,
    )
    verilog = (folders[best] / "netlist.v").read_text(encoding="utf-8")
    return report, without_memories(verilog)
