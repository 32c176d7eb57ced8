"""Search of a processing element's options and recipes: coordinate descent, everything kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from afp_hw.compare.evaluate import Evaluator
from afp_hw.compare.point import Point, pareto
from afp_hw.compare.space import SCREENING, axes, cuts_beside, neighbours, start
from afp_hw.design import Design
from afp_hw.formats import FloatFormat
from afp_hw.synth.recipes import RECIPES

Objective = Literal["energy", "area", "speed", "product"]
OBJECTIVES: Final[tuple[Objective, ...]] = get_args(Objective)


@dataclass(frozen=True, eq=False)
class Search:
    """What a search found.

    Parameters
    ----------
    objective
        What was to be small.
    points
        Everything that was measured, each netlist once.
    """

    objective: Objective
    points: Sequence[Point]

    def best(self, objective: Objective | None = None) -> Point:
        """The smallest that meets the clock; where none does, the fastest."""
        met = [point for point in self.points if point.meets]
        if not met:
            return min(self.points, key=lambda point: point.measure("speed"))
        name = objective or self.objective
        return min(met, key=lambda point: point.measure(name))

    @property
    def front(self) -> list[Point]:
        """The Pareto set in area, energy with glitches and delay."""
        return pareto(list(self.points))


def optimise(
    design: Design,
    evaluator: Evaluator,
    objective: Objective,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Search:
    """Search the options of `design`; its formats, lanes, `k` and `sum_max` stay.

    From :func:`.start` one option after the other takes the value that makes the objective
    smallest, the others held; options are gone through twice. Cuts of the accumulator then move
    bit by bit as long as that helps, and the best design is mapped with all recipes. A design that
    does not meet the clock counts only where none does. `report` hears how many designs of how many
    are done.

    Raises
    ------
    ToolError
        Yosys failed.
    MismatchError
        A netlist does not compute what golden does.
    """
    seen: dict[str, list[Point]] = {}
    expected = 1 + sum(len(values) - 1 for _, values in axes(start(design)))

    def measured(candidate: Design) -> list[Point]:
        name = candidate.pe_name
        if name not in seen:
            seen[name] = evaluator.best(candidate, SCREENING)
            # A second turn repeats most of the first; one step more is the last mapping.
            report(len(seen), max(expected, len(seen)) + 1)
        return seen[name]

    def rank(candidate: Design) -> tuple[bool, float]:
        points = measured(candidate)
        met = [point for point in points if point.meets]
        if not met:
            return True, min(point.measure("speed") for point in points)
        return False, min(point.measure(objective) for point in met)

    best = start(design)
    for _ in range(2):
        before = best
        for axis, values in axes(best):
            best = min([best, *neighbours(best, axis, values)], key=rank)
        if best == before:
            break
    while (nearest := min([best, *cuts_beside(best)], key=rank)) != best:
        best = nearest
    points = [point for found in seen.values() for point in found]
    points += evaluator.best(best, RECIPES, smallest=3)
    unique = {(point.mapped.name, point.mapped.recipe): point for point in points}
    return Search(objective, list(unique.values()))


def optimise_floats(
    weights: FloatFormat, acts: FloatFormat, evaluator: Evaluator, objective: Objective
) -> Search:
    """The same of floating point: every candidate of :mod:`afp_hw.compare.float_space` is measured.

    Raises
    ------
    ToolError, MismatchError
        As :func:`optimise`.
    """
    from afp_hw.compare.float_space import FLOAT_RECIPES, float_candidates

    points = [
        point
        for candidate in float_candidates(weights, acts)
        for point in evaluator.best(candidate, FLOAT_RECIPES)
    ]
    return Search(objective, points)
