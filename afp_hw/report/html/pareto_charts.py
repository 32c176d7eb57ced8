"""Accuracy against what it costs: a chart for each cost, the front of each family as a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import altair as alt

from afp_hw.report.html.charts import FAMILIES, HEIGHT, chart, family_color, family_shape
from afp_hw.report.html.metrics import ACCURACY, COSTS, METRICS, Metric
from afp_hw.report.html.page import Chart, Record
from afp_hw.report.html.space import Case, Point
from afp_hw.report.html.verdict import DEPTH

_WIDE: Final = 8.0
"""Ratio of the largest to the smallest cost from which the axis is logarithmic."""

_TOLD: Final = ("accuracy", "energy_nj", "area_um2", "cycles", "time_ms", "weight_bits", "act_bits")
"""Metrics of the tooltip."""


def costs_of(case: Case) -> list[Metric]:
    """Costs that at least two points with an accuracy have."""
    return [cost for cost in COSTS if len(case.measured(ACCURACY, cost)) > 1]


def dataset(case: Case) -> list[Record]:
    """A record a point: label, family, metrics in their units, and the fronts that it is on."""
    fronts = {
        cost.key: {
            point.key for family in case.families for point in case.front(cost, family=family)
        }
        for cost in costs_of(case)
    }
    return [_record(point, fronts) for point in case.measured(ACCURACY)]


def _record(point: Point, fronts: dict[str, set[str]]) -> Record:
    found: dict[str, Any] = {"label": point.label, "family": point.family}
    for metric in METRICS:
        value = point.of(metric)
        if metric.key in _TOLD and value is not None:
            found[metric.key] = round(value, metric.digits + 2)
    for key, keys in fronts.items():
        found[f"front_{key}"] = point.key in keys
    return found


def pareto_chart(case: Case, cost: Metric, data: str) -> Chart:
    """Accuracy against one cost.

    Parameters
    ----------
    case
        Whose points.
    cost
        The other axis.
    data
        Name of the data set that :func:`dataset` gave.
    """
    points = case.measured(ACCURACY, cost)
    best = max(point.of(ACCURACY) or 0.0 for point in points)
    lowest = min(point.of(ACCURACY) or 0.0 for point in points)
    floor = max(lowest, best - DEPTH)
    ceiling = max(best, case.float32_accuracy or 0.0)
    margin = 0.04 * (ceiling - floor) or 1.0
    values = [point.of(cost) or 0.0 for point in points]
    logarithmic = min(values) > 0 and max(values) / min(values) > _WIDE
    x = alt.X(f"{cost.key}:Q", title=cost.heading, axis=alt.Axis(format=cost.form)).scale(
        alt.Scale(type="log", padding=12, nice=False)
        if logarithmic
        else alt.Scale(zero=False, padding=12)
    )
    y = alt.Y("accuracy:Q", title=ACCURACY.heading).scale(
        domain=[floor - margin, ceiling + margin], nice=False, zero=False
    )
    shown = alt.datum.accuracy >= floor - margin
    lines = [
        alt.Chart(alt.InlineData(values=_line(case, cost, family)))
        .mark_line(
            interpolate="step-after",
            strokeWidth=1.5,
            opacity=0.55,
            clip=True,
            color=FAMILIES[family][0],
        )
        .encode(x=x, y=y)
        for family in dict.fromkeys(point.family for point in points)
    ]
    marks = (
        alt.Chart(alt.NamedData(name=data))
        .transform_filter(f"isValid(datum['{cost.key}'])")
        .transform_filter(shown)
        .mark_point(filled=True, size=64, strokeWidth=0)
        .encode(
            x=x,
            y=y,
            color=family_color(case.families),
            shape=family_shape(case.families),
            opacity=alt.condition(f"datum['front_{cost.key}']", alt.value(1.0), alt.value(0.28)),
            tooltip=_tooltip(case),
        )
    )
    layers = [*lines, marks]
    if case.float32_accuracy is not None:
        layers = [*_float32(case.float32_accuracy), *layers]
    below = sum((point.of(ACCURACY) or 0.0) < floor - margin for point in points)
    caption = "Lines: the front of each family; pale points are behind it."
    if below:
        points_are = "point is" if below == 1 else "points are"
        caption += f" {below} {points_are} below {floor - margin:.1f} % and only in the table."
    made = alt.layer(*layers).properties(height=HEIGHT)
    return chart(
        f"pareto-{cost.key.partition('_')[0]}{case.suffix}",
        f"Accuracy against {cost.title}",
        made,
        caption,
    )


def _line(case: Case, cost: Metric, family: str) -> list[dict[str, Any]]:
    return [
        {cost.key: point.of(cost), "accuracy": point.of(ACCURACY)}
        for point in case.front(cost, family=family)
    ]


def _float32(accuracy: float) -> Sequence[alt.Chart]:
    """A dashed line where float32 is."""
    base = alt.Chart(
        alt.InlineData(values=[{"accuracy": accuracy, "text": f"float32 {accuracy:.2f} %"}])
    )
    y = alt.Y("accuracy:Q")
    return (
        base.mark_rule(strokeDash=[3, 4], opacity=0.5).encode(y=y),
        base.mark_text(align="left", dy=-7, fontSize=11, opacity=0.75).encode(
            x=alt.value(4), y=y, text="text:N"
        ),
    )


def _tooltip(case: Case) -> list[alt.Tooltip]:
    told = [alt.Tooltip("label:N", title="point"), alt.Tooltip("family:N", title="family")]
    for metric in METRICS:
        if metric.key in _TOLD and case.measured(metric):
            told.append(
                alt.Tooltip(f"{metric.key}:Q", title=metric.heading, format=f",.{metric.digits}f")
            )
    return told
