"""The options of a processing element that a search tries, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from afp_hw.design import Design
from afp_hw.design.design import Multiplier
from afp_hw.formats import AFPFormat
from afp_hw.synth.recipes import RECIPES, Recipe

_SCREENED: Final = ("prefix", "ripple-timed", "ripple-quick", "prefix-quick", "ripple-balanced")

SCREENING: Final[Sequence[Recipe]] = [recipe for recipe in RECIPES if recipe.name in _SCREENED]
"""Recipes with which options are compared; the best design then gets all of them."""


def start(design: Design) -> Design:
    """Where a search begins: registers as asked for by nobody, full adders placed for integers."""
    multiplier: Multiplier = "compressed" if _has_trees(design) else "operator"
    return replace(
        design, registers=(), gate_zeros=True, decode="pe", segments=(), multiplier=multiplier
    )


def _has_trees(design: Design) -> bool:
    """Whether there is more than an adder that full adders may be placed in."""
    formats = (design.weights, design.acts)
    wide = all(isinstance(fmt, AFPFormat) and fmt.n_man >= 2 for fmt in formats)
    return design.integers or wide or design.lanes > 2


def segment_choices(design: Design) -> list[tuple[int, ...]]:
    """One part; the low bits apart from the high ones; and three parts.

    The cuts are at shares of the width of a product where small formats have their best: a cut
    costs a clock gate, and every format has its optimum within a bit or two of these.
    """
    width, whole = design.lane_sum_width, design.pe_acc_width
    choices = [(), (round(0.82 * width),), (round(0.35 * width), round(0.41 * width))]
    return [cuts for cuts in choices if all(cuts) and sum(cuts) < whole]


def axes(design: Design) -> Iterator[tuple[str, list[Any]]]:
    """Each option by name with everything that it may be for this design."""
    registers: list[tuple[str, ...]] = [(), ("product",)]
    if not design.integers:
        registers.insert(1, ("significand",))
    if design.lanes > 1:
        registers += [("sum",), ("product", "sum")]
        if not design.integers:
            registers.append(("significand", "sum"))
    if design.lanes > 3:
        registers.append(("tree",))
    yield "registers", registers
    yield "segments", segment_choices(design)
    if not design.integers:
        yield "decode", ["pe", "edge"]
    yield "gate_zeros", [True, False]
    if _has_trees(design):
        yield "multiplier", ["compressed", "operator"]


def neighbours(design: Design, axis: str, values: Sequence[Any]) -> list[Design]:
    """The design with another value of one option."""
    return [replace(design, **{axis: value}) for value in values if getattr(design, axis) != value]


def cuts_beside(design: Design) -> list[Design]:
    """The design with each cut of its accumulator one bit further down and up."""
    widths = design.segments
    moved = [
        (*widths[:index], widths[index] + step, *widths[index + 1 :])
        for index in range(len(widths))
        for step in (-1, 1)
    ]
    whole = design.pe_acc_width
    return [replace(design, segments=cuts) for cuts in moved if all(cuts) and sum(cuts) < whole]
