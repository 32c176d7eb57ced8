"""What ``afp-hw energy`` prints: tables from its JSON document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table


def print_energy(document: Mapping[str, Any]) -> None:
    """The document as tables on stdout."""
    console = Console(highlight=False)
    console.print(_totals(document))
    console.print(_layers(document))
    console.print(_operations(document))
    console.print(_paper(document))
    for figure, item in document["comparison"]["nearest"].items():
        if item["ratio"] is not None:
            console.print(
                f"{figure}: the paper's {item['paper']} is nearest to {item['ratio']:.1f}, "
                f"{item['baseline']} over {item['against']}"
            )
    if document["sensitivity"]:
        console.print(_sensitivity(document))
    late = [part["name"] for part in document["parts"] if not part["meets_clock"]]
    if late:
        console.print(f"later than the clock: {', '.join(late)}")
    memory = document["memory"]
    console.print(
        f"{document['technology']}, {document['clock_ns']:g} ns, with glitches, without wires, "
        f"clock tree and leakage. Memories: {memory['source']}, "
        f"{memory['sram_pj_per_bit']:.3g} and {memory['dram_pj_per_bit']:.3g} pJ a bit of SRAM "
        "and DRAM. "
        f"{document['results_checked']:,} results equal to the golden model.",
        style="dim",
    )


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="right" if index else "left", no_wrap=not index)
    return table


def _number(value: float) -> str:
    return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}×"


def _totals(document: Mapping[str, Any]) -> Table:
    """Every scheme by what takes the energy, and against static AFP."""
    schemes = document["schemes"]
    table = _table(
        f"{document['model']} on {document['design']}: nJ an image",
        "", *(item["name"] for item in schemes.values()),
    )  # fmt: skip
    afp = schemes["afp_static"]
    for group in afp["groups_nj"]:
        table.add_row(group, *(_number(item["groups_nj"][group]) for item in schemes.values()))
    table.add_section()
    for title, key in (("logic", "logic_nj"), ("total", "total_nj")):
        table.add_row(title, *(_number(item[key]) for item in schemes.values()))
        table.add_row("", *(_ratio(item[key] / afp[key]) for item in schemes.values()))
    return table


def _layers(document: Mapping[str, Any]) -> Table:
    """Totals by layer and scheme."""
    schemes = document["schemes"]
    table = _table("By layer: nJ an image", "layer", *(item["name"] for item in schemes.values()))
    rows: dict[str, dict[str, float]] = {}
    for item in document["layers"]:
        rows.setdefault(item["layer"], {})[item["scheme"]] = item["total_nj"]
    for name, found in rows.items():
        table.add_row(name, *(_number(found[key]) for key in schemes))
    return table


def _operations(document: Mapping[str, Any]) -> Table:
    """One MAC and one requantized output."""
    table = _table("One operation, fJ", "scheme", "MAC", "requantization", "of it over AFP static")
    schemes = document["schemes"]
    afp = schemes["afp_static"]["requantize_fj"]
    for item in schemes.values():
        value = item["requantize_fj"]
        table.add_row(
            item["name"],
            _number(item["mac_fj"]),
            "-" if value is None else _number(value),
            _ratio(value / afp if value is not None and afp else None),
        )
    return table


def _paper(document: Mapping[str, Any]) -> Table:
    """Ratios with the baseline stated."""
    comparison = document["comparison"]
    figures = list(comparison["paper"])
    table = _table("Baseline over AFP, logic only", "baseline", "over", *figures)
    for item in comparison["ratios"]:
        table.add_row(
            item["baseline"], item["against"], *(_ratio(item[figure]) for figure in figures)
        )
    table.add_section()
    paper = (f"{value}×" for value in comparison["paper"].values())
    table.add_row("not stated (ICCV 2021)", "AFP", *paper)
    return table


def _sensitivity(document: Mapping[str, Any]) -> Table:
    table = _table(
        "Energy of a MAC", "hardware", "layer's formats", "zeros", "fJ", "without glitches"
    )
    for item in document["sensitivity"]:
        table.add_row(
            item["hardware"],
            f"{item['layer_weights']}/{item['layer_acts']}",
            f"{item['zeros']:.0%}",
            _number(item["mac_fj"]),
            _number(item["settled_fj"]),
        )
    return table
