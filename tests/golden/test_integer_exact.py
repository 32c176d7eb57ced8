"""Integers: codes, scales and requantization against fractions, NumPy and ONNX's definition."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afp_hw.formats import AFPFormat, IntFormat
from afp_hw.golden import (
    codes_of_integers,
    fix_of_codes,
    fixed_factor,
    integer_of_codes,
    quantize_integer,
    requantize_integer,
    symmetric_scale,
    to_fix_scalar,
)

FORMATS = [IntFormat(width, signed) for width in (2, 3, 5, 8, 16) for signed in (True, False)]


@pytest.mark.parametrize("fmt", FORMATS, ids=str)
def test_codes_are_integers_modulo_a_power_of_two(fmt: IntFormat) -> None:
    integers = np.arange(fmt.lowest, fmt.highest + 1)
    codes = codes_of_integers(integers, fmt)
    assert codes.tolist() == [integer % (1 << fmt.width) for integer in integers.tolist()]
    assert np.array_equal(integer_of_codes(codes, fmt), integers)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16, np.uint16])
def test_codes_are_the_bits_of_numpys_integers(kind: type) -> None:
    fmt = IntFormat.parse(np.dtype(kind).name)
    codes = np.arange(1 << fmt.width).astype(f"uint{fmt.width}")
    assert np.array_equal(integer_of_codes(codes, fmt), codes.view(kind))


def test_what_an_array_multiplies_is_fix_or_the_integer_itself() -> None:
    afp = AFPFormat(3, 1)
    codes = np.arange(1 << afp.width)
    assert fix_of_codes(codes, afp).tolist() == [to_fix_scalar(code, afp) for code in codes]
    assert fix_of_codes([0, 127, 128, 255], IntFormat(8)).tolist() == [0, 127, -128, -1]
    assert fix_of_codes([0, 255], IntFormat(8, signed=False)).tolist() == [0, 255]


# Far from the subnormal numbers, where a scale has fewer than 53 bits.
@given(st.just(0.0) | st.floats(1e-290, 1e30), st.sampled_from(FORMATS))
def test_at_the_symmetric_scale_the_largest_magnitude_is_the_highest_integer(
    absmax: float, fmt: IntFormat
) -> None:
    scale = symmetric_scale(absmax, fmt)
    if absmax == 0:
        assert scale == 1.0
        return
    assert abs(Fraction(scale) * fmt.highest / Fraction(absmax) - 1) <= Fraction(1, 2**52)
    assert integer_of_codes(quantize_integer([absmax], fmt, scale), fmt).tolist() == [fmt.highest]


def nearest_even(value: Fraction) -> int:
    """Python's own rounding of a fraction: half to even."""
    return round(value)


