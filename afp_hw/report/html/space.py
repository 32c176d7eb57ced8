"""An explored space as a page needs it: points with labels, cases that may be compared, fronts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from afp_hw.explore.metrics import METRICS as FIGURES
from afp_hw.explore.metrics import in_time
from afp_hw.explore.pareto import front
from afp_hw.report.html.metrics import ACCURACY, Metric

_NAMED: Final = ("network", "technology", "formats", "family", "bits", "rows", "cols")
"""Axes that a label has in a way of its own, or that tell cases apart."""


@dataclass(frozen=True)
class Point:
    """A measured point.

    Attributes
    ----------
    key
        As the store has it.
    name
        Of its format or budget.
    options
        Axes that differ within the space, as text, by heading.
    family
        ``AFP``, ``INT`` or ``FP``.
    axes, metrics, details
        Of the document.
    """

    key: str
    name: str
    options: Mapping[str, str]
    family: str
    axes: Mapping[str, Any]
    metrics: Mapping[str, Any]
    details: Mapping[str, Any]

    @property
    def label(self) -> str:
        """Format and what else differs."""
        return ", ".join([self.name, *self.options.values()])

    def of(self, metric: Metric) -> float | None:
        """A measurement in the metric's unit."""
        return metric.of(self.metrics)


@dataclass(frozen=True)
class Case:
    """Points that may be compared: of one network in one technology.

    Attributes
    ----------
    name
        Of network and technology, as far as there are several; else empty.
    suffix
        Of identifiers.
    points
        In the order of the document.
    float32_accuracy
        Of the network, percent; None where unknown.
    """

    name: str
    suffix: str
    points: Sequence[Point]
    float32_accuracy: float | None

    @property
    def families(self) -> list[str]:
        """Those that there are."""
        found = {point.family for point in self.points}
        return [name for name in ("AFP", "INT", "FP") if name in found]

    def measured(self, *metrics: Metric) -> list[Point]:
        """Points that have all of `metrics`."""
        return [
            point
            for point in self.points
            if all(point.of(metric) is not None for metric in metrics)
        ]

    def front(self, *costs: Metric, family: str | None = None) -> list[Point]:
        """The Pareto front of accuracy, to be large, and `costs`; the cheapest first."""
        points = [
            point for point in self.measured(ACCURACY, *costs) if family in (None, point.family)
        ]
        if not points:
            return []
        values = np.array(
            [[-_number(p, ACCURACY), *(_number(p, cost) for cost in costs)] for p in points]
        )
        kept = [point for point, on in zip(points, front(values), strict=True) if on]
        return sorted(kept, key=lambda point: (_number(point, costs[0]), -_number(point, ACCURACY)))


def _number(point: Point, metric: Metric) -> float:
    value = point.of(metric)
    if value is None:
        raise ValueError(f"Point.{metric.key} must be measured, not None ({point.label})")
    return value


def cases(document: Mapping[str, Any]) -> list[Case]:
    """The measured points of a document, by network and technology."""
    done = [
        point
        for point in document["points"]
        if any(value is not None for value in point["metrics"].values())
    ]
    varying = _varying(document["points"])
    groups: dict[tuple[str, str], list[Point]] = {}
    for found in done:
        axes = found["axes"]
        group = str(axes.get("network", "")), str(axes.get("technology", ""))
        groups.setdefault(group, []).append(_point(found, varying))
    accuracies = {
        network["name"]: network.get("float32_accuracy")
        for network in document["provenance"].get("networks", [])
    }
    networks, technologies = ({group[i] for group in groups} for i in (0, 1))
    return [
        Case(
            ", ".join([network] * (len(networks) > 1) + [technology] * (len(technologies) > 1)),
            "" if len(groups) == 1 else f"-{index}",
            points,
            accuracies.get(network),
        )
        for index, ((network, technology), points) in enumerate(groups.items(), 1)
    ]


def labels(document: Mapping[str, Any]) -> list[str]:
    """What every point is called, measured or not; with network and technology if several."""
    points = document["points"]
    varying = _varying(points)
    several = [
        name
        for name in ("network", "technology")
        if len({point["axes"].get(name) for point in points}) > 1
    ]
    return [
        ", ".join(
            [
                format_name(point["axes"]),
                *(option_text(name, point["axes"]) for name in varying),
                *(str(point["axes"].get(name)) for name in several),
            ]
        )
        for point in points
    ]


def _varying(points: Iterable[Mapping[str, Any]]) -> list[str]:
    """Axes of several values within a family, as in the first point; `array` for rows and columns.

    What only tells families apart says nothing that the family does not.
    """
    values: dict[str, dict[str, set[str]]] = {}
    for point in points:
        axes = point["axes"]
        named = {name: value for name, value in axes.items() if name not in _NAMED}
        if "rows" in axes:
            named = {"array": [axes["rows"], axes.get("cols", axes["rows"])], **named}
        for name, value in named.items():
            found = values.setdefault(name, {}).setdefault(str(axes.get("family")), set())
            found.add(json.dumps(value, sort_keys=True))
    return [name for name, found in values.items() if any(len(each) > 1 for each in found.values())]


def _point(found: Mapping[str, Any], varying: Sequence[str]) -> Point:
    axes = found["axes"]
    return Point(
        found["key"],
        format_name(axes),
        {name: option_text(name, axes) for name in varying},
        axes.get("family", "AFP"),
        axes,
        _valid(found["metrics"]),
        found.get("details") or {},
    )


def _valid(metrics: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of an array that misses its clock, accuracies alone: it does not run as its costs say."""
    if in_time(metrics):
        return metrics
    return {
        name: value
        for name, value in metrics.items()
        if name in FIGURES and FIGURES[name].group == "accuracy"
    }


def format_name(axes: Mapping[str, Any]) -> str:
    """The formats of a point; with the budget where a search chose within them."""
    name = str(axes.get("formats") or axes.get("family", ""))
    return name if axes.get("bits") is None else f"{name} at {axes['bits']:g} bits"


def option_text(name: str, axes: Mapping[str, Any]) -> str:
    """The value of an axis as people read it."""
    if name == "array":
        return f"{axes['rows']}×{axes.get('cols', axes['rows'])}"
    match name, axes.get(name):
        case _, None:
            return "–"
        case "dataflow", "best":
            return "best dataflow"
        case "dataflow", str(value):
            return f"{value} stay"
        case "clock_ns", value:
            return f"{value:g} ns"
        case "lanes", value:
            return f"{value} lane{'s' * (value != 1)}"
        case _, bool(value):
            return f"{name.replace('_', ' ')} {'on' if value else 'off'}"
        case _, list(value):
            return "+".join(map(str, value)) or f"no {name}"
        case _, value:
            return f"{name.replace('_', ' ')} {value}"
