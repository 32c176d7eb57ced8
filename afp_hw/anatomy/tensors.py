"""A layer's real tensor beside the numbers of its format: histograms and what rounding costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.formats import AFPFormat, IntFormat, Number
from afp_hw.golden import decode, embed, encode, fix_of_codes, quantize_integer, symmetric_scale

BINS: Final = 121
"""Bins of a histogram: odd, so that zero has one of its own where both ends are alike."""


@dataclass(frozen=True, eq=False)
class LayerTensor:
    """The real numbers that one operand of a layer is rounded from.

    Parameters
    ----------
    name
        Which tensor, for people.
    values
        Floats, any shape, at least one.
    fmt
        What they are rounded to: the layer's own format, which the element's envelope holds.
    bias
        Of an AFP format: an integer, or integers that broadcast with `values`. None of an integer,
        whose scale follows from the largest magnitude.
    """

    name: str
    values: NDArray[Any]
    fmt: Number
    bias: int | NDArray[np.int64] | None

    @property
    def lsb(self) -> int | None:
        """Exponent of the grid; of several the first. None of an integer."""
        return int(np.ravel(self._lsbs())[0]) if self.bias is not None else None

    @property
    def unit(self) -> float:
        """What 1 on the grid is worth."""
        if isinstance(self.fmt, IntFormat):
            return symmetric_scale(float(np.abs(self.values).max()), self.fmt)
        lsb = self.lsb
        assert lsb is not None  # of an AFP format
        return math.ldexp(1.0, lsb)

    @property
    def grids(self) -> int:
        """How many grids there are: one, or one a channel."""
        return int(np.unique(np.asarray(self.bias)).size) if self.bias is not None else 1

    def rounded(self) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Codes of the values, and the numbers that the codes stand for."""
        if isinstance(self.fmt, IntFormat):
            codes = quantize_integer(self.values, self.fmt, self.unit)
            return codes, fix_of_codes(codes, self.fmt) * self.unit
        assert self.bias is not None  # of an AFP format
        codes = encode(self.values, self.fmt, self.bias)
        return codes, decode(codes, self.fmt, self.bias)

    def uses(self, envelope: Number) -> NDArray[np.int64]:
        """How many of the values become each code of `envelope`, int64 [codes]."""
        codes, _ = self.rounded()
        if isinstance(self.fmt, AFPFormat) and isinstance(envelope, AFPFormat):
            codes = embed(codes, self.fmt, envelope)
        return np.bincount(codes.reshape(-1), minlength=1 << envelope.width)

    def as_json(self) -> dict[str, Any]:
        """Histograms and errors; float64, not exact.

        ``counts`` are of the real numbers between ``edges``. Of errors ``clipped`` is the share
        beyond the largest number of the format, ``to_zero`` that of numbers other than zero that
        become zero; ``sqnr_db`` is None where there is no error at all.
        """
        exact = np.asarray(self.values, np.float64)
        _, rounded = self.rounded()
        error = rounded - exact
        reach = float(np.abs(exact).max())
        low = -reach if exact.min() < 0 else 0.0
        counts, edges = np.histogram(exact, BINS, (low, reach) if reach else (-1.0, 1.0))
        worst = float(np.abs(error).max())
        span = worst or self.unit
        error_counts, error_edges = np.histogram(error, BINS, (-span, span))
        noise = float(np.mean(np.square(error)))
        signal = float(np.mean(np.square(exact)))
        grids = np.ldexp(float(self.fmt.max_fix), self._lsbs()) if self.bias is not None else None
        largest = self.unit * self.fmt.max_fix if grids is None else grids
        beyond = np.abs(exact) > largest
        if not self.fmt.signed:
            beyond |= exact < 0
        return {
            "name": self.name,
            "format": str(self.fmt),
            "numbers": int(exact.size),
            "grids": self.grids,
            "least": float(exact.min()),
            "largest": float(exact.max()),
            "zeros": float(np.mean(exact == 0)),
            "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
            "errors": {
                "mse": noise,
                "sqnr_db": 10.0 * math.log10(signal / noise) if noise else None,
                "max": worst,
                "clipped": float(np.mean(beyond)),
                "to_zero": float(np.mean((exact != 0) & (rounded == 0))),
                "histogram": {"edges": error_edges.tolist(), "counts": error_counts.tolist()},
            },
        }

    def _lsbs(self) -> NDArray[np.int64]:
        assert isinstance(self.fmt, AFPFormat)  # what has a bias
        return 1 - np.asarray(self.bias, np.int64) - self.fmt.n_man
