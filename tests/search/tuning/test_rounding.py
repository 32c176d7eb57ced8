"""Rounding that looks at the output: never worse than nearest, and locally the best."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from afp_hw import AFPFormat
from afp_hw.golden import decode, encode
from afp_hw.quantize import magnitudes
from afp_hw.search.tuning.rounding import adjust, compensate, damped, output_error, refine

FMT = AFPFormat(2, 0)


def nearest(values: np.ndarray) -> np.ndarray:
    return decode(encode(values, FMT, FMT.bias(-2)), FMT, FMT.bias(-2))


def problem(seed: int, k: int, n: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.standard_normal((4 * k, k)) @ random.standard_normal((k, k))
    return random.standard_normal((k, n)) * 0.5, damped(x.T @ x / len(x))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 90))
def test_refining_never_makes_a_column_worse(seed: int, k: int) -> None:
    weight, square = problem(seed, k)
    start = nearest(weight)
    for first in (start, compensate(weight, square, nearest)):
        np.testing.assert_array_equal(nearest(first), first)
        better = refine(first, weight, square, nearest)
        np.testing.assert_array_equal(nearest(better), better)
        before, after = (output_error(v, weight, square) for v in (first, better))
        assert (after <= before * (1 + 1e-9)).all()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_no_single_weight_can_be_changed_for_the_better(seed: int) -> None:
    weight, square = problem(seed, 4, 1)
    found = refine(nearest(weight), weight, square, nearest, sweeps=100)
    least = output_error(found, weight, square)[0]
    grid = np.ldexp(magnitudes(FMT), -2)
    grid = np.concatenate([-grid[:0:-1], grid])
    for k, value in itertools.product(range(4), grid):
        other = found.copy()
        other[k, 0] = value
        assert output_error(other, weight, square)[0] >= least * (1 - 1e-9)


def test_compensation_comes_close_to_trying_everything() -> None:
    grid = np.ldexp(magnitudes(FMT), -2)
    grid = np.concatenate([-grid[:0:-1], grid])
    best = plain = got = 0.0
    for seed in range(25):
        weight, square = problem(seed, 3, 1)
        least = min(
            output_error(np.array(values)[:, None], weight, square)[0]
            for values in itertools.product(grid, repeat=3)
        )
        found = refine(compensate(weight, square, nearest), weight, square, nearest)
        error = output_error(found, weight, square)[0]
        assert error >= least * (1 - 1e-9)
        best, got = best + least, got + error
        plain += output_error(nearest(weight), weight, square)[0]
    assert got - best < 0.25 * (plain - best)


def test_compensation_wins_on_average_where_inputs_are_correlated() -> None:
    plain = compensated = 0.0
    for seed in range(20):
        weight, square = problem(seed, 64)
        plain += output_error(nearest(weight), weight, square).sum()
        compensated += output_error(compensate(weight, square, nearest), weight, square).sum()
    assert compensated < 0.5 * plain


def test_adjusted_weights_solve_the_least_squares() -> None:
    random = np.random.default_rng(1)
    x, y = random.standard_normal((200, 6)), random.standard_normal((200, 2))
    weight = random.standard_normal((6, 2))
    found = adjust(weight, x.T @ x / 200, x.T @ y / 200, damping=1e-12)
    np.testing.assert_allclose(found, np.linalg.lstsq(x, y, rcond=None)[0], atol=1e-6)
    held = adjust(weight, x.T @ x / 200, x.T @ y / 200, damping=1e9)
    np.testing.assert_allclose(held, weight, atol=1e-6)
