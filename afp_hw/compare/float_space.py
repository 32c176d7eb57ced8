"""Floating-point processing elements that are compared with others, and how they are mapped.

What is left of all depths of pipeline, with and without gating, at clocks from 5 to 10 ns in
SKY130. Shallow ones are small and take little energy where they meet the clock, as each rank of
registers in the loop is another sum; deep ones meet it. Gating is measured to save a fifth to a
half of the energy of a layer behind a ReLU. Sums that take turns are held in a register each where
that is worth its area, in deep pipelines. One element of each format is without gating.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from afp_hw.design.float_design import FloatDesign
from afp_hw.formats.floating import (
    BF16,
    FP8_E4M3,
    FP8_E5M2,
    FP16,
    FP32,
    TF32,
    FloatFormat,
)
from afp_hw.synth.recipes import RECIPES, Recipe

_MAPPED_BY: Final = ("ripple-fast", "prefix-quick", "ripple-quick")

FLOAT_RECIPES: Final[Sequence[Recipe]] = [recipe for recipe in RECIPES if recipe.name in _MAPPED_BY]
"""Quick ones that map for speed; those that rewrite at length take minutes for FP32."""

# (stages, gate_zeros, bank_sums)
_FP8: Final = ((1, True, False), (2, True, False), (2, False, False), (3, True, True))
_HALF: Final = ((2, True, False), (4, True, False), (5, True, True), (4, False, False))
_TF32: Final = ((4, True, False), (5, True, False), (5, False, False))
_SINGLE: Final = ((5, True, True), (7, True, True), (7, False, False))

_CHOICES: Final = {
    FP8_E4M3: _FP8,
    FP8_E5M2: _FP8,
    BF16: _HALF,
    FP16: _HALF,
    TF32: _TF32,
    FP32: _SINGLE,
}


def float_candidates(weights: FloatFormat, acts: FloatFormat | None = None) -> list[FloatDesign]:
    """The elements to measure for a format, or for two of FP8.

    Parameters
    ----------
    weights, acts
        Formats; `acts` is that of the weights where it is not given.

    Raises
    ------
    ValueError
        There is no element for the two.
    """
    other = weights if acts is None else acts
    choices = _CHOICES.get(weights)
    if choices is None:
        raise ValueError(f"float_candidates.weights must be a format with a name, not {weights}")
    return [FloatDesign(weights, other, *choice) for choice in choices]
