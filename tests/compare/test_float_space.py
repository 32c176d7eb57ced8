"""Floating-point candidates, and their measurement as any other design's."""

from __future__ import annotations

import numpy as np
import pytest

from afp_hw.compare.evaluate import Evaluator, options_of
from afp_hw.compare.float_space import FLOAT_RECIPES, float_candidates
from afp_hw.compare.operands import Matrices
from afp_hw.design.float_design import FloatDesign
from afp_hw.formats.floating import FLOAT_FORMATS, FP8_E4M3, FP8_E5M2, FloatFormat
from afp_hw.synth import Technology
from afp_hw.synth.recipes import Recipe

QUICK = Recipe("quick", "ripple", (), "strash; map")


@pytest.mark.parametrize("fmt", FLOAT_FORMATS, ids=str)
def test_there_are_gated_and_plain_elements_of_each_format(fmt: FloatFormat) -> None:
    designs = float_candidates(fmt)
    assert {design.gate_zeros for design in designs} == {True, False}
    assert {design.weights for design in designs} == {design.acts for design in designs} == {fmt}
    assert len({design.pe_name for design in designs}) == len(designs)


def test_both_kinds_of_fp8_are_mixed() -> None:
    designs = float_candidates(FP8_E4M3, FP8_E5M2)
    assert {(design.weights, design.acts) for design in designs} == {(FP8_E4M3, FP8_E5M2)}


def test_few_recipes_are_tried() -> None:
    assert 1 <= len(FLOAT_RECIPES) <= 3


def test_a_format_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be a format with a name, not mine$"):
        float_candidates(FloatFormat("mine", 4, 4, 7))


def test_an_element_is_measured_as_any_other_design() -> None:
    random = np.random.default_rng(4)
    act = np.maximum(random.normal(size=(8, 12)), 0)
    matrices = Matrices("random", act, random.normal(size=(12, 8)))
    design = FloatDesign(FP8_E5M2, FP8_E5M2, 3, gate_zeros=True)
    evaluator = Evaluator(Technology.sky130(), 50.0, matrices)
    (point,) = evaluator.best(design, [QUICK])
    assert point.meets
    assert point.fmt == ("fp8e5m2", "fp8e5m2")
    assert (
        point.options
        == options_of(design)
        == {
            "stages": 3,
            "gate_zeros": True,
            "bank_sums": False,
        }
    )
    assert point.energy.macs == 8 * 8 * 12
    assert point.energy.checked == 2 * 8 * 8
    assert point.energy.glitch_fj > point.energy.zero_delay_fj > 0
