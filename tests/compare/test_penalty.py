"""The fit of the paper's penalty: exact where the figures are of its form, honest where not."""

from __future__ import annotations

from fractions import Fraction

import pytest

from afp_hw.compare.penalty import FEWEST, fit_penalty
from afp_hw.quantize import penalty

SPLITS = [(2, 1), (2, 2), (2, 3), (3, 0), (3, 1), (3, 2), (4, 3)]


def terms(n_exp: int, n_man: int) -> list[int]:
    """The paper's three terms, by hand."""
    return [2**n_exp, n_exp + n_man, (n_man + int(n_exp > 0)) ** 2]


def test_the_terms_add_up_to_the_penalty() -> None:
    for split in [*SPLITS, (0, 3), (5, 2)]:
        assert sum(terms(*split)) == penalty(*split)
    assert penalty(3, 1) == 8 + 1 + 3 + 4


def test_figures_made_of_the_terms_give_their_weights_back() -> None:
    weights = [700.0, 20.0, 30.0, 55.0]
    measured = {
        split: weights[0] + sum(w * t for w, t in zip(weights[1:], terms(*split), strict=True))
        for split in SPLITS
    }
    whole, parts = fit_penalty("area_um2", measured)
    assert list(parts.coefficients) == ["constant", "shifter", "adder", "multiplier"]
    assert list(parts.coefficients.values()) == pytest.approx(weights)
    assert parts.largest < 1e-9
    assert whole.largest > 1e-3  # one weight for three terms is not enough


def test_residuals_are_shares_of_what_was_measured() -> None:
    measured = {split: 100.0 + 7 * n for n, split in enumerate(SPLITS)}
    for fit in fit_penalty("energy_glitch_fj", measured):
        for (n_exp, n_man), value in measured.items():
            name = f"e{n_exp}m{n_man}"
            expected = Fraction(value - fit.fitted[name]) / Fraction(value)
            assert fit.residuals[name] == pytest.approx(float(expected))


@pytest.mark.parametrize("whole", [True, False])
def test_moving_any_coefficient_makes_the_fit_worse(whole: bool) -> None:
    measured = {split: 100.0 + 13 * (n % 3) + n for n, split in enumerate(SPLITS)}
    fit = fit_penalty("area_um2", measured)[0 if whole else 1]

    def error(coefficients: list[float]) -> float:
        """Squared shares that are missing, summed."""
        found = 0.0
        for split, value in measured.items():
            factors = [1, penalty(*split)] if whole else [1, *terms(*split)]
            fitted = sum(c * t for c, t in zip(coefficients, factors, strict=True))
            found += (1 - fitted / value) ** 2
        return found

    best = list(fit.coefficients.values())
    least = error(best)
    assert least == pytest.approx(sum(r * r for r in fit.residuals.values()))
    for index, coefficient in enumerate(best):
        for factor in (0.99, 1.01):
            moved = [*best[:index], coefficient * factor, *best[index + 1 :]]
            assert error(moved) > least


def test_too_few_formats_have_no_fit() -> None:
    few = dict.fromkeys(SPLITS[: FEWEST - 1], 1.0)
    assert fit_penalty("area_um2", few) == []
    assert len(fit_penalty("area_um2", dict.fromkeys(SPLITS[:FEWEST], 1.0))) == 2