@given(
    st.lists(st.integers(-3000, 3000), min_size=1, max_size=20),
    st.integers(-3, 6),
    st.sampled_from(FORMATS),
)
def test_quantization_rounds_half_to_even_and_saturates(
    quarters: list[int], exponent: int, fmt: IntFormat
) -> None:
    scale = 2.0**exponent
    values = np.array(quarters) * scale / 4  # ties and quarters, exact
    low = -fmt.highest if fmt.signed else 0
    expected = [min(max(nearest_even(Fraction(q, 4)), low), fmt.highest) for q in quarters]
    assert integer_of_codes(quantize_integer(values, fmt, scale), fmt).tolist() == expected


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
def test_quantization_is_that_of_onnxruntime_but_for_the_lowest_integer(kind: type) -> None:
    fmt = IntFormat.parse(np.dtype(kind).name)
    scale = 0.125
    values = (np.arange(-2400, 2400) / 128).astype(np.float32)  # every sixteenth of a unit
    helper = onnx.helper
    graph = helper.make_graph(
        [helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["y"])],
        "quantize",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, values.shape)],
        [helper.make_tensor_value_info("y", helper.np_dtype_to_tensor_dtype(np.dtype(kind)), None)],
        [
            onnx.numpy_helper.from_array(np.float32(scale), "scale"),
            onnx.numpy_helper.from_array(kind(0), "zero"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (theirs,) = session.run(None, {"x": values})
    mine = integer_of_codes(quantize_integer(values, fmt, scale), fmt)
    lowest = theirs == fmt.lowest if fmt.signed else np.zeros(len(values), bool)
    assert np.array_equal(mine[~lowest], theirs[~lowest])
    assert set(mine[lowest].tolist()) <= {-fmt.highest}


@given(st.floats(1e-9, 1e9))
def test_a_factor_is_within_half_a_unit_of_31_bits(ratio: float) -> None:
    factor, shift = fixed_factor(ratio)
    assert 1 << 30 <= factor < 1 << 31
    assert 1 <= shift <= 62
    assert abs(Fraction(ratio) * (1 << shift) - factor) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [(1.0, (1 << 30, 30)), (0.75, (3 << 29, 31)), (1 - 2.0**-40, (1 << 30, 30))],
)
def test_factors_of_simple_ratios(ratio: float, expected: tuple[int, int]) -> None:
    assert fixed_factor(ratio) == expected


def requantized(acc: int, factor: int, shift: int, fmt: IntFormat, relu: bool) -> int:
    """The definition: an exact fraction, rounded half away from zero, clamped."""
    exact = Fraction(acc * factor, 1 << shift)
    rounded = math.floor(abs(exact) + Fraction(1, 2)) * (-1 if exact < 0 else 1)
    return min(max(rounded, 0 if relu else fmt.lowest), fmt.highest)


@given(
    st.lists(
        st.one_of(st.integers(-(1 << 31), (1 << 31) - 1), st.integers(-70, 70)),
        min_size=1,
        max_size=8,
    ),
    st.one_of(st.integers(0, (1 << 31) - 1), st.sampled_from([1, 1 << 30, (1 << 31) - 1])),
    st.integers(1, 62),
    st.sampled_from(FORMATS),
    st.booleans(),
)
def test_requantization_is_its_definition(
    acc: list[int], factor: int, shift: int, fmt: IntFormat, relu: bool
) -> None:
    found = integer_of_codes(requantize_integer(acc, factor, shift, fmt, relu=relu), fmt)
    assert found.tolist() == [requantized(x, factor, shift, fmt, relu) for x in acc]


def test_ties_go_away_from_zero() -> None:
    sums = [-5, -3, -1, 1, 3, 5]
    found = integer_of_codes(requantize_integer(sums, 1 << 30, 31, IntFormat(8)), IntFormat(8))
    assert found.tolist() == [-3, -2, -1, 1, 2, 3]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: integer_of_codes([256], IntFormat(8)), "must be in 0..255 for int8, not 256"),
        (lambda: integer_of_codes([-1], IntFormat(8)), "must be in 0..255 for int8, not -1"),
        (lambda: codes_of_integers([128], IntFormat(8)), "must be in -128..127 for int8, not 128"),
        (lambda: symmetric_scale(-1.0, IntFormat(8)), "must be finite and not negative, not -1.0"),
        (lambda: symmetric_scale(math.inf, IntFormat(8)), "finite and not negative, not inf"),
        (lambda: quantize_integer([math.nan], IntFormat(8), 1.0), "must be finite, not NaN"),
        (lambda: quantize_integer([1.0], IntFormat(8), 0.0), "must be positive, not 0.0"),
        (lambda: fixed_factor(0.0), "must be positive, not 0.0"),
        (lambda: fixed_factor(2.0**31), "must give a shift in 1..62, not -1"),
        (lambda: fixed_factor(2.0**-40), "must give a shift in 1..62, not 70"),
        (lambda: requantize_integer([1 << 31], 1, 1, IntFormat(8)), "must be of 32 bits"),
        (lambda: requantize_integer([1], 1 << 31, 1, IntFormat(8)), "must be in 0..2**31 - 1"),
        (lambda: requantize_integer([1], 1, 63, IntFormat(8)), "must be in 1..62, not 63"),
    ],
)
def test_what_is_out_of_range_is_refused(call: object, sentence: str) -> None:
    with pytest.raises(ValueError, match="must") as caught:
        call()  # type: ignore[operator]
    assert sentence in str(caught.value)


def test_another_kind_of_format_is_refused() -> None:
    with pytest.raises(TypeError, match=r"integer_of_codes\.fmt must be an IntFormat"):
        integer_of_codes([1], AFPFormat(3, 1))  # type: ignore[arg-type]
