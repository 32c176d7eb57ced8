"""Verilog to a mapped netlist by one recipe, kept by content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from afp_hw.compare import store
from afp_hw.compare.emission import Source
from afp_hw.compare.point import Mapped
from afp_hw.synth import opensta
from afp_hw.synth.flow import synthesize
from afp_hw.synth.netlist import Netlist, parse_netlist
from afp_hw.synth.recipes import Recipe
from afp_hw.synth.run import work_folder
from afp_hw.synth.technology import Technology


def map_source(
    source: Source, technology: Technology, clock_ns: float, recipe: Recipe, *, lanes: int = 1
) -> Mapped:
    """Map a module; what was mapped before with the same tools is looked up.

    Parameters
    ----------
    source
        The module.
    technology, clock_ns, recipe
        Cells, the period that gates are sized for, and the way.
    lanes
        Products in a cycle, for areas of one MAC.

    Raises
    ------
    ToolError
        Yosys failed.
    """
    key = store.key_of(
        "map", source.verilog, technology.liberty, clock_ns, recipe, lanes, opensta.available()
    )
    kept = store.load(key)
    if kept is not None and store.has_netlist(key):
        return Mapped(**kept)
    with work_folder() as work:
        report = synthesize(
            [source.write(work)], source.name, technology, recipe, clock_ns=clock_ns, work_dir=work
        )
        store.save_netlist(key, report.netlist_json)
    gate = technology.clock_gate
    found = Mapped(
        name=source.name,
        recipe=recipe.name,
        lanes=lanes,
        area_um2=report.area_um2,
        flip_flops=report.flip_flops,
        clock_gates=0 if gate is None else report.cell_counts.get(gate.name, 0),
        delay_ns=report.delay_ns,
        delay_source=report.delay_source,
        netlist=key,
    )
    store.save(key, asdict(found))
    return found


def netlist_of(mapped: Mapped, technology: Technology) -> Netlist:
    """The netlist of what was mapped.

    Raises
    ------
    OSError
        It is not in the cache any more.
    """
    return parse_netlist(store.load_netlist(mapped.netlist), technology.cells, top=mapped.name)


def best_in_time(found: Sequence[Mapped], clock_ns: float) -> Mapped:
    """The smallest that meets the clock; where none does, the fastest."""
    met = [item for item in found if item.delay_ns <= clock_ns]
    if met:
        return min(met, key=lambda item: item.area_um2)
    return min(found, key=lambda item: item.delay_ns)
