"""Sections of one processing element: the critical path, and the cycle that toggles most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from afp_hw.report.html.page import Block, Choice, Column, Record, Section, Table
from afp_hw.report.html.pe_answer import busiest
from afp_hw.report.html.pe_charts import cell_name, path_chart, toggle_chart, wave_chart

Document = Mapping[str, Any]

_LANES: Final = 4
"""Most lanes that have rows of their own in the waveform."""


def _stage_rows(path: Document) -> list[Record]:
    rows: list[Record] = [
        {
            "place": index,
            "cell": cell_name(stage["cell"]),
            "block": stage["block"],
            "net": stage["net"],
            "pins": f"{stage['from_pin']}\N{NO-BREAK SPACE}→\N{NO-BREAK SPACE}{stage['pin']}"
            if stage["pin"]
            else "",
            "edge": stage["edge"],
            "increment": round(stage["increment_ps"], 3),
            "arrival": round(stage["arrival_ps"], 3),
            "load": round(stage["load_ff"], 3),
        }
        for index, stage in enumerate(path["stages"], 1)
    ]
    end = path["end"]
    rows.append(
        {
            "total": True,
            "cell": f"setup of {cell_name(end['cell'])}",
            "block": end["block"],
            "net": end["net"],
            "pins": end["pin"],
            "edge": end["edge"],
            "increment": round(end["setup_ps"], 3),
            "arrival": round(path["period_ps"], 3),
        }
    )
    return rows


def path_section(document: Document) -> Section | None:
    """The critical path of both netlists; None where there is none."""
    columns = [
        Column("place", "place", 0),
        Column("cell", "cell"),
        Column("block", "block"),
        Column("increment", "delay", 1, "ps"),
        Column("arrival", "arrival", 1, "ps"),
        Column("load", "load", 1, "fF"),
        Column("edge", "edge"),
        Column("pins", "pins"),
        Column("net", "net"),
    ]
    paths = document["critical_path"]
    kept = paths["hierarchical"]
    if kept is None:
        return None
    slowest = max(kept["stages"], key=lambda stage: stage["increment_ps"])
    caption = (
        f"Each bar is a cell; the slowest, {cell_name(slowest['cell'])} in {slowest['block']}, "
        f"takes {slowest['increment_ps']:,.0f} ps and drives {slowest['load_ff']:.0f} fF."
    )
    panels: list[tuple[str, Sequence[Block]]] = []
    for key, label in (("hierarchical", "hierarchy kept"), ("whole", "flattened")):
        path = paths[key]
        if path is None:
            continue
        title = f"{len(path['stages'])} cells, {path['period_ps']:,.1f} ps, {label}"
        table = Table(f"path-{key}", title, columns, _stage_rows(path), tall=True)
        panels.append((label, [table]))
    return Section(
        "path",
        "What the clock waits for",
        [path_chart(kept, caption), Choice("path-choice", "Netlist", panels)],
        "Ideal clock, no wires, the library's tables. The flattened netlist is the one whose delay "
        "stands above; there cells belong to no block any more.",
    )


def _signals(cycles: Sequence[Document]) -> list[tuple[str, list[str]]]:
    """Rows of the waveform; the operands of more than a few lanes are in the table only."""
    lanes = len(cycles[0]["act"])
    rows = [
        ("first", ["1" if cycle["first"] else "" for cycle in cycles]),
        ("last", ["1" if cycle["last"] else "" for cycle in cycles]),
    ]
    for lane in range(lanes if lanes <= _LANES else 0):
        suffix = f" {lane}" if lanes > 1 else ""
        for name, key in (("activation", "act_fix"), ("weight", "wgt_fix")):
            rows.append((name + suffix, [str(cycle[key][lane]) for cycle in cycles]))
    return [
        *rows,
        ("product" if lanes == 1 else "products", [str(cycle["product"]) for cycle in cycles]),
        ("sum", [str(cycle["acc"]) for cycle in cycles]),
        ("valid", ["1" if cycle["valid_out"] else "" for cycle in cycles]),
    ]


def waveform_section(document: Document) -> Section:
    """The busiest cycle and those around it."""
    wave = document["waveform"]
    cycles = wave["cycles"]
    latency = wave["latency_cycles"]
    caption = (
        "Numbers on the grid. Activation, weight and tags stand at the inputs, sum and valid at "
        f"the outputs; a product is in the sum {latency} cycles after its operands. Every sum is "
        "that of the golden model."
    )
    columns = [
        Column("cycle", "cycle", 0),
        Column("tag", "tag"),
        Column("act", "activation"),
        Column("wgt", "weight"),
        Column("product", "product", 0),
        Column("acc", "sum", 0),
        Column("toggles", "toggles", 0),
        Column("settled", "without glitches", 0),
        Column("energy", "energy", 0, "fJ"),
    ]
    rows = [
        {
            "cycle": cycle["cycle"],
            "tag": _tag(cycle),
            "act": _coded(cycle["act"], cycle["act_fix"], document["formats"][1]["bits"]),
            "wgt": _coded(cycle["wgt"], cycle["wgt_fix"], document["formats"][0]["bits"]),
            "product": cycle["product"],
            "acc": cycle["acc"],
            "toggles": sum(cycle["toggles"].values()),
            "settled": sum(cycle["settled"].values()),
            "energy": round(sum(cycle["energy_fj"].values()), 2),
        }
        for cycle in cycles
    ]
    numbers = [cycle["cycle"] for cycle in cycles]
    return Section(
        "waveform",
        "The cycle that toggles most",
        [
            toggle_chart(cycles, "Glitches included; the clock's own toggles are not counted."),
            wave_chart(_signals(cycles), numbers, caption),
            Table("wave-table", "Cycle by cycle", columns, rows, tall=True),
        ],
        busiest(document),
    )


def _tag(cycle: Document) -> str:
    return " ".join(name for name in ("first", "last") if cycle[name])


def _coded(codes: Sequence[int], numbers: Sequence[int], bits: int) -> str:
    pairs = zip(codes, numbers, strict=True)
    return ", ".join(f"{code:0{bits}b} = {fix}" for code, fix in pairs)
