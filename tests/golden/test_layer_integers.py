"""Bounds, layer bias, residual addition, clips: against fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afp_hw import AFPFormat
from afp_hw.golden import (
    acc_bound,
    add_aligned,
    bias_to_int,
    clip_to_acc,
    dynamic_lsb,
    finest_lsb,
    gemm,
    init_from_bias,
)

pytestmark = pytest.mark.filterwarnings("error")


def power(exponent: int) -> Fraction:
    return Fraction(2) ** exponent


def test_the_bound_is_reached_by_the_worst_activations():
    wgt = np.random.default_rng(12).integers(-96, 97, (50, 8))
    init = np.random.default_rng(13).integers(-1000, 1001, 8)
    bound = acc_bound(wgt, 448, init)
    worst = np.sign(wgt) * 448
    sums = gemm(worst.T, wgt, np.abs(init))
    assert max(sums[n, n] for n in range(8)) == bound
    assert acc_bound(wgt, 448) <= bound
    assert acc_bound(wgt.astype(object) << 80, 448) == acc_bound(wgt, 448) << 80
    assert acc_bound(np.array([[-128], [-128]], np.int8), 1) == 256
    assert acc_bound(np.zeros((0, 3), int), 5, [1, -9, 2]) == 9


def test_layer_bias_uses_the_finest_grid_that_fits_32_bits():
    values = np.array([0.1, -3.7, 1e-12, 2.0])
    integers, lsb = bias_to_int(values)
    assert integers.dtype == np.int32
    assert lsb == -29
    assert integers.tolist() == [round(Fraction(float(v)) / power(lsb)) for v in values]
    for largest in (1.0, 2.0**31 - 1, 2.0**31, 5e-324, 1.7e308, 3e-310):
        exact, lsb = bias_to_int([largest, -largest, largest / 3])
        assert 2**30 <= exact[0] <= 2**31 - 1 or largest < 1e-300
        assert exact[1] == -exact[0] == -round(Fraction(largest) / power(lsb))
    assert bias_to_int(np.zeros(3))[1] == 0
    assert bias_to_int([])[0].shape == (0,)
    with pytest.raises(
        ValueError, match=r"^bias_to_int\.bias must be finite, not 2 NaN or infinite$"
    ):
        bias_to_int([1.0, np.nan, np.inf])


@given(
    st.lists(st.integers(-(2**31) + 1, 2**31 - 1), min_size=1, max_size=5),
    st.integers(-80, 80),
    st.integers(-80, 80),
    st.integers(0, 2**40),
)
def test_init_is_the_bias_rounded_half_to_even_and_saturated(integers, lsb_b, lsb_acc, init_max):
    init = init_from_bias(np.array(integers, np.int32), lsb_b, lsb_acc, init_max)
    assert init.dtype == np.int64
    for value, result in zip(integers, init, strict=True):
        exact = round(value * power(lsb_b - lsb_acc))
        assert result == max(min(exact, init_max), -init_max)


def test_init_per_channel_and_beyond_int64():
    integers = np.array([3, -3, 5], np.int32)
    init = init_from_bias(integers, 0, np.array([1, 1, -100]), 2**70)
    assert init.tolist() == [2, -2, 2**70]
    assert init.dtype == object
    assert init_from_bias(integers, 0, 10**9, 50).tolist() == [0, 0, 0]
    assert init_from_bias(integers, 10**9, 0, 50).tolist() == [50, -50, 50]
    with pytest.raises(
        ValueError, match=r"^init_from_bias\.init_max must not be negative, not -1$"
    ):
        init_from_bias(integers, 0, 0, -1)


@given(
    st.integers(-(2**40), 2**40),
    st.integers(-50, 50),
    st.integers(-(2**40), 2**40),
    st.integers(-50, 50),
)
def test_residual_addition_is_exact_on_the_finer_grid(fix_1, lsb_1, fix_2, lsb_2):
    total, lsb = add_aligned([fix_1], lsb_1, [fix_2], lsb_2)
    assert lsb == min(lsb_1, lsb_2)
    assert int(total[0]) * power(lsb) == fix_1 * power(lsb_1) + fix_2 * power(lsb_2)


def test_zeros_far_away_do_not_disturb_a_sum():
    total, lsb = add_aligned(np.zeros(2, np.int64), 300, np.array([5, -5]), 0)
    assert (total.tolist(), lsb, total.dtype) == ([5, -5], 0, np.int64)


@given(st.floats(-1e6, 1e6), st.integers(-80, 80))
def test_a_clip_is_floored_to_the_accumulator(level, lsb):
    clip = clip_to_acc(level, lsb)
    assert clip * power(lsb) <= Fraction(level) < (clip + 1) * power(lsb)


def test_a_clip_per_channel_is_an_array():
    assert clip_to_acc(6.0, np.array([[0, 1], [3, -70]])).tolist() == [[6, 3], [0, 6 * 2**70]]


@given(st.fractions(min_value=0), st.integers(1, 2**30))
def test_the_finest_grid_is_the_least_that_holds_the_magnitude(absmax, max_fix):
    lsb = finest_lsb(absmax, max_fix)
    if absmax == 0:
        assert lsb == 0
    else:
        assert absmax <= max_fix * power(lsb)
        assert absmax > max_fix * power(lsb - 1)


def test_finest_lsb_refuses_what_has_no_grid():
    for value in (float("nan"), float("inf"), -1):
        with pytest.raises(
            ValueError, match=r"^finest_lsb\.absmax must be finite and not negative"
        ):
            finest_lsb(value, 24)
    with pytest.raises(ValueError, match=r"^finest_lsb\.max_fix must be positive, not 0$"):
        finest_lsb(1, 0)


def test_dynamic_lsb_takes_the_largest_value_over_all_channels():
    fmt = AFPFormat(3, 1)
    acc = np.array([[10, -1000, 3], [5, 900, 4]])
    assert dynamic_lsb(acc, -8, fmt) == finest_lsb(1000 * power(-8), fmt.max_fix)
    channel = np.array([3, -8, 5])
    assert dynamic_lsb(acc, channel, fmt) == finest_lsb(4 * power(5), fmt.max_fix)
    assert dynamic_lsb(acc.astype(object) << 100, channel, fmt) == (
        100 + dynamic_lsb(acc, channel, fmt)
    )
    assert dynamic_lsb(acc * 0, 7, fmt) == dynamic_lsb(acc * 0, channel, fmt) == 0
    assert dynamic_lsb(np.zeros((0, 3), int), channel, fmt) == 0
    assert dynamic_lsb([-(2**63)], 0, fmt) == finest_lsb(2**63, fmt.max_fix)
