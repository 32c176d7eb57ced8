"""The page of a comparison of formats: what a MAC costs in cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import altair as alt

from afp_hw.report.html.charts import HEIGHT, chart, family_color, family_shape
from afp_hw.report.html.metrics import NO_BREAK
from afp_hw.report.html.page import Chart, Column, Facts, Figure, Page, Record, Section, Table
from afp_hw.report.html.provenance import facts_of

_FAMILIES: Final = {"AFPFormat": "AFP", "IntFormat": "INT", "FloatFormat": "FP"}
_COLUMNS: Final = (
    Column("format", "format"),
    Column("family", "family"),
    Column("area_um2", "area", 0, "µm²"),
    Column("delay_ns", "delay", 2, "ns"),
    Column("energy_fj", "energy without glitches", 0, "fJ"),
    Column("energy_glitch_fj", "energy", 0, "fJ"),
    Column("area_to_int8", "area", 2, "of INT8"),
    Column("energy_glitch_to_int8", "energy", 2, "of INT8"),
    Column("area_energy_to_int8", "area × energy", 2, "of INT8"),
    Column("flip_flops", "flip-flops", 0),
    Column("recipe", "recipe"),
    Column("design", "element"),
)


def compare_page(document: Mapping[str, Any]) -> Page:
    """A page of what ``afp-hw compare`` wrote."""
    rows = [_row(row) for row in document["rows"]]
    best = min(rows, key=lambda row: float(row["area_energy"]))
    columns = [
        column for column in _COLUMNS if any(row.get(column.key) is not None for row in rows)
    ]
    return Page.of(
        title="Comparison of formats in cells",
        headline=_headline(rows, best),
        lead=_lead(rows, best),
        figures=[
            Figure(best["format"], "least area × energy"),
            Figure(f"{best['area_um2']:,.0f}{NO_BREAK}µm²", "its area of a MAC"),
            Figure(f"{best['energy_glitch_fj']:,.0f}{NO_BREAK}fJ", "its energy of a MAC"),
            Figure(str(len(rows)), "formats compared"),
        ],
        sections=[
            Section(
                "costs",
                "What a MAC costs",
                [_scatter(rows), Table("formats-table", "Formats", columns, rows)],
                "The best processing element of each format, found by one search. Down and to the "
                "left is better.",
            ),
            _fits(document.get("penalty") or []),
            _made(document),
        ],
        datasets={"formats": rows},
    )


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    """What page and chart show of a row; the search behind it stays in the document."""
    keys = {column.key for column in _COLUMNS} | {"area_energy"}
    best = {key: row["best"][key] for key in ("flip_flops", "recipe", "design")}
    own = {key: value for key, value in row.items() if key in keys}
    return {"family": _FAMILIES[row["kind"]], **own, **best}


def _headline(rows: Sequence[Record], best: Record) -> str:
    """Which AFP formats beat INT8; without the two, what is cheapest."""
    known = [row for row in rows if row["family"] == "AFP" and row.get("area_to_int8") is not None]
    if not known:
        return f"{best['format']} has the least area × energy of {len(rows)} formats."
    better = [row for row in known if _beats_int8(row)]
    if not better:
        return f"None of {len(known)} AFP formats is smaller than INT8 with less energy."
    last = max(better, key=lambda row: float(row["area_energy"]))
    others = f", and {len(better) - 1} more that are cheaper still" if len(better) > 1 else ""
    return (
        f"AFP {last['format']} takes {_percent(last['area_to_int8'])} of INT8's area and "
        f"{_percent(last['energy_glitch_to_int8'])} of its energy{others}."
    )


def _lead(rows: Sequence[Record], best: Record) -> str:
    worse = [
        row["format"]
        for row in rows
        if row["family"] == "AFP" and row.get("area_to_int8") is not None and not _beats_int8(row)
    ]
    text = f"Least area × energy of {len(rows)} formats: {best['format']}."
    if worse:
        text += f" Larger than INT8, or with more energy: {', '.join(worse)}."
    return text


def _beats_int8(row: Record) -> bool:
    return bool(row["area_to_int8"] < 1 and row["energy_glitch_to_int8"] < 1)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}{NO_BREAK}%"


def _scatter(rows: Sequence[Record]) -> Chart:
    families = list(dict.fromkeys(row["family"] for row in rows))
    wide = alt.Scale(type="log", padding=24, nice=False)
    base = alt.Chart(alt.NamedData(name="formats")).encode(
        x=alt.X("area_um2:Q", title="area of a MAC, µm²", scale=wide),
        y=alt.Y("energy_glitch_fj:Q", title="energy of a MAC, fJ", scale=wide),
        tooltip=[
            alt.Tooltip("format:N", title="format"),
            alt.Tooltip("area_um2:Q", title="area, µm²", format=",.0f"),
            alt.Tooltip("energy_glitch_fj:Q", title="energy, fJ", format=",.0f"),
            alt.Tooltip("energy_fj:Q", title="without glitches, fJ", format=",.0f"),
            alt.Tooltip("delay_ns:Q", title="delay, ns", format=".2f"),
        ],
    )
    marks = base.mark_point(filled=True, size=80, strokeWidth=0, opacity=1).encode(
        color=family_color(families), shape=family_shape(families)
    )
    names = base.mark_text(align="left", dx=9, dy=-6).encode(text="format:N")
    made = alt.layer(marks, names).properties(height=1.3 * HEIGHT)
    return chart("formats-scatter", "Energy against area", made, "Both axes are logarithmic.")


def _fits(fits: Sequence[Mapping[str, Any]]) -> Section | None:
    if not fits:
        return None
    keys = [key for key, value in fits[0].items() if not isinstance(value, dict | list)]
    columns = [
        Column(key, key.replace("_", " "), None if isinstance(fits[0][key], str) else 3)
        for key in keys
    ]
    rows = [{key: fit.get(key) for key in keys} for fit in fits]
    return Section(
        "penalty",
        "How well the paper's penalty fits",
        [Table("penalty-table", "Fits", columns, rows)],
    )


def _made(document: Mapping[str, Any]) -> Section:
    facts = facts_of(document["conditions"])
    return Section("provenance", "Where the numbers come from", [Facts(facts)])
