"""Formats against one another in silicon: one harness, one table, wins and losses alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from afp_hw.compare.evaluate import Evaluator
from afp_hw.compare.optimise import OBJECTIVES, Objective, Search, optimise, optimise_floats
from afp_hw.compare.penalty import PenaltyFit, fit_penalty
from afp_hw.compare.point import Point
from afp_hw.compare.subjects import Subject
from afp_hw.design import Design

REFERENCES: Final = ("int8", "int4", "fp32")
"""Rows that all others are set against, where they are asked for."""

_STEPS: Final = 100
"""Steps of progress that a search counts for."""

_FIGURES: Final = ("area_um2", "energy_fj", "energy_glitch_fj", "area_energy")


@dataclass(frozen=True, eq=False)
class Row:
    """One format: the best element that the search found.

    Parameters
    ----------
    subject
        Formats and lanes.
    search
        Everything that was measured.
    nand2_um2
        Area of the smallest NAND.
    """

    subject: Subject
    search: Search
    nand2_um2: float

    @property
    def best(self) -> Point:
        """The best point by the objective of the search."""
        return self.search.best()

    def figures(self) -> dict[str, float]:
        """Of one MAC, keys with their units; ``area_energy`` is µm² fJ, with glitches."""
        best = self.best
        return {
            "area_um2": best.area_um2,
            "area_nand2": best.area_um2 / self.nand2_um2,
            "delay_ns": best.mapped.delay_ns,
            "energy_fj": best.energy.zero_delay_fj,
            "energy_glitch_fj": best.energy.glitch_fj,
            "area_energy": best.measure("product"),
        }

    def as_json(self, references: Mapping[str, Row]) -> dict[str, Any]:
        """A row of the document: figures, ratios to the references, how it is built."""
        figures = self.figures()
        ratios = {
            f"{figure.removesuffix('_um2').removesuffix('_fj')}_to_{name}": figures[figure]
            / row.figures()[figure]
            for name, row in references.items()
            for figure in _FIGURES
        }
        return {
            "format": self.subject.name,
            "kind": type(self.subject.weights).__name__,
            **figures,
            **ratios,
            "best": self.best.as_json(),
            "by_objective": {name: self.search.best(name).as_json() for name in OBJECTIVES},
            "pareto": [point.as_json() for point in self.search.front],
            "measured": len(self.search.points),
        }


@dataclass(frozen=True, eq=False)
class Comparison:
    """All rows, under one set of conditions.

    Parameters
    ----------
    conditions
        Library, clock, operands, ``k``, objective and versions.
    rows
        In the order asked for.
    """

    conditions: Mapping[str, Any]
    rows: Sequence[Row]

    @property
    def references(self) -> dict[str, Row]:
        """Rows that others are set against: by name, those that are there."""
        named = {row.subject.name: row for row in self.rows}
        return {name: named[name] for name in REFERENCES if name in named}

    def penalty_fits(self) -> list[PenaltyFit]:
        """Fits of area and energy over the AFP rows of one lane."""
        found: list[PenaltyFit] = []
        for figure in ("area_um2", "energy_glitch_fj"):
            measured = {
                row.subject.split: row.figures()[figure]
                for row in self.rows
                if row.subject.split is not None and row.subject.lanes == 1
            }
            found += fit_penalty(figure, measured)
        return found

    @property
    def title(self) -> str:
        """Under which conditions, one line."""
        found = self.conditions
        return (
            f"{found['technology']}, {found['clock_ns']:g} ns, K = {found['k']}, operands of "
            f"{found['operands']}; least {found['objective']}; per MAC"
        )

    def as_json(self) -> dict[str, Any]:
        """The document, which ``afp-hw plot from`` draws: conditions, rows, fits of the penalty."""
        references = self.references
        return {
            "figure": "compare",
            "schema": 1,
            "title": self.title,
            "conditions": dict(self.conditions),
            "rows": [row.as_json(references) for row in self.rows],
            "penalty": [fit.as_json() for fit in self.penalty_fits()],
        }


def compare(
    subjects: Sequence[Subject],
    evaluator: Evaluator,
    *,
    k: int,
    objective: Objective,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Row]:
    """Search one element after the other.

    Parameters
    ----------
    subjects
        What to compare.
    evaluator
        Technology, clock and operands.
    k
        Products in a sum, which sizes the accumulators of AFP and integers.
    objective
        What is to be small.
    report
        Called with how many of how many are done.

    Raises
    ------
    TypeError, ValueError
        A design is refused, before anything is measured.
    ToolError, MismatchError
        As :func:`.optimise`.
    """
    designs = [subject.design(k) for subject in subjects]
    for design in designs:
        if isinstance(design, Design):  # a layer too long for `k` is refused before any work
            evaluator.matrices.operands(design)
    nand2 = evaluator.technology.nand2_area_um2
    for done, (subject, design) in enumerate(zip(subjects, designs, strict=True), 1):
        if isinstance(design, Design):
            search = optimise(design, evaluator, objective, _within(report, done, len(subjects)))
        else:
            search = optimise_floats(*design, evaluator, objective)
        yield Row(subject, search, nand2)
        report(done * _STEPS, len(subjects) * _STEPS)


def _within(
    report: Callable[[int, int], None], position: int, count: int
) -> Callable[[int, int], None]:
    """A search's own progress as a part of the whole: it is the one at `position`, from 1."""
    return lambda done, total: report(
        (position - 1) * _STEPS + _STEPS * done // total, count * _STEPS
    )
