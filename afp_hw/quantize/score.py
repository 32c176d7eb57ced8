"""All splits of the bits of a tensor, each with its best grid, error and cost in hardware."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from numpy.typing import ArrayLike

from afp_hw.formats import AFPFormat
from afp_hw.quantize.divergence import MagnitudeHistogram, kl_density, released_kl
from afp_hw.quantize.sorted_magnitudes import Rule, SortedMagnitudes

Measure = Literal["mse", "kl", "released"]

MOST_EXP = 8
"""Largest n_exp of a format."""


def penalty(n_exp: int, n_man: int) -> int:
    """Hardware cost of a split as the paper has it: numerics section 8.

    ``2**n_exp + n_man + n_exp + ([n_exp > 0] + n_man)**2``: a shifter, an adder, a multiplier.
    """
    significand = n_man + (1 if n_exp > 0 else 0)
    return (1 << n_exp) + n_man + n_exp + significand * significand


def splits(width: int, *, signed: bool = True, most_exp: int = MOST_EXP) -> list[AFPFormat]:
    """All formats of `width` bits, sign included where there is one, fixed point first.

    Raises
    ------
    ValueError
        No format has so few bits, or none so many mantissa bits.
    """
    free = width - signed
    if free < 1:
        raise ValueError(f"width must be at least {1 + signed}, not {width}")
    found = [
        AFPFormat(n_exp, free - n_exp, signed=signed)
        for n_exp in range(min(most_exp, free) + 1)
        if free - n_exp <= 23
    ]
    if not found:
        raise ValueError(f"width must be at most {1 + 23 + most_exp}, not {width}")
    return found


@dataclass(frozen=True)
class Score:
    """One split of one tensor.

    Attributes
    ----------
    fmt, lsb
        The format and its grid.
    error
        Of the measure that was asked for: mean squared error, or a divergence.
    """

    fmt: AFPFormat
    lsb: int
    error: float

    @property
    def penalty(self) -> int:
        """The paper's cost of the format."""
        return penalty(self.fmt.n_exp, self.fmt.n_man)

    def objective(self, lam: float, cost: Callable[[AFPFormat], float] | None = None) -> float:
        """``error * cost**lam``; `cost` is the paper's penalty where none is given."""
        return float(self.error * (self.penalty if cost is None else cost(self.fmt)) ** lam)


def released_objective(n_exp: int, n_man: int, divergence: float, lam: float) -> float:
    """The paper's objective, ``penalty**lambda * (10 * KL)``, with the released code's `KL`."""
    return float(penalty(n_exp, n_man) ** lam * (10 * divergence))


def score_grid(
    values: ArrayLike,
    widths: Iterable[int] = range(2, 9),
    *,
    signed: bool = True,
    measure: Measure = "mse",
    rule: Rule = "absmax",
    most_exp: int = MOST_EXP,
) -> list[Score]:
    """Every split of every width, on one tensor.

    Parameters
    ----------
    values
        Finite floats of any shape, at least one; not negative where `signed` is not.
    widths
        Bits of the formats, sign included.
    signed
        Whether the formats have a sign.
    measure
        ``mse``, ``kl`` (:func:`.kl_density`) or ``released`` (:func:`.released_kl`).
    rule
        How the grid is chosen: by the largest magnitude, or by least squared error.
    most_exp
        Largest `n_exp`.

    Returns
    -------
    In the order of `widths`, fixed point first.

    Raises
    ------
    ValueError
        NaN, infinity or no value at all; a width that no format has.
    """
    tensor = SortedMagnitudes(values)
    if not tensor.size:
        raise ValueError("values must be at least one, not none")
    histogram = None if measure == "mse" else MagnitudeHistogram(values)
    scores = []
    for width in widths:
        for fmt in splits(width, signed=signed, most_exp=most_exp):
            lsb, squared = tensor.best_lsb(fmt, rule)
            if histogram is None:
                error = squared / tensor.size
            elif measure == "kl":
                error = kl_density(histogram, fmt, lsb)
            else:
                error = released_kl(histogram, fmt, lsb)
            scores.append(Score(fmt, lsb, error))
    return scores
