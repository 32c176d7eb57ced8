"""Squared errors from sorted magnitudes against the plain definition: round, subtract, square."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afp_hw import AFPFormat
from afp_hw.golden import decode, encode, finest_lsb
from afp_hw.quantize import SortedMagnitudes, best_lsb_channels, magnitudes, score_grid, splits

ALL = [fmt for width in range(2, 9) for fmt in splits(width)]


def plain(values: np.ndarray, fmt: AFPFormat, lsb: int) -> float:
    exact = np.asarray(values, np.float64)
    rounded = decode(encode(exact, fmt, fmt.bias(lsb)), fmt, fmt.bias(lsb))
    return float(np.square(exact - rounded).sum())


@pytest.mark.parametrize("fmt", ALL, ids=str)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_every_split_equals_the_plain_definition(fmt: AFPFormat, kind: type) -> None:
    values = np.random.default_rng(3).laplace(size=3000).astype(kind)
    tensor = SortedMagnitudes(values)
    centre = finest_lsb(tensor.absmax, fmt.max_fix)
    for lsb in range(centre - 4, centre + 3):  # clipped, exact, too coarse
        expected = plain(values, fmt, lsb)
        assert tensor.squared_error(fmt, lsb) == pytest.approx(expected, abs=1e-12 * tensor.energy)


def test_values_on_midpoints_cost_the_same_on_either_side() -> None:
    fmt = AFPFormat(2, 1)
    grid = magnitudes(fmt)
    values = np.concatenate([grid, (grid[1:] + grid[:-1]) / 2])
    assert SortedMagnitudes(values).squared_error(fmt, 0) == plain(values, fmt, 0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=40),
    st.sampled_from(ALL),
)
def test_the_least_squared_error_is_found(values: list[float], fmt: AFPFormat) -> None:
    array = np.array(values, np.float64)
    tensor = SortedMagnitudes(array)
    rule = finest_lsb(tensor.absmax, fmt.max_fix)
    assert tensor.best_lsb(fmt)[0] == rule
    lsb, error = tensor.best_lsb(fmt, "mse")
    tried = {each: plain(array, fmt, each) for each in range(rule - 40, rule + 1)}
    assert lsb <= rule
    assert error == pytest.approx(min(tried.values()), abs=1e-9 * tensor.energy)
    assert tried[lsb] == pytest.approx(min(tried.values()), abs=1e-9 * tensor.energy)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(ALL))
def test_channels_are_tensors_of_their_own(seed: int, fmt: AFPFormat) -> None:
    random = np.random.default_rng(seed)
    rows = random.standard_normal((5, 30)) * np.array([[1], [1e-3], [0], [100], [1]])
    for rule in ("absmax", "mse"):
        lsbs, errors = best_lsb_channels(rows, fmt, rule)
        for row, lsb, error in zip(rows, lsbs, errors, strict=True):
            expected = SortedMagnitudes(row).best_lsb(fmt, rule)
            assert error == pytest.approx(expected[1], abs=1e-9 * np.square(row).sum())
            assert plain(row, fmt, int(lsb)) == pytest.approx(error, abs=1e-12)


def test_a_large_tensor_keeps_nine_digits() -> None:
    values = np.random.default_rng(5).standard_normal(1_000_000).astype(np.float32)
    fmt = AFPFormat(2, 5)
    tensor = SortedMagnitudes(values)
    lsb = tensor.best_lsb(fmt)[0]
    assert abs(tensor.squared_error(fmt, lsb) - plain(values, fmt, lsb)) < 1e-9 * tensor.energy


def test_zeros_have_no_error_and_lsb_0() -> None:
    assert SortedMagnitudes(np.zeros(7)).best_lsb(AFPFormat(3, 1), "mse") == (0, 0.0)


def test_what_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="values must be finite, not with 2 NaN or infinite"):
        SortedMagnitudes([1.0, np.nan, -np.inf])


def test_the_grid_has_every_split_of_every_width() -> None:
    values = np.random.default_rng(0).standard_normal(500)
    scores = score_grid(values, range(2, 13))
    pairs = [(score.fmt.n_exp, score.fmt.n_man) for score in scores]
    expected = [(e, w - 1 - e) for w in range(2, 13) for e in range(min(8, w - 1) + 1)]
    assert pairs == expected
    for score in scores[::5]:
        error = plain(values, score.fmt, score.lsb) / values.size
        assert score.error == pytest.approx(error, rel=1e-9)
    unsigned = score_grid(np.abs(values), [4], signed=False)
    assert [str(score.fmt) for score in unsigned] == ["ue0m4", "ue1m3", "ue2m2", "ue3m1", "ue4m0"]


def test_widths_that_no_format_has() -> None:
    with pytest.raises(ValueError, match="width must be at least 2, not 1"):
        splits(1)
    with pytest.raises(ValueError, match="width must be at most 32, not 40"):
        splits(40)
    with pytest.raises(ValueError, match="values must be at least one, not none"):
        score_grid([])
