"""The rule of the bias, against a search over all of them."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afp_hw import AFPFormat
from afp_hw.golden import decode, encode
from afp_hw.quantize import bias_for, bias_for_channels

FORMATS = [AFPFormat.parse(n) for n in ("e3m1", "ue3m2", "e2m1", "e0m4", "e1m0", "e5m2", "e8m23")]


def searched(absmax, fmt):
    """The largest bias (finest grid) at which the largest value still reaches `absmax`."""
    best = None
    for bias in range(-1500, 1500):
        if absmax <= fmt.max_fix * Fraction(2) ** fmt.lsb(bias):
            best = bias
    return best


@pytest.mark.parametrize("fmt", FORMATS, ids=str)
def test_the_rule_finds_what_a_search_finds(fmt):
    edge = float(fmt.max_fix)
    for absmax in (1.0, 0.7, 3e-5, 5e-324, 1e300, edge, np.nextafter(edge, 1e9), edge / 2, 1 / 3):
        assert bias_for(absmax, fmt) == searched(Fraction(float(absmax)), fmt)


@given(st.floats(min_value=5e-324, allow_infinity=False), st.sampled_from(FORMATS))
def test_the_grid_holds_the_magnitude_and_the_next_finer_does_not(absmax, fmt):
    bias = bias_for(absmax, fmt)
    exact = Fraction(absmax)
    assert exact <= fmt.max_fix * Fraction(2) ** fmt.lsb(bias)
    assert exact > fmt.max_fix * Fraction(2) ** fmt.lsb(bias + 1)


@given(st.lists(st.floats(min_value=0, allow_infinity=False), max_size=9), st.sampled_from(FORMATS))
def test_channels_have_the_biases_that_their_scalars_have(absmax, fmt):
    array = bias_for_channels(np.array(absmax, np.float64), fmt)
    assert array.dtype == np.int64
    assert array.tolist() == [bias_for(value, fmt) for value in absmax]


def test_channels_keep_their_shape_and_take_float32():
    array = np.array([[0.5, 0.0], [3.0, 1e-40]], np.float32)
    result = bias_for_channels(array, AFPFormat(3, 1))
    assert result.tolist() == [[bias_for(v, AFPFormat(3, 1)) for v in row] for row in array]


def test_a_tensor_of_zeros_has_lsb_zero():
    for fmt in FORMATS:
        assert fmt.lsb(bias_for(0.0, fmt)) == 0


@pytest.mark.parametrize(
    "one", [1, 1.0, np.float16(1), np.float32(1), np.float64(1), np.int64(1), Fraction(1)], ids=type
)
def test_numbers_of_any_kind_give_a_python_integer(one):
    bias = bias_for(one, AFPFormat(3, 1))
    assert type(bias) is int
    assert bias == 7  # 192 * 2**-7 = 1.5 holds 1, 192 * 2**-8 does not; lsb = -7, bias = 1 - 1 + 7


def test_a_tensor_at_its_own_bias_does_not_saturate():
    values = np.random.default_rng(14).standard_normal(1000)
    for fmt in FORMATS[:1] + FORMATS[2:]:
        absmax = np.abs(values).max()
        bias = bias_for(absmax, fmt)
        largest = np.abs(decode(encode(values, fmt, bias), fmt, bias)).max()
        assert largest <= fmt.max_fix * 2.0 ** fmt.lsb(bias)
        assert absmax <= fmt.max_fix * 2.0 ** fmt.lsb(bias)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0, np.float32("nan"), -3])
def test_magnitudes_without_a_grid_are_refused(bad):
    with pytest.raises(
        ValueError, match=r"^bias_for\.absmax must be finite and not negative, not "
    ):
        bias_for(bad, AFPFormat(3, 1))
    with pytest.raises(
        ValueError, match=r"^bias_for_channels\.absmax must be finite and not negat"
    ):
        bias_for_channels([1.0, bad], AFPFormat(3, 1))


@pytest.mark.parametrize("bad", ["1", None, True, 1j, np.ones(3)])
def test_what_is_no_number_is_refused(bad):
    with pytest.raises(TypeError, match=r"^bias_for\.absmax must be a number, not "):
        bias_for(bad, AFPFormat(3, 1))
