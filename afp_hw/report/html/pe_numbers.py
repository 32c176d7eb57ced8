"""Sections of one processing element: real numbers, the formats' numbers, what rounding costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from afp_hw.report.html.page import Block, Choice, Column, Facts, Grid, Record, Section, Table
from afp_hw.report.html.pe_answer import number
from afp_hw.report.html.pe_charts import histogram_chart

Document = Mapping[str, Any]


def _points(found: Document) -> list[Record]:
    """Numbers of a format as real numbers, each once: zero has two codes where there is a sign."""
    by_value = {row["fix"]: row for row in found["values"]}
    uses: dict[int, int] = {}
    for row in found["values"]:
        uses[row["fix"]] = uses.get(row["fix"], 0) + row.get("uses", 0)
    return [
        {"bits": row["bits"], "value": row["value"], "uses": uses[fix]}
        for fix, row in by_value.items()
    ]


def tensors_section(document: Document) -> Section | None:
    """Histograms of the real tensors, with the numbers of the formats; None without tensors."""
    charts = []
    for found in document["formats"]:
        tensor = found["tensor"]
        if tensor is None:
            continue
        caption = (
            f"{tensor['numbers']:,} numbers, {tensor['zeros']:.1%} of them zero. Lines are the "
            f"numbers of {found['format']}; the counts are on a logarithmic axis."
        )
        if tensor["grids"] > 1:
            caption += f" {tensor['grids']} grids; the lines are those of the first channel."
        title = tensor["name"][:1].upper() + tensor["name"][1:]
        name = f"{found['role']}-histogram"
        charts.append(histogram_chart(name, title, tensor["histogram"], _points(found), caption))
    if not charts:
        return None
    text = "What the layer's numbers are, and where the formats have numbers to round them to."
    return Section("tensors", "What has to be represented", charts, text)


def errors_section(document: Document) -> Section | None:
    """What the tensors lose; None without tensors."""
    tensors = [(found, found["tensor"]) for found in document["formats"] if found["tensor"]]
    if not tensors:
        return None
    columns = [
        Column("role", "operand"),
        Column("format", "format"),
        Column("sqnr", "SQNR", 1, "dB"),
        Column("rms", "rms error", 5),
        Column("max", "largest error", 5),
        Column("clipped", "clipped", 2, "%"),
        Column("to_zero", "to zero", 2, "%"),
    ]
    rows = [
        {
            "role": found["role"],
            "format": tensor["format"],
            "sqnr": tensor["errors"]["sqnr_db"],
            "rms": tensor["errors"]["mse"] ** 0.5,
            "max": tensor["errors"]["max"],
            "clipped": 100 * tensor["errors"]["clipped"],
            "to_zero": 100 * tensor["errors"]["to_zero"],
        }
        for found, tensor in tensors
    ]
    charts = [
        histogram_chart(
            f"{found['role']}-errors",
            f"Errors of {found['role']}",
            tensor["errors"]["histogram"],
            [],
            f"Rounded less exact; mean square {tensor['errors']['mse']:.3g}.",
            "error",
        )
        for found, tensor in tensors
    ]
    caption = (
        "Clipped: beyond the largest number of the format. To zero: numbers other than zero that "
        "become zero."
    )
    return Section(
        "errors",
        "What rounding costs",
        [Table("errors-table", "Errors", columns, rows, caption), Grid(charts)],
    )


def numbers_section(document: Document) -> Section | None:
    """Every code of both formats."""
    panels: list[tuple[str, Sequence[Block]]] = []
    for found in document["formats"]:
        label = f"{found['role']}: {found['format']}"
        if not found["values"]:
            panels.append((label, [Facts([("values", found["values_note"])])]))
            continue
        first = found["values"][0]
        fields = [
            Column(key, heading, digits)
            for key, heading, digits in (
                ("bits", "code", None),
                ("sign", "sign", 0),
                ("exponent", "exponent", 0),
                ("significand", "significand", 0),
                ("fix", "on the grid", 0),
                ("value", "value", 6),
                ("uses", "rounded to it", 0),
            )
            if first.get(key) is not None
        ]
        facts = [
            ("bits of a code", str(found["bits"])),
            ("largest on the grid", str(found["max_fix"])),
        ]
        if found["lsb"] is not None:
            facts += [("bias", str(found["bias"])), ("grid", number(found["unit"]))]
        elif found["unit"] is not None:
            facts.append(("scale", f"{found['unit']:.6g}"))
        table = Table(
            f"{found['role']}-values",
            f"{len(found['values'])} codes of {found['format']}",
            fields,
            found["values"],
            tall=True,
        )
        panels.append((label, [Facts(facts), table]))
    text = (
        "A code is sign, exponent and mantissa; its number is the significand shifted left by "
        "max(exponent, 1) − 1, in units of the grid."
        if not document["formats"][0]["format"].startswith(("int", "uint"))
        else "A code is an integer; the scale makes it a real number."
    )
    return Section(
        "numbers", "The numbers of the formats", [Choice("numbers-choice", "Format", panels)], text
    )
