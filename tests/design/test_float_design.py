"""FloatDesign: derived widths against brute force over codes, refusals as whole sentences."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

import pytest

from afp_hw.design.float_design import FloatDesign
from afp_hw.formats.floating import (
    BF16,
    FLOAT_FORMATS,
    FP8_E4M3,
    FP8_E5M2,
    FP16,
    FP32,
    TF32,
    FloatFormat,
)
from afp_hw.golden.floating_scalar import decode_float_scalar

PAIRS = [(FP8_E4M3, FP8_E5M2), *((fmt, fmt) for fmt in FLOAT_FORMATS)]


def ends(fmt: FloatFormat) -> tuple[Fraction, Fraction]:
    """Smallest and largest magnitude that is not zero."""
    return Fraction(decode_float_scalar(1, fmt)), Fraction(
        decode_float_scalar(fmt.largest_code, fmt)
    )


@pytest.mark.parametrize(("weights", "acts"), PAIRS, ids=str)
def test_products_are_within_their_bounds(weights: FloatFormat, acts: FloatFormat) -> None:
    design = FloatDesign(weights, acts, 3)
    (low, high), (least, most) = ends(weights), ends(acts)
    assert low * least == Fraction(2) ** design.product_lsb
    assert high * most < Fraction(2) ** design.product_bound <= 2 * high * most
    assert design.product_width == weights.n_man + acts.n_man + 2
    # As sums have it, the product's exponent fits its field.
    exponents = [
        math.floor(math.log2(value)) + 127 - design.exp_offset
        for value in (low * least, high * most)
    ]
    if design.bounded:
        assert min(exponents) >= 0
        assert max(exponents) < 1 << design.exp_width
    else:
        assert -(1 << design.product_exp_width - 1) <= min(exponents)


@pytest.mark.parametrize(("weights", "acts"), PAIRS, ids=str)
def test_bounded_sums_are_normal_and_finite(weights: FloatFormat, acts: FloatFormat) -> None:
    design = FloatDesign(weights, acts, 1)
    smallest = ends(weights)[0] * ends(acts)[0]
    # A sum can grow until a product is less than half of its last place.
    largest = ends(weights)[1] * ends(acts)[1] * Fraction(2) ** 24
    fits = smallest >= Fraction(2) ** -126 and largest < Fraction(2) ** 127
    assert design.bounded == fits == (design.weights not in (BF16, TF32, FP32))
    if design.bounded:
        low = math.floor(math.log2(smallest)) + 127 - design.exp_offset
        high = math.floor(math.log2(largest)) + 127 - design.exp_offset
        assert low >= 0
        assert high < 1 << design.exp_width


def test_only_fp32_keeps_its_product_in_place() -> None:
    assert [fmt for fmt in FLOAT_FORMATS if FloatDesign(fmt, fmt, 1).anchored] == [FP32]


@pytest.mark.parametrize(
    ("stages", "interleave", "latency"),
    [(1, 1, 2), (2, 1, 3), (3, 2, 4), (4, 2, 5), (5, 3, 6), (6, 4, 7), (7, 5, 8)],
)
def test_ranks_in_the_loop_are_sums_that_take_turns(
    stages: int, interleave: int, latency: int
) -> None:
    design = FloatDesign(BF16, BF16, stages)
    assert (design.interleave, design.pe_latency) == (interleave, latency)


def test_names_say_what_differs() -> None:
    assert FloatDesign(FP8_E4M3, FP8_E5M2, 2).pe_name == "fpe_fp8e4m3_fp8e5m2_s2"
    assert FloatDesign(FP16, FP16, 6, gate_zeros=True).pe_name == "fpe_fp16_fp16_s6_gated"


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        (
            {"weights": FP16},
            ValueError,
            "FloatDesign.weights and acts must be one format or both FP8, not fp16 and bf16",
        ),
        ({"acts": "bf16"}, TypeError, "FloatDesign.acts must be a FloatFormat, not 'bf16'"),
        ({"stages": 0}, ValueError, "FloatDesign.stages must be in 1..7 for bf16, not 0"),
        ({"stages": 8}, ValueError, "FloatDesign.stages must be in 1..7 for bf16, not 8"),
        (
            {"weights": FP16, "acts": FP16, "stages": 7},
            ValueError,
            "FloatDesign.stages must be in 1..6 for fp16, not 7",
        ),
        ({"stages": 2.0}, TypeError, "FloatDesign.stages must be an integer, not 2.0"),
        ({"gate_zeros": 1}, TypeError, "FloatDesign.gate_zeros must be a bool, not 1"),
        ({"bank_sums": 1}, TypeError, "FloatDesign.bank_sums must be a bool, not 1"),
        (
            {"bank_sums": True},
            ValueError,
            "FloatDesign.bank_sums must be False without gate_zeros or sums that take turns, "
            "not True",
        ),
    ],
)
def test_what_is_no_design_is_refused(
    change: dict[str, object], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error) as caught:
        dataclasses.replace(FloatDesign(BF16, BF16, 2), **change)
    assert str(caught.value) == sentence
