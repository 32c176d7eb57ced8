"""The page of a file of formats: the bits of every tensor of a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from afp_hw.report.html.bar_charts import Scale, stacked
from afp_hw.report.html.page import Chart, Column, Facts, Figure, Page, Section, Table
from afp_hw.report.html.provenance import facts_of

_PARTS: Final = ("sign", "exponent", "mantissa")

Tensors = Mapping[str, Mapping[str, Any]]


def formats_page(document: Mapping[str, Any]) -> Page:
    """A page of a ``formats.json``, which ``afp-hw search -o`` writes."""
    weights, acts = document["weights"], document["acts"]
    splits = Counter(_split(item) for item in [*weights.values(), *acts.values()])
    common, count = min(splits.items(), key=lambda item: (-item[1], item[0]))
    return Page.of(
        title=f"Formats: {document['model']}",
        headline=(
            f"{len(splits)} splits for {len(weights) + len(acts)} tensors of "
            f"{_widths(weights, acts)} bits; {common} is the most common, {count} times."
        ),
        lead="Each tensor has the exponent and mantissa bits that its values ask for.",
        figures=[
            Figure(f"{_mean(weights):.2f}", "bits of weights", "mean over tensors"),
            Figure(f"{_mean(acts):.2f}", "bits of activations", "mean over tensors"),
            Figure(str(len(splits)), "splits"),
        ],
        sections=[
            Section(
                "tensors",
                "Bits of every tensor",
                [_bits("weights", "Weights", weights), _bits("acts", "Activations", acts)],
            ),
            Section("formats", "Formats", [_table(weights, acts)]),
            _made(document),
        ],
    )


def _split(item: Mapping[str, Any]) -> str:
    return f"{'' if item['signed'] else 'u'}e{item['n_exp']}m{item['n_man']}"


def _width(item: Mapping[str, Any]) -> int:
    return int(item["signed"]) + int(item["n_exp"]) + int(item["n_man"])


def _mean(tensors: Tensors) -> float:
    return sum(map(_width, tensors.values())) / max(1, len(tensors))


def _widths(*groups: Tensors) -> str:
    widths = [_width(item) for group in groups for item in group.values()]
    low, high = min(widths), max(widths)
    return str(low) if low == high else f"{low} to {high}"


def _bits(name: str, title: str, tensors: Tensors) -> Chart:
    bars = [
        (
            tensor,
            {"sign": int(item["signed"]), "exponent": item["n_exp"], "mantissa": item["n_man"]},
        )
        for tensor, item in tensors.items()
    ]
    return stacked(f"bits-{name}", title, bars, _PARTS, Scale("bits"))


def _table(weights: Tensors, acts: Tensors) -> Table:
    rows = [
        {"tensor": name, "kind": kind, "format": _split(item), "bits": _width(item), **item}
        for kind, tensors in (("weights", weights), ("activation", acts))
        for name, item in tensors.items()
    ]
    columns = [
        Column("tensor", "tensor"),
        Column("kind", "kind"),
        Column("format", "format"),
        Column("bits", "bits", 0),
        Column("lsb", "exponent of the unit", 0),
        Column("provenance", "chosen by"),
    ]
    shown = [
        {key: row.get(key) for key in ("tensor", "kind", "format", "bits", "lsb", "provenance")}
        for row in rows
    ]
    whole = [{**row, "lsb": row["lsb"] if isinstance(row["lsb"], int) else None} for row in shown]
    return Table("formats-table", f"{len(rows)} tensors", columns, whole)


def _made(document: Mapping[str, Any]) -> Section:
    facts = facts_of(document, "model", "parameters", "provenance")
    return Section("provenance", "Where the numbers come from", [Facts(facts)])
