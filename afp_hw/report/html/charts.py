"""What all charts share: their looks, their colours, and how Altair's become part of a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import altair as alt

from afp_hw.report.html.page import Chart

CONFIG: Final[dict[str, Any]] = {
    "background": None,
    "autosize": {"type": "fit-x", "contains": "padding", "resize": True},
    "font": "system-ui, sans-serif",
    "padding": 4,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "currentColor",
        "labelFontSize": 12,
        "titleColor": "currentColor",
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "gridColor": "var(--line)",
        "gridOpacity": 0.7,
        "labelLimit": 150,
    },
    "axisX": {"labelSeparation": 8},
    "axisY": {"titleAngle": 0, "titleAlign": "left", "titleAnchor": "start", "titleY": -12},
    "legend": {
        "labelColor": "currentColor",
        "labelFontSize": 12,
        "titleColor": "currentColor",
        "orient": "top",
        "symbolStrokeWidth": 0,
        "title": None,
        "offset": 8,
    },
    "text": {"color": "currentColor", "fontSize": 12},
    "rule": {"color": "currentColor"},
}
"""Vega-Lite's configuration; text is `currentColor`, so that it follows the page's."""

FAMILIES: Final = {
    "AFP": ("var(--afp)", "circle"),
    "INT": ("var(--int)", "square"),
    "FP": ("var(--fp)", "triangle-up"),
}
"""Colour and shape of a family of formats."""

SERIES: Final = tuple(f"var(--series-{index})" for index in range(1, 7))
"""Colours of what is stacked, told apart by colour-blind readers."""

HEIGHT: Final = 300
ROW_HEIGHT: Final = 24
"""Of a chart, and of a row of bars, pixels."""

_ABOVE_TITLE: Final = 30
"""Pixels from a chart to its legend where the title of the vertical axis stands between."""


def chart(
    name: str,
    title: str,
    made: alt.Chart | alt.LayerChart | alt.FacetChart,
    caption: str = "",
    legend: Sequence[tuple[str, str]] = (),
) -> Chart:
    """A chart of a page: as wide as its place, described for who cannot see it."""
    wide = made.properties(width="container", description=title)
    spec = wide.to_dict()
    del spec["config"]  # CONFIG holds for all
    return Chart(name, title, spec, caption, legend)


def family_color(found: list[str]) -> alt.Color:
    """Colour by `family`, of those that there are."""
    names = [name for name in FAMILIES if name in found]
    scale = alt.Scale(domain=names, range=[FAMILIES[name][0] for name in names])
    return alt.Color("family:N", scale=scale, legend=alt.Legend(offset=_ABOVE_TITLE))


def family_shape(found: list[str]) -> alt.Shape:
    """Shape by `family`, beside :func:`family_color`."""
    names = [name for name in FAMILIES if name in found]
    scale = alt.Scale(domain=names, range=[FAMILIES[name][1] for name in names])
    return alt.Shape("family:N", scale=scale, legend=alt.Legend(offset=_ABOVE_TITLE))
