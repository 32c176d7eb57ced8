"""Divergences of distributions, the paper's penalty and objective."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from afp_hw import AFPFormat
from afp_hw.quantize import (
    MagnitudeHistogram,
    SortedMagnitudes,
    kl_density,
    penalty,
    released_kl,
    released_objective,
    score_grid,
)

VALUES = np.random.default_rng(1).laplace(size=20_000)


@pytest.mark.parametrize(
    ("n_exp", "n_man", "cost"),
    # 2**n_exp + n_man + n_exp + ([n_exp > 0] + n_man)**2, by hand
    [(0, 3, 1 + 3 + 0 + 9), (3, 1, 8 + 1 + 3 + 4), (2, 2, 4 + 2 + 2 + 9), (4, 0, 16 + 0 + 4 + 1)],
)
def test_penalty_by_hand(n_exp: int, n_man: int, cost: int) -> None:
    assert penalty(n_exp, n_man) == cost


def test_objective_of_the_paper() -> None:
    assert released_objective(3, 1, 0.25, 0.5) == pytest.approx(4.0 * 2.5)
    score = score_grid(VALUES, [5])[0]
    assert score.objective(0.0) == score.error
    assert score.objective(1.0) == pytest.approx(score.error * score.penalty)
    assert score.objective(2.0, lambda fmt: fmt.width) == pytest.approx(score.error * 25)


def test_cells_no_wider_than_a_bin_diverge_by_nothing() -> None:
    histogram = MagnitudeHistogram(VALUES)
    lsb = SortedMagnitudes(VALUES).best_lsb(AFPFormat(0, 14))[0]
    assert kl_density(histogram, AFPFormat(0, 14), lsb) < 1e-3
    assert kl_density(histogram, AFPFormat(0, 2), lsb + 12) > 0.1


def test_an_even_density_is_even_in_wide_cells_too() -> None:
    values = np.random.default_rng(2).uniform(0, 8, 400_000)
    assert kl_density(MagnitudeHistogram(values), AFPFormat(0, 2), 1) < 0.01


def test_the_density_by_its_definition() -> None:
    """A handful of bins, counted with a loop."""
    histogram = MagnitudeHistogram(VALUES)
    fmt, lsb = AFPFormat(2, 1), SortedMagnitudes(VALUES).best_lsb(AFPFormat(2, 1))[0]
    grid = sorted({m * 2.0**lsb for m in (0, 1, 2, 3, 4, 6, 8, 12)})
    cells = [0.0, *((a + b) / 2 for a, b in pairwise(grid))]
    cells = [cell for cell in cells if cell < histogram.edges[-1]] + [histogram.edges[-1]]
    below = np.concatenate([[0], np.cumsum(histogram.mass)])

    def cumulative(x: float) -> float:
        """Mass below `x`, spread evenly over each bin."""
        return float(np.interp(x, histogram.edges, below))

    total = 0.0
    for low, high, p in zip(histogram.edges[:-1], histogram.edges[1:], histogram.mass, strict=True):
        q = 0.0
        for start, stop in pairwise(cells):
            overlap = max(0.0, min(high, stop) - max(low, start))
            q += (cumulative(stop) - cumulative(start)) * overlap / (stop - start)
        if p > 0:
            total += p * np.log(p / q)
    assert kl_density(histogram, fmt, lsb) == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize("measure", ["kl", "released"])
def test_measures_are_finite_and_not_negative(measure: str) -> None:
    for score in score_grid(VALUES, measure=measure):
        assert np.isfinite(score.error)
        assert score.error >= 0


def test_more_mantissa_bits_diverge_less() -> None:
    by_mantissa = [
        score.error
        for score in score_grid(VALUES, range(4, 9), measure="kl")
        if score.fmt.n_exp == 3
    ]
    assert by_mantissa == sorted(by_mantissa, reverse=True)


def test_the_released_measure_compares_with_doubled_centres() -> None:
    """Where rounding changes nothing, the factor of two alone is seen."""
    values = np.arange(1, 1025, dtype=float)
    histogram = MagnitudeHistogram(values)
    fine = released_kl(histogram, AFPFormat(0, 14), -3)
    p = np.cumsum(histogram.mass)
    doubled = np.interp((histogram.edges[1:]) / 2, histogram.edges[1:], p)
    some = doubled > 0
    expected = np.abs(p[some] * np.log(p[some] / doubled[some])).mean()
    assert fine == pytest.approx(expected, rel=0.05)
