"""The paper's penalty of a format, set against what its processing element measures.

Source: F. Liu et al., ICCV 2021; ``docs/numerics.md`` section 8. Its three terms are a shifter
(``2**n_exp``), an adder (``n_exp + n_man``) and a multiplier (the significand squared), all with
weight 1. Here each gets a weight of its own, and what no format changes is the constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from afp_hw.quantize import penalty

Split = tuple[int, int]

_TERMS: Final = ("constant", "shifter", "adder", "multiplier")
_WHOLE: Final = ("constant", "penalty")
FEWEST: Final = len(_TERMS) + 1
"""Formats that a fit needs, so that there is something left to be wrong about."""


@dataclass(frozen=True, slots=True)
class PenaltyFit:
    """A figure as a weighted sum of terms, by least squares.

    Parameters
    ----------
    figure
        ``"area_um2"`` or ``"energy_glitch_fj"``.
    coefficients
        By term; the figure's unit.
    fitted
        By format, what the sum gives.
    residuals
        By format, measured less fitted, as share of what was measured.
    """

    figure: str
    coefficients: Mapping[str, float]
    fitted: Mapping[str, float]
    residuals: Mapping[str, float]

    @property
    def largest(self) -> float:
        """The largest residual, a share."""
        return max(abs(value) for value in self.residuals.values())

    def as_json(self) -> dict[str, Any]:
        """Everything."""
        return {
            "figure": self.figure,
            "coefficients": dict(self.coefficients),
            "fitted": dict(self.fitted),
            "residuals": dict(self.residuals),
            "largest_residual": self.largest,
        }


def _terms(split: Split) -> list[float]:
    n_exp, n_man = split
    significand = n_man + (n_exp > 0)
    return [1, 1 << n_exp, n_exp + n_man, significand * significand]


def fit_penalty(figure: str, measured: Mapping[Split, float]) -> list[PenaltyFit]:
    """Two fits: of the paper's penalty as it is, and of its three terms with a weight each.

    Parameters
    ----------
    figure
        Name of what was measured.
    measured
        By ``(n_exp, n_man)``. Of fewer than :data:`FEWEST` formats there is no fit.
    """
    if len(measured) < FEWEST:
        return []
    whole = [[1.0, float(penalty(*split))] for split in measured]
    parts = [_terms(split) for split in measured]
    return [_fit(figure, measured, _WHOLE, whole), _fit(figure, measured, _TERMS, parts)]


def _fit(
    figure: str,
    measured: Mapping[Split, float],
    names: Sequence[str],
    terms: Sequence[Sequence[float]],
) -> PenaltyFit:
    table = np.array(terms, float)
    values = np.array(list(measured.values()), float)
    # Shares count, not units: a format of half the size may be wrong by half as much.
    weights, *_ = np.linalg.lstsq(table / values[:, None], np.ones(len(values)), rcond=None)
    fitted = table @ weights
    keys = [f"e{n_exp}m{n_man}" for n_exp, n_man in measured]
    return PenaltyFit(
        figure,
        dict(zip(names, weights.tolist(), strict=True)),
        dict(zip(keys, fitted.tolist(), strict=True)),
        dict(zip(keys, ((values - fitted) / values).tolist(), strict=True)),
    )
