"""Tensors as codes: the grid of each kind of format, and what does not fit it."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afp_hw.formats import AFPFormat, FloatFormat, IntFormat
from afp_hw.formats.floating import BF16, FLOAT_FORMATS, FP8_E4M3, FP8_E5M2, FP16, FP32, TF32
from afp_hw.golden import decode, encode, integer_of_codes
from afp_hw.golden.floating import decode_float, encode_float
from afp_hw.quantize.bias import bias_for
from afp_hw.quantize.codes import float_exponent, quantize_codes

VALUES = np.random.default_rng(1).normal(size=(30, 20)) * 0.07


def test_afp_codes_have_the_bias_of_the_largest_magnitude() -> None:
    fmt = AFPFormat(3, 2)
    bias = bias_for(float(np.abs(VALUES).max()), fmt)
    codes = quantize_codes(VALUES, fmt)
    assert np.array_equal(codes, encode(VALUES, fmt, bias))
    assert np.abs(decode(codes, fmt, bias) - VALUES).max() <= np.abs(VALUES).max() / 8


@pytest.mark.parametrize("fmt", [IntFormat(8), IntFormat(4), IntFormat(8, signed=False)], ids=str)
def test_the_largest_magnitude_is_the_highest_integer(fmt: IntFormat) -> None:
    integers = integer_of_codes(quantize_codes(np.abs(VALUES), fmt), fmt)
    assert integers.max() == integers.flat[np.abs(VALUES).argmax()] == fmt.highest
    unit = np.abs(VALUES).max() / fmt.highest
    assert np.abs(integers * unit - np.abs(VALUES)).max() <= unit / 2 * (1 + 1e-12)


def test_an_unsigned_format_makes_zero_of_what_is_negative() -> None:
    for fmt in (IntFormat(8, signed=False), AFPFormat(3, 1, signed=False)):
        codes = quantize_codes(VALUES, fmt)
        assert not codes[VALUES <= 0].any()
        assert codes[VALUES > 0].any()


@pytest.mark.parametrize("fmt", [BF16, FP16, TF32, FP32], ids=str)
def test_wide_floats_are_rounded_as_they_are(fmt: FloatFormat) -> None:
    assert float_exponent(float(np.abs(VALUES).max()), fmt) == 0
    assert np.array_equal(quantize_codes(VALUES, fmt), encode_float(VALUES, fmt))


def test_bf16_is_that_of_ml_dtypes() -> None:
    values = VALUES.astype(np.float32)
    theirs = values.astype(ml_dtypes.bfloat16).view(np.uint16)
    assert np.array_equal(quantize_codes(values, BF16), theirs)


@given(st.floats(2.0**-1000, 2.0**1000), st.sampled_from([FP8_E4M3, FP8_E5M2]))
def test_fp8_has_the_largest_power_of_two_that_keeps_all_numbers(
    absmax: float, fmt: FloatFormat
) -> None:
    exponent = float_exponent(absmax, fmt)
    largest = float(decode_float(fmt.largest_code, fmt))
    assert math.ldexp(absmax, exponent) <= largest < math.ldexp(absmax, exponent + 1)


@pytest.mark.parametrize("fmt", [FP8_E4M3, FP8_E5M2], ids=str)
def test_fp8_codes_do_not_depend_on_a_power_of_two(fmt: FloatFormat) -> None:
    codes = quantize_codes(VALUES, fmt)
    assert np.array_equal(quantize_codes(VALUES * 2.0**-60, fmt), codes)
    magnitude = codes & ((1 << fmt.magnitude_width) - 1)
    # Within a factor of two of the top.
    assert fmt.largest_code - (1 << fmt.n_man) <= magnitude.max() <= fmt.largest_code


@pytest.mark.parametrize("fmt", [*FLOAT_FORMATS, AFPFormat(3, 1), IntFormat(8)], ids=str)
def test_a_tensor_of_zeros_is_codes_of_zero(fmt: FloatFormat | AFPFormat | IntFormat) -> None:
    assert not quantize_codes(np.zeros((3, 4)), fmt).any()
    assert quantize_codes(np.zeros((0, 4)), fmt).shape == (0, 4)


@pytest.mark.parametrize("fmt", [BF16, FP8_E4M3, AFPFormat(3, 1), IntFormat(8)], ids=str)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_is_refused(
    fmt: FloatFormat | AFPFormat | IntFormat, bad: float
) -> None:
    with pytest.raises(ValueError, match="finite"):
        quantize_codes([1.0, bad], fmt)
