"""The table look-up and the prefix sums of the rivals against their plain definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afp_hw.quantize.rivals import Codebook, ScaledGrid, SortedRows


def nearest(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Distance to the nearest level, by all distances."""
    return np.abs(values[:, None] - levels).min(axis=1)


@pytest.mark.parametrize("count", [2, 3, 16, 255, 4000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_level_is_the_nearest(count: int, dtype: type) -> None:
    random = np.random.default_rng(count)
    levels = np.unique(random.standard_normal(count).astype(np.float32)).astype(np.float64)
    values = random.standard_normal(5000).astype(dtype)
    values = np.concatenate([values, levels.astype(dtype), np.array([1e30, -1e30, 0], dtype)])
    rounded = Codebook(levels)(values)
    assert np.isin(rounded, levels).all()
    distance = np.abs(rounded.astype(np.float64) - values)
    np.testing.assert_array_equal(distance, nearest(values.astype(np.float64), levels))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=40, unique=True),
    st.lists(st.floats(-1e7, 1e7, width=32), min_size=1, max_size=40),
)
def test_table_and_binary_search_agree(levels: list[float], values: list[float]) -> None:
    codebook = Codebook(np.sort(np.array(levels)))
    array = np.array(values, np.float32)
    np.testing.assert_array_equal(codebook(array), codebook(array.astype(np.float64)))


def test_a_tie_goes_to_the_even_index() -> None:
    grid = ScaledGrid(np.arange(8.0), 0.5, True)
    halves = np.arange(-6.5, 7) / 2
    for dtype in (np.float32, np.float64):
        expected = np.rint(halves * 2) / 2
        np.testing.assert_array_equal(grid(halves.astype(dtype)), expected)


def test_given_edges_belong_to_the_upper_bin() -> None:
    codebook = Codebook(np.array([10.0, 20.0, 30.0]), np.array([0.0, 1.0]))
    values = np.array([-0.1, 0.0, 0.9, 1.0], np.float32)
    np.testing.assert_array_equal(codebook(values), [10, 20, 20, 30])


@pytest.mark.parametrize("levels", [np.arange(8.0), np.array([0, 1, 2, 3, 4, 6, 8, 12.0])])
def test_errors_from_prefix_sums_are_those_of_rounding(levels: np.ndarray) -> None:
    random = np.random.default_rng(0)
    rows = np.abs(random.standard_normal((5, 300))) * np.array([[1], [1e-6], [1e6], [0], [3]])
    unit = levels / levels[-1]
    for part in (1.0, 0.6, 1.7):
        found = SortedRows(rows).errors(part * unit)
        for row, error in zip(rows, found, strict=True):
            rounded = ScaledGrid(part * unit, row.max() or 1.0, False)(row)
            assert error == pytest.approx(float(np.square(rounded - row).sum()), rel=1e-9)


def test_a_power_of_two_scale_is_the_finest_that_holds_the_largest() -> None:
    rows = np.array([[7.0, 0], [7.01, 0], [14.0, 0], [0.4375, 0], [0, 0]])
    powers, _ = SortedRows(rows).best_power(np.arange(8.0), clip=False)
    np.testing.assert_array_equal(powers, [0, 1, 1, -4, 0])
