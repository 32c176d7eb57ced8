"""A few points along the front, in full: what they are made of, and their layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from afp_hw.report.html.bar_charts import Scale, stacked
from afp_hw.report.html.layer_blocks import (
    AREA_PARTS,
    ENERGY_PARTS,
    TRAFFIC_PARTS,
    layer_blocks,
)
from afp_hw.report.html.metrics import ACCURACY
from afp_hw.report.html.page import Chart, Choice, Page, Section
from afp_hw.report.html.pareto_charts import costs_of
from afp_hw.report.html.space import Case, Point
from afp_hw.report.html.verdict import DEPTH, spoken, winner

MOST: Final = 12
"""Points of which a page has everything: more would make a large file that nobody reads."""


def chosen_points(case: Case) -> list[Point]:
    """The cheapest point near the best accuracy, those of its rivals, and steps along the front.

    The first is the headline's; the others go from cheap to dear.
    """
    costs = costs_of(case)
    if not costs:
        return []
    best = max(point.of(ACCURACY) or 0.0 for point in case.measured(ACCURACY))
    won = winner(case, costs[0])
    named = [] if won is None else [won.point, *won.rivals]
    named += [run[-1] for family in case.families if (run := case.front(costs[0], family=family))]
    front = [p for p in case.front(costs[0]) if (p.of(ACCURACY) or 0.0) >= best - DEPTH]
    room = MOST - len({point.key for point in named})
    steps = (
        [front[round(i * (len(front) - 1) / max(1, room - 1))] for i in range(room)]
        if front
        else []
    )
    found = {point.key: point for point in [*named, *steps] if point.details.get("layers")}
    if not found:
        return []
    first, *others = found.values()
    others.sort(key=lambda point: (point.of(costs[0]) is None, point.of(costs[0]) or 0.0))
    return [first, *others]


def parts_section(case: Case, chosen: Sequence[Point], where: str) -> Section | None:
    """Energy, area and traffic of the chosen points, each by its parts."""
    charts: list[Chart] = []
    for name, field, title, parts, scale in (
        (
            "energy",
            "energy_nj",
            "Energy by block and memory",
            ENERGY_PARTS,
            Scale("µJ an image", ",.1f", 1e-3),
        ),
        ("area", "area_um2", "Area by block", AREA_PARTS, Scale("mm²", ",.3~f", 1e-6)),
        (
            "traffic",
            "traffic_bytes",
            "Traffic by kind",
            TRAFFIC_PARTS,
            Scale("kB an image", ",.0f", 1e-3),
        ),
    ):
        bars = [
            (
                point.label,
                {part: value for part, value in point.details[field].items() if value is not None},
            )
            for point in sorted(chosen, key=lambda point: point.of(ACCURACY) or 0.0, reverse=True)
            if point.details.get(field)
        ]
        if bars:
            charts.append(stacked(f"parts-{name}{case.suffix}", title, bars, parts, scale))
    if not charts:
        return None
    text = (
        "Points along the fronts, the most accurate one on top: the cheapest near the best "
        "accuracy, the most accurate of each family, and steps between."
    )
    return Section(
        f"parts{case.suffix}", f"Where energy and area go{where}", Page.led(charts), text
    )


def layers_section(case: Case, chosen: Sequence[Point], where: str) -> Section | None:
    """Layers of the chosen points, one point at a time."""
    if not chosen:
        return None
    panels = [
        (
            f"{spoken(point)}: {ACCURACY.show(point.of(ACCURACY) or 0.0)}",
            layer_blocks(point.details["layers"], f"{case.suffix}-{index}"),
        )
        for index, point in enumerate(chosen, 1)
    ]
    return Section(
        f"layers{case.suffix}",
        f"Layer by layer{where}",
        [Choice(f"layers{case.suffix}-choice", "Point", panels)],
        f"{len(panels)} of the points above; the first one is the headline's.",
    )
