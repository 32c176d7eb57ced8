"""Bars: what a sum is made of, a bar for each layer or point; two numbers side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import altair as alt

from afp_hw.report.html.charts import ROW_HEIGHT, SERIES, chart
from afp_hw.report.html.page import Chart

Bars = Sequence[tuple[str, Mapping[str, float]]]
"""Names and, for each, the parts by name."""

_LONG_LABEL: Final = 220
"""Pixels that a bar's name may have."""


@dataclass(frozen=True)
class Scale:
    """The axis of values: title with its unit, format of numbers (of d3), factor of the values."""

    title: str
    form: str = ",.0f"
    factor: float = 1.0


def stacked(
    name: str, title: str, bars: Bars, parts: Sequence[str], scale: Scale, caption: str = ""
) -> Chart:
    """Parts of each bar, one after the other; `parts` are those that any bar has, in order."""
    used = [part for part in parts if any(found.get(part) for _, found in bars)]
    rows = [
        {
            "name": bar,
            "part": part,
            "order": order,
            "value": round(found[part] * scale.factor, 6),
            "total": round(sum(found.values()) * scale.factor, 6),
        }
        for bar, found in bars
        for order, part in enumerate(used)
        if found.get(part)
    ]
    made = (
        _base(rows, bars)
        .mark_bar(stroke="var(--paper)", strokeWidth=0.75)
        .encode(
            x=alt.X("sum(value):Q", title=scale.title, stack="zero", axis=_axis(scale)),
            color=_color(used),
            order=alt.Order("order:Q"),
            tooltip=[
                alt.Tooltip("name:N", title="of"),
                alt.Tooltip("part:N", title="part"),
                alt.Tooltip("value:Q", title=scale.title, format=scale.form),
                alt.Tooltip("total:Q", title="all parts", format=scale.form),
            ],
        )
        .properties(height=ROW_HEIGHT * len(bars))
    )
    return chart(name, title, made, caption, _legend(used))


def grouped(
    name: str, title: str, bars: Bars, parts: Sequence[str], scale: Scale, caption: str = ""
) -> Chart:
    """Parts of each bar, one below the other."""
    rows = [
        {"name": bar, "part": part, "value": round(found[part] * scale.factor, 6)}
        for bar, found in bars
        for part in parts
        if part in found
    ]
    made = (
        _base(rows, bars)
        .mark_bar()
        .encode(
            x=alt.X("value:Q", title=scale.title, axis=_axis(scale)),
            yOffset=alt.YOffset("part:N", sort=list(parts)),
            color=_color(parts),
            tooltip=[
                alt.Tooltip("name:N", title="of"),
                alt.Tooltip("part:N", title="part"),
                alt.Tooltip("value:Q", title=scale.title, format=scale.form),
            ],
        )
        .properties(height=ROW_HEIGHT * len(bars))
    )
    return chart(name, title, made, caption, _legend(parts))


def _base(rows: list[dict[str, Any]], bars: Bars) -> alt.Chart:
    names = [bar for bar, _ in bars]
    axis = alt.Axis(ticks=False, domain=False, labelLimit=_LONG_LABEL, labelPadding=8)
    band = alt.Scale(paddingInner=0.3, paddingOuter=0.15)
    return alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y("name:N", sort=names, title=None, axis=axis, scale=band)
    )


def _axis(scale: Scale) -> alt.Axis:
    return alt.Axis(format=",~f", tickCount=5, domain=False, ticks=False, labelFlush=True)


def _legend(parts: Sequence[str]) -> list[tuple[str, str]]:
    return [(part, SERIES[index % len(SERIES)]) for index, part in enumerate(parts)]


def _color(parts: Sequence[str]) -> alt.Color:
    scale = alt.Scale(domain=list(parts), range=[colour for _, colour in _legend(parts)])
    return alt.Color("part:N", scale=scale, legend=None)
