"""The answer of a space in words, from its numbers: which format, what it saves, who wins where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from afp_hw.report.html.metrics import ACCURACY, NO_BREAK, Metric
from afp_hw.report.html.space import Case, Point

NEAR: Final = 0.5
"""Points of accuracy that a good format may lose against the best point."""

DEPTH: Final = 10.0
"""Points below the best accuracy that are worth a word or a place in a chart."""

WORDS: Final = {"AFP": "AFP", "INT": "integer", "FP": "floating point"}


@dataclass(frozen=True)
class Winner:
    """The cheapest point near the best accuracy, and the cheapest one of each other family.

    Attributes
    ----------
    best_accuracy
        Of all points, percent.
    point
        The cheapest one within :data:`NEAR` of it.
    rivals
        The cheapest of the other families within it, the cheapest first.
    """

    best_accuracy: float
    point: Point
    rivals: Sequence[Point]


def winner(case: Case, cost: Metric) -> Winner | None:
    """Who is cheapest near the best accuracy; None where nothing has accuracy and cost."""
    points = case.measured(ACCURACY, cost)
    if not points:
        return None
    best = max(point.of(ACCURACY) or 0.0 for point in points)
    near = [point for point in points if (point.of(ACCURACY) or 0.0) >= best - NEAR]
    near.sort(key=lambda point: (point.of(cost) or 0.0, -(point.of(ACCURACY) or 0.0)))
    first = near[0]
    rivals = {
        point.family: point for point in reversed(near) if point.family != first.family
    }  # reversed: the cheapest of a family comes last and stays
    return Winner(best, first, sorted(rivals.values(), key=near.index))


def spoken(point: Point) -> str:
    """A point within a sentence: family and format, the options in brackets."""
    known = point.name.lower().startswith(point.family.lower())
    name = point.name if known else f"{point.family} {point.name}"
    options = ", ".join(point.options.values())
    return f"{name} ({options})" if options else name


def headline(case: Case, cost: Metric) -> str:
    """One sentence: the cheapest point near the best accuracy, against the next family."""
    found = winner(case, cost)
    if found is None:
        return f"{len(case.points)} points, none with both accuracy and {cost.title}."
    point = found.point
    value = point.of(cost) or 0.0
    text = (
        f"Within {NEAR:g} points of the best accuracy, {spoken(point)} needs the least "
        f"{cost.title.removesuffix(' an image')}: {cost.show(value)}"
    )
    if not found.rivals:
        return f"{text}{_farther(case, cost, point)}."
    rival = found.rivals[0]
    saved = 1 - value / (rival.of(cost) or 1.0)
    return (
        f"{text}, {_percent(saved)} less than the best {WORDS[rival.family]} format, {rival.name}."
    )


def _farther(case: Case, cost: Metric, first: Point) -> str:
    """What the most accurate point of the other families comes to, which is none of the near."""
    others = [point for point in case.measured(ACCURACY, cost) if point.family != first.family]
    if not others:
        return ""
    best = max(others, key=lambda point: (point.of(ACCURACY) or 0.0, -(point.of(cost) or 0.0)))
    return (
        f"; no other family comes that near, the best is {spoken(best)} with "
        f"{ACCURACY.show(best.of(ACCURACY) or 0.0)} for {cost.show(best.of(cost) or 0.0)}"
    )


def ranges(case: Case, costs: Sequence[Metric]) -> str:
    """Which family is cheapest at which accuracy, in each cost; costs of one answer share it."""
    answers: dict[str, list[str]] = {}
    for cost in costs:
        answer = _answer(case, cost)
        if answer:
            answers.setdefault(answer, []).append(cost.title.removesuffix(" an image"))
    return " ".join(f"Least {_listed(titles)}: {answer}." for answer, titles in answers.items())


def _answer(case: Case, cost: Metric) -> str:
    """Families from low to high accuracy, down to :data:`DEPTH` below the best."""
    points = case.front(cost)
    if not points or len(case.families) < 2:
        return ""
    best = points[-1].of(ACCURACY) or 0.0
    shown = [point for point in points if (point.of(ACCURACY) or 0.0) >= best - DEPTH]
    runs = [list(run) for _, run in groupby(shown, key=lambda point: point.family)]
    if len(runs) == 1:
        return f"{runs[0][0].family} at every accuracy above {best - DEPTH:.0f}{NO_BREAK}%"
    if len(runs) > 4:
        counts = {family: sum(p.family == family for p in shown) for family in case.families}
        told = [f"{family} in {count}" for family, count in counts.items() if count]
        return f"{_listed(told)} of the {len(shown)} points on the front"
    parts = []
    for index, run in enumerate(runs):
        family, top = run[0].family, run[-1].of(ACCURACY) or 0.0
        if index == len(runs) - 1:
            parts.append(f"{family} above")
        else:
            parts.append(f"{family} {'from there to' if index else 'up to'} {top:.1f}{NO_BREAK}%")
    return _listed(parts)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}{NO_BREAK}%"


def _listed(parts: Sequence[str]) -> str:
    if len(parts) == 1:
        return parts[0]
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
