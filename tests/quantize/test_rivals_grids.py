"""Integers, powers of two, quantiles and grids of two precisions: definitions and exact cases."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from afp_hw.quantize.rivals import (
    AdditivePowersOfTwo,
    Integer,
    PowersOfTwo,
    Quantile,
    TwoScale,
    ValueAware,
)
from afp_hw.quantize.rivals.logarithmic import additive_levels


@pytest.mark.parametrize("signed", [True, False])
def test_integers_by_absmax_are_the_definition(signed: bool, weights: NDArray[np.float64]) -> None:
    values = weights if signed else np.abs(weights)
    high = 7 if signed else 15
    scale = np.abs(values).max() / high
    expected = np.clip(np.rint(values / scale), -high if signed else 0, high) * scale
    np.testing.assert_array_equal(Integer(4).fit(values, None, signed)(values), expected)


def test_integers_per_channel_are_integers_of_each_channel(weights: NDArray[np.float64]) -> None:
    for clip in (False, True):
        rounded = Integer(5, per_channel=True, clip=clip).fit(weights.T, 1, True)(weights.T)
        for channel, row in enumerate(weights):
            alone = Integer(5, clip=clip).fit(row, None, True)(row)
            np.testing.assert_allclose(rounded[:, channel], alone, rtol=1e-12)


@pytest.mark.parametrize("n_bits", [3, 4, 6])
def test_clipping_has_the_least_squared_error(n_bits: int, weights: NDArray[np.float64]) -> None:
    def error(rounding_values: NDArray[np.float64]) -> float:
        return float(np.square(rounding_values - weights).sum())

    high = (1 << (n_bits - 1)) - 1
    plain = []
    for part in np.linspace(1.0, 0.2, 65):
        scale = part * np.abs(weights).max() / high
        plain.append(error(np.clip(np.rint(weights / scale), -high, high) * scale))
    found = error(Integer(n_bits, clip=True).fit(weights, None, True)(weights))
    assert found == pytest.approx(min(plain), rel=1e-12)
    assert found < error(Integer(n_bits).fit(weights, None, True)(weights))


def test_powers_of_two_are_inq_s_set() -> None:
    # absmax 1.5: n1 = floor(log2(2)) = 1; five bits: eight powers, 2**1 .. 2**-6
    values = np.linspace(-1.5, 1.5, 30_001)
    levels = np.unique(PowersOfTwo(5, clip=False).fit(values, None, True)(values))
    powers = 2.0 ** np.arange(-6, 2)
    np.testing.assert_array_equal(levels, np.concatenate([-powers[::-1], [0], powers]))
    # 1.49 is below the next power's reach: n1 = 0
    values = np.linspace(-1.49, 1.49, 30_001)
    assert PowersOfTwo(5, clip=False).fit(values, None, True)(values).max() == 1


def test_inq_rounds_at_three_halves_of_a_power() -> None:
    # Its equation 4: (a + b) / 2 <= |w| < 3 b / 2 goes to b, for neighbours a < b
    rounding = PowersOfTwo(4, clip=False).fit(np.array([1.0]), None, True)
    near = np.array([0.749, 0.751, 0.374, 0.376, 0.0624, 0.0626])
    np.testing.assert_array_equal(rounding(near), [0.5, 1, 0.25, 0.5, 0, 0.125])


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("n_bits", [3, 4, 6])
def test_clipped_powers_of_two_are_no_worse_than_any_power_near_the_rule(
    n_bits: int, signed: bool, weights: NDArray[np.float64]
) -> None:
    values = weights if signed else np.abs(weights)
    rule = math.floor(math.log2(4 / 3 * float(np.abs(values).max())))
    errors = []
    for largest in range(rule - 2, rule + 2):
        powers = 2.0 ** np.arange(largest + 1 - 2 ** (n_bits - 1 - signed), largest + 1)
        levels = np.concatenate([-powers if signed else [], [0.0], powers])
        distances = np.abs(values[..., None] - levels).min(axis=-1)
        errors.append(float(np.square(distances).sum()))
    rounded = PowersOfTwo(n_bits).fit(values, None, signed)(values)
    assert float(np.square(rounded - values).sum()) == pytest.approx(min(errors), rel=1e-9)


def test_additive_levels_of_odd_bits_are_those_of_the_released_code() -> None:
    # Its sets, in its own units: 3 bits, then 5 bits.
    sets = {
        3: ([0, 1 / 2, 1 / 4, 1 / 16], [0, 1 / 8]),
        5: ([0, 1 / 2, 1 / 8, 1 / 64], [0, 1 / 4, 1 / 16, 1 / 128], [0, 1 / 32]),
    }
    for bits, terms in sets.items():
        expected = sorted({2 * sum(parts) for parts in itertools.product(*terms)})
        np.testing.assert_array_equal(additive_levels(bits), expected)


def test_additive_levels_are_sums_of_two_terms() -> None:
    first, second = [0, 1, 1 / 4, 1 / 16], [0, 1 / 2, 1 / 8, 1 / 32]
    expected = sorted(a + b for a in first for b in second)
    np.testing.assert_array_equal(additive_levels(4), expected)
    assert [additive_levels(bits).size for bits in range(1, 9)] == [2**b for b in range(1, 9)]
    values = np.array([0.0, 1 + 1 / 2, -1 / 32, 1 / 4 + 1 / 8])
    rounding = AdditivePowersOfTwo(5).fit(np.array(expected), None, True)
    np.testing.assert_allclose(rounding(values), values, rtol=1e-12)


@pytest.mark.parametrize("n_bits", [4, 5])
def test_the_scale_of_additive_powers_has_the_least_squared_error(
    n_bits: int, weights: NDArray[np.float64]
) -> None:
    magnitudes = additive_levels(n_bits - 1)
    levels = np.concatenate([-magnitudes[:0:-1], magnitudes]) / magnitudes[-1]
    errors = []
    for part in np.linspace(1.0, 0.2, 65):
        scaled = part * np.abs(weights).max() * levels
        distances = np.abs(weights[..., None] - scaled).min(axis=-1)
        errors.append(float(np.square(distances).sum()))
    rounded = AdditivePowersOfTwo(n_bits).fit(weights, None, True)(weights)
    assert float(np.square(rounded - weights).sum()) == pytest.approx(min(errors), rel=1e-9)


def test_quantile_bins_have_as_many_values_each() -> None:
    values = np.random.default_rng(3).standard_normal(16 * 64)
    rounded = Quantile(4).fit(values, None, True)(values)
    levels, counts = np.unique(rounded, return_counts=True)
    assert levels.size == 16
    assert set(counts.tolist()) == {64}
    for level in levels:
        assert level == pytest.approx(float(np.median(values[rounded == level])), abs=0.02)


def test_quantile_of_an_unsigned_tensor_keeps_zero_apart(activations: NDArray[np.float64]) -> None:
    rounded = Quantile(3).fit(activations, None, False)(activations)
    assert ((rounded == 0) == (activations == 0)).all()
    assert np.unique(rounded).size == 8


def test_two_scales_have_a_fine_bulk_and_a_wide_tail() -> None:
    values = np.concatenate([np.random.default_rng(4).uniform(-1, 1, 990), np.full(10, 50.0)])
    method = TwoScale(6, share=0.05)
    rounded = method.fit(values, None, True)(values)
    assert np.abs(rounded[:990] - values[:990]).max() <= 1 / 32  # the fine range ends at 31/32
    np.testing.assert_array_equal(rounded[990:], 50)
    entropy = -(0.05 * math.log2(0.05) + 0.95 * math.log2(0.95))
    assert method.bits == pytest.approx(6 + entropy)


def test_two_scales_leave_no_more_to_the_wide_one_than_the_share() -> None:
    values = np.concatenate([np.random.default_rng(4).uniform(-1, 1, 900), np.full(100, 50.0)])
    rounded = TwoScale(6, share=0.05).fit(values, None, True)(values)
    np.testing.assert_array_equal(np.unique(rounded), [0, 50])  # one grid, of step 2


@pytest.mark.parametrize("signed", [True, False])
def test_two_scales_never_round_a_large_value_to_a_smaller_one_than_its_neighbour(
    signed: bool,
) -> None:
    # Just beyond the fine range the wide grid alone would give 0, the fine one its end.
    values = np.abs(np.random.default_rng(5).standard_t(2, 5000))
    rounded = TwoScale(2).fit(values, None, signed)(np.sort(values))
    assert (np.diff(rounded) >= 0).all()


def test_value_aware_keeps_the_largest_in_sixteen_bits() -> None:
    values = np.concatenate([np.linspace(-1, 1, 980), np.linspace(90, 100, 20)])
    method = ValueAware(4, share=0.02)
    rounded = method.fit(values, None, True)(values)
    assert np.abs(rounded[980:] - values[980:]).max() <= 100 / 32767 / 2 + 1e-12
    assert np.abs(rounded[:980] - values[:980]).max() <= 1 / 14 + 1e-3
    entropy = -(0.02 * math.log2(0.02) + 0.98 * math.log2(0.98))
    assert method.bits == pytest.approx(0.98 * 4 + 0.02 * 16 + entropy)


def test_value_aware_small_values_have_the_scale_with_the_least_squared_error(
    weights: NDArray[np.float64],
) -> None:
    limit = float(np.quantile(np.abs(weights), 0.99, method="lower"))
    small = weights[np.abs(weights) <= limit]
    errors = []
    for part in np.linspace(1.0, 0.2, 65):
        scale = part * limit / 7
        errors.append(
            float(np.square(np.clip(np.rint(small / scale), -7, 7) * scale - small).sum())
        )
    rounded = ValueAware(4).fit(weights, None, True)(small)
    assert float(np.square(rounded - small).sum()) == pytest.approx(min(errors), rel=1e-9)


def test_a_sign_bit_everywhere_halves_the_levels_of_an_unsigned_tensor() -> None:
    values = np.linspace(0, 7, 10_000)
    with_sign = Integer(4, sign_bit=True).fit(values, None, False)(values)
    without = Integer(4).fit(values, None, False)(values)
    assert len(np.unique(with_sign)) == 8
    assert len(np.unique(without)) == 16
