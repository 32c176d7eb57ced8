"""AFP itself under the rivals' protocol: split and bias chosen per tensor, then golden's codec."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.formats import AFPFormat
from afp_hw.golden import decode, encode, to_fix
from afp_hw.quantize.rivals.quantizer import Rounding, check_bits, magnitude_rows
from afp_hw.quantize.rivals.scale import SortedRows

_MOST_EXP: Final = 5
"""Largest n_exp tried: the envelope of the hardware."""


def splits(magnitude_bits: int) -> list[tuple[int, int]]:
    """All ``(n_exp, n_man)`` of so many bits that hardware may have, fixed point first."""
    pairs = [(n_exp, magnitude_bits - n_exp) for n_exp in range(min(_MOST_EXP, magnitude_bits) + 1)]
    return [(n_exp, n_man) for n_exp, n_man in pairs if n_man <= 10]


@dataclass(frozen=True)
class Afp:
    """AFP-N: of all splits of N bits the one with the least squared error, per tensor.

    Parameters
    ----------
    n_bits
        2 to 11.
    per_channel
        One bias per output channel of the weights; the split is the tensor's.
    clip
        The bias with the least squared error; else the paper's rule, the finest grid on which the
        largest magnitude fits.

    Notes
    -----
    F. Liu et al., "Improving Neural Network Efficiency via Post-training Quantization with Adaptive
    Floating-Point", ICCV 2021, DOI 10.1109/ICCV48922.2021.00523; ``docs/numerics.md``.
    """

    n_bits: int
    per_channel: bool = False
    clip: bool = True

    def __post_init__(self) -> None:
        check_bits("Afp", self.n_bits, 2, 11)

    @property
    def name(self) -> str:
        """``AFP``, and how its bias is chosen."""
        channel = " per channel" if self.per_channel else ""
        return f"AFP{channel}, {'clipped' if self.clip else 'paper rule'}"

    @property
    def bits(self) -> float:
        """N."""
        return float(self.n_bits)

    @property
    def citation(self) -> str:
        """Where the method comes from."""
        return "Liu et al. 2021, DOI 10.1109/ICCV48922.2021.00523"

    def choose(
        self, values: ArrayLike, channel_axis: int | None, signed: bool
    ) -> tuple[AFPFormat, NDArray[np.int64]]:
        """Format of a tensor, and its lsb [1] or one per channel [C].

        Of splits with equal errors it is the one with fewer exponent bits.
        """
        rows = SortedRows(magnitude_rows("Afp", values, channel_axis, signed))
        least = math.inf
        for n_exp, n_man in splits(self.n_bits - signed):
            unsigned = AFPFormat(n_exp, n_man, signed=False)
            fix = to_fix(np.arange(1 << unsigned.width), unsigned).astype(np.float64)
            lsb, errors = rows.best_power(fix, self.clip)
            if float(errors.sum()) < least:
                least = float(errors.sum())
                chosen = AFPFormat(n_exp, n_man, signed=signed), lsb
        return chosen

    def fit(self, values: ArrayLike, channel_axis: int | None, signed: bool) -> Rounding:
        """Choose split and bias: see :class:`.Quantizer`."""
        fmt, lsb = self.choose(values, channel_axis, signed)
        bias: Any = fmt.bias(int(lsb[0]))
        if channel_axis is not None:
            shape = [1] * np.ndim(values)
            shape[channel_axis] = -1
            bias = 1 - fmt.n_man - lsb.reshape(shape)

        def rounding(array: NDArray[Any]) -> NDArray[Any]:
            return decode(encode(array, fmt, bias), fmt, bias).astype(array.dtype, copy=False)

        return rounding
