"""Pooling against windows walked one by one, and averages against fractions."""

from fractions import Fraction

import numpy as np
import pytest

from afp_hw import AFPFormat
from afp_hw.golden import (
    average_factor,
    average_pool,
    decode,
    encode_scalar,
    max_pool,
    requantize,
    sum_pool,
    to_fix,
)


@pytest.mark.parametrize("name", ["e3m1", "ue3m2", "e0m4", "e2m0", "e4m10"])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(2, 2, 0), (3, 2, 1), ((3, 2), 1, (1, 0))]
)
def test_max_pool_gives_the_code_of_the_largest_value(name, kernel, stride, padding):
    fmt = AFPFormat.parse(name)
    codes = np.random.default_rng(10).integers(0, 1 << fmt.width, (2, 3, 7, 6))
    pooled = max_pool(codes, fmt, kernel, stride, padding)
    values = decode(codes, fmt, 0)
    kernel, stride, padding = (
        (item, item) if isinstance(item, int) else item for item in (kernel, stride, padding)
    )
    for b, c, y, x in np.ndindex(*pooled.shape):
        top, left = y * stride[0] - padding[0], x * stride[1] - padding[1]
        window = values[b, c, max(top, 0) : top + kernel[0], max(left, 0) : left + kernel[1]]
        assert decode(pooled[b, c, y, x], fmt, 0) == window.max()


def test_padding_takes_no_part_in_a_maximum_of_negative_values():
    fmt = AFPFormat(3, 1)
    codes = np.full((1, 1, 2, 2), 0b1_001_1)
    assert (max_pool(codes, fmt, 3, 1, 1) == 0b1_001_1).all()


def test_all_zeros_are_equal_and_the_result_is_positive_zero():
    fmt = AFPFormat(3, 1)
    negative_zero = 1 << 4
    codes = np.full((1, 1, 2, 2), negative_zero)
    assert max_pool(codes, fmt, 2).tolist() == [[[[0]]]]
    codes[0, 0, 0, 0] = negative_zero | 3
    assert max_pool(codes, fmt, 2).tolist() == [[[[0]]]]


def test_dilated_windows_skip_elements():
    fmt = AFPFormat(4, 3, signed=False)
    codes = np.arange(25).reshape(1, 1, 5, 5)
    assert max_pool(codes, fmt, 2, 1, 0, 3).tolist() == [[[[18, 19], [23, 24]]]]


def test_padding_that_could_fill_a_window_is_refused():
    codes = np.zeros((1, 1, 4, 4), np.uint8)
    with pytest.raises(ValueError, match=r"^max_pool\.padding must be below the window's \(2, 2\)"):
        max_pool(codes, AFPFormat(3, 1), 2, 1, 2)
    with pytest.raises(ValueError, match=r"not \(0, 0, 0, 3\)$"):
        max_pool(codes, AFPFormat(3, 1), 2, 1, (0, 0, 0, 3))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, object])
def test_sums_of_windows_are_exact_in_any_integer_type(dtype):
    fix = np.full((1, 2, 6, 6), 100, dtype)
    assert (sum_pool(fix, 6) == 3600).all()
    assert (sum_pool(fix, 3, 3) == 900).all()
    assert sum_pool(fix, 3, 2, 1)[0, 0, 0, 0] == 400


def test_sums_beyond_int64_are_python_integers():
    fix = np.full((1, 1, 2, 2), 2**62)
    assert sum_pool(fix, 2).tolist() == [[[[2**64]]]]
    assert sum_pool(fix, 1).dtype == np.int64
    assert average_pool(fix, 1)[0, 0, 0, 0] == 2**78


@pytest.mark.parametrize("count", [1, 2, 3, 7, 49, 64, 65536])
def test_the_factor_of_an_average_is_the_nearest_reciprocal(count):
    assert average_factor(count) == round(Fraction(1 << 16, count))


def test_averages_over_powers_of_two_are_rounded_once():
    fmt = AFPFormat(3, 2, signed=False)
    codes = np.random.default_rng(11).integers(0, 32, (1, 5, 4, 4))
    fix = to_fix(codes, fmt)
    result = requantize(average_pool(fix, 4), -16, fmt)
    for channel in range(5):
        mean = Fraction(int(fix[0, channel].sum()), 16)
        assert result[0, channel, 0, 0] == encode_scalar(mean, fmt, 1 - fmt.n_man)


def test_counts_out_of_range_are_refused():
    with pytest.raises(
        ValueError, match=r"^average_factor\.count must be in 1\.\.65536, not 65537$"
    ):
        average_factor(65537)
