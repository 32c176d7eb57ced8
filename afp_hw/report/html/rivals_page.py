"""The page of AFP and its rivals on one network: accuracy against bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import altair as alt

from afp_hw.report.html.charts import HEIGHT, chart
from afp_hw.report.html.metrics import NO_BREAK
from afp_hw.report.html.page import Chart, Column, Facts, Figure, Page, Record, Section, Table
from afp_hw.report.html.provenance import facts_of

_DIGITS: Final = {int: 0, float: 2}
"""After the point, by type; text has none."""


def rivals_page(document: Mapping[str, Any]) -> Page:
    """A page of what ``afp-hw rivals`` wrote."""
    measure = "agreement" if document["float32_accuracy"] is None else "accuracy"
    rows = [{**row, "family": _family(row["name"])} for row in document["rows"]]
    bits = sorted({row["n_bits"] for row in rows})
    return Page.of(
        title=f"Rivals: {document['model']}",
        headline=_headline(rows, bits, measure),
        lead=f"{len({row['name'] for row in rows})} methods on {document['images']} images; the "
        "same layers, tensors and calibration for each.",
        figures=_figures(rows, bits, measure),
        sections=[
            Section(
                "accuracy",
                "What bits buy",
                [_curves(measure), _table(rows)],
                "Bits are the mean of weights and activations, as stored.",
            ),
            _standing(document.get("standing")),
            Section(
                "provenance",
                "Where the numbers come from",
                [
                    Facts(
                        facts_of(
                            document, "model", "data", "images", "calibration",
                            "calibration_images", "float32_accuracy",
                        )
                    )
                ],
                " ".join(document.get("notes", [])),
            ),
        ],
        datasets={"rivals": [_mark(row, measure) for row in rows]},
    )  # fmt: skip


def _family(name: str) -> str:
    return "AFP" if name.startswith("AFP") else "rivals"


def _best(rows: Sequence[Record], bits: int, measure: str, family: str) -> Record | None:
    found = [row for row in rows if row["n_bits"] == bits and row["family"] == family]
    return max(found, key=lambda row: float(row[measure]), default=None)


def _headline(rows: Sequence[Record], bits: Sequence[int], measure: str) -> str:
    ahead: list[str] = []
    behind: list[str] = []
    for width in bits:
        ours, theirs = (_best(rows, width, measure, family) for family in ("AFP", "rivals"))
        if ours is not None and theirs is not None:
            (ahead if ours[measure] >= theirs[measure] else behind).append(str(width))
    if not ahead and not behind:
        best = max(rows, key=lambda row: float(row[measure]))
        return f"{best['name']} has the best {measure}, {best[measure]:.2f}{NO_BREAK}%."
    if not behind:
        return f"At {', '.join(ahead)} bits no rival has a better {measure} than AFP."
    if not ahead:
        return f"At {', '.join(behind)} bits a rival has a better {measure} than AFP."
    return f"AFP has the best {measure} at {', '.join(ahead)} bits, a rival at {', '.join(behind)}."


def _figures(rows: Sequence[Record], bits: Sequence[int], measure: str) -> list[Figure]:
    figures = []
    for width in bits[:5]:
        found = [row for row in rows if row["n_bits"] == width]
        best = max(found, key=lambda row: float(row[measure]))
        value = f"{best[measure]:.2f}{NO_BREAK}%"
        figures.append(Figure(value, f"best {measure} of {width} bits", best["name"]))
    return figures


def _mark(row: Record, measure: str) -> dict[str, Any]:
    return {
        "name": row["name"],
        "family": row["family"],
        "bits": (row["weight_bits"] + row["act_bits"]) / 2,
        measure: row[measure],
    }


def _curves(measure: str) -> Chart:
    hover = alt.selection_point(name="method", on="pointerover", fields=["name"], empty=False)
    color = alt.condition(
        "datum.family == 'AFP'", alt.value("var(--afp)"), alt.value("var(--series-6)")
    )
    base = alt.Chart(alt.NamedData(name="rivals")).encode(
        x=alt.X("bits:Q", title="bits on average", scale=alt.Scale(zero=False, padding=16)),
        y=alt.Y(f"{measure}:Q", title=f"{measure}, %", scale=alt.Scale(zero=False)),
        detail="name:N",
        color=color,
        opacity=alt.condition(
            "method.name == datum.name || datum.family == 'AFP'", alt.value(1), alt.value(0.45)
        ),
    )
    lines = base.mark_line(strokeWidth=1.5)
    marks = (
        base.mark_point(filled=True, size=70, strokeWidth=0)
        .encode(
            tooltip=[
                alt.Tooltip("name:N", title="method"),
                alt.Tooltip("bits:Q", title="bits", format=".2f"),
                alt.Tooltip(f"{measure}:Q", title=f"{measure}, %", format=".2f"),
            ]
        )
        .add_params(hover)
    )
    made = alt.layer(lines, marks).properties(height=1.3 * HEIGHT)
    legend = [("AFP", "var(--afp)"), ("rivals; hover for the name", "var(--series-6)")]
    return chart("rivals-curves", f"{measure.capitalize()} against bits", made, "", legend)


def _table(rows: Sequence[Record]) -> Table:
    columns = [
        Column("name", "method"),
        Column("n_bits", "width", 0, "bits"),
        Column("weight_bits", "weights", 2, "bits"),
        Column("act_bits", "activations", 2, "bits"),
        Column("accuracy", "accuracy", 2, "%"),
        Column("agreement", "agreement", 2, "%"),
        Column("logit_error", "logit error", 3),
        Column("citation", "source"),
    ]
    return Table("rivals-table", f"{len(rows)} measurements", columns, rows, tall=len(rows) > 20)


def _standing(found: Any) -> Section | None:
    if not isinstance(found, list) or not found or not isinstance(found[0], Mapping):
        return None
    keys = [key for key, value in found[0].items() if not isinstance(value, dict | list)]
    columns = [Column(key, key.replace("_", " "), _DIGITS.get(type(found[0][key]))) for key in keys]
    return Section(
        "standing", "Where AFP stands", [Table("standing-table", "By width", columns, found)]
    )
