"""The page of an explored space: who wins, the fronts, the sweet spot, layers, every point."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from afp_hw.report.html.chosen_points import chosen_points, layers_section, parts_section
from afp_hw.report.html.metrics import ACCURACY, COSTS, METRICS, Metric
from afp_hw.report.html.page import Column, Figure, Page, Section, Table
from afp_hw.report.html.pareto_charts import costs_of, dataset, pareto_chart
from afp_hw.report.html.provenance import provenance_section
from afp_hw.report.html.space import Case, cases, labels
from afp_hw.report.html.sweet_spot import sweet_spot_section
from afp_hw.report.html.verdict import NEAR, headline, ranges, spoken, winner


def space_page(document: Mapping[str, Any]) -> Page:
    """A page of an ``afp-hw.space`` document."""
    found = cases(document)
    if not found:
        raise ValueError(
            f"points must have one that is measured, not none of {len(document['points'])}"
        )
    space = document["space"]
    sections = [part for case in found for part in _case_sections(case)]
    return Page.of(
        title=f"Explored space: {space['name']}",
        headline=headline(found[0], main_cost(found[0])),
        lead=_lead(found),
        figures=_figures(document, found[0]),
        sections=[
            *sections,
            _missing(document),
            provenance_section(document["provenance"], space),
        ],
        datasets={f"points{case.suffix}": dataset(case) for case in found},
    )


def main_cost(case: Case) -> Metric:
    """The cost that the headline is about: energy where measured, else area, else cycles."""
    return next(iter(costs_of(case)), COSTS[0])


def _lead(found: list[Case]) -> str:
    first = ranges(found[0], costs_of(found[0]))
    others = [f"{case.name}: {headline(case, main_cost(case))}" for case in found[1:]]
    name = f"({found[0].name}.)" if found[0].name else ""
    return " ".join(part for part in (name, first, *others) if part)


def _figures(document: Mapping[str, Any], case: Case) -> list[Figure]:
    figures = []
    ranked = sorted(case.measured(ACCURACY), key=lambda point: point.of(ACCURACY) or 0.0)
    if ranked:
        best = ranked[-1]
        figures.append(Figure(ACCURACY.show(best.of(ACCURACY) or 0.0), "best accuracy", best.label))
    for cost in costs_of(case):
        won = winner(case, cost)
        if won is not None:
            value = cost.show(won.point.of(cost) or 0.0)
            title = f"least {cost.title} within {NEAR:g} points"
            figures.append(Figure(value, title, spoken(won.point)))
    states = Counter(point["state"] for point in document["points"])
    others = [f"{count} {state}" for state, count in sorted(states.items()) if state != "done"]
    figures.append(Figure(f"{states['done']:,}", "points wholly measured", ", ".join(others)))
    return figures


def _case_sections(case: Case) -> list[Section | None]:
    where = f": {case.name}" if case.name else ""
    chosen = chosen_points(case)
    return [
        _fronts(case, where),
        sweet_spot_section(case, where),
        parts_section(case, chosen, where),
        layers_section(case, chosen, where),
        _points(case, where),
    ]


def _fronts(case: Case, where: str) -> Section | None:
    costs = costs_of(case)
    if not costs:
        return None
    charts = [pareto_chart(case, cost, f"points{case.suffix}") for cost in costs]
    return Section(
        f"fronts{case.suffix}",
        f"What accuracy costs{where}",
        Page.led(charts),
        "Each point is a format on an array, measured. Up and to the left is better; hover or tap "
        "for its numbers.",
    )


def _points(case: Case, where: str) -> Section:
    metrics = [metric for metric in METRICS if case.measured(metric)]
    costs = costs_of(case)
    on_front = {point.key for point in case.front(*costs)} if costs else set()
    options = list(case.points[0].options)
    columns = [
        Column("name", "format"),
        Column("family", "family"),
        *(Column(name, name.replace("_", " ")) for name in options),
        *(Column(metric.key, metric.title, metric.digits, metric.unit) for metric in metrics),
        Column("front", "on the front"),
    ]
    ranked = sorted(case.points, key=lambda point: -(point.of(ACCURACY) or 0.0))
    rows = [
        {
            "name": point.name,
            "family": point.family,
            **point.options,
            **{metric.key: _rounded(point.of(metric), metric.digits) for metric in metrics},
            "front": "yes" if point.key in on_front else "no",
        }
        for point in ranked
    ]
    table = Table(
        f"points{case.suffix}-table",
        f"{len(rows)} points",
        columns,
        rows,
        "On the front: no other point is as good in accuracy and in every cost, and better in one.",
        tall=True,
    )
    return Section(f"points{case.suffix}", f"Every point{where}", [table])


def _rounded(value: float | None, digits: int) -> float | None:
    """Two digits more than are shown: enough to sort by, and no more bytes."""
    return None if value is None else round(value, digits + 2)


def _missing(document: Mapping[str, Any]) -> Section | None:
    rows = [
        {"label": label, "state": point["state"], "reason": point.get("reason")}
        for point, label in zip(document["points"], labels(document), strict=True)
        if point["state"] != "done"
    ]
    if not rows:
        return None
    columns = [
        Column("label", "point"),
        Column("state", "state"),
        Column("reason", "reason", wrap=True),
    ]
    table = Table("missing-table", f"{len(rows)} points", columns, rows, tall=len(rows) > 20)
    return Section("missing", "What could not be measured", [table])
