"""Uniform integers with a real scale: what most accelerators have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.quantize.rivals.quantizer import Rounding, check_bits, magnitude_rows
from afp_hw.quantize.rivals.scale import SortedRows, shaped_scale


class UniformGrid:
    """Multiples of `scale` from ``low`` to ``high``; ties to the even multiple.

    `scale` is a number, or one per channel in a shape that broadcasts with the values.
    """

    def __init__(self, scale: float | NDArray[Any], low: int, high: int) -> None:
        self.scale, self.low, self.high = scale, low, high

    def __call__(self, values: NDArray[Any]) -> NDArray[Any]:
        """Round; float32 or float64, the same dtype and shape out."""
        scale = np.asarray(self.scale, values.dtype)
        units = np.asarray(values / scale)
        np.rint(units, out=units)
        np.clip(units, self.low, self.high, out=units)
        units *= scale
        return units


@dataclass(frozen=True)
class Integer:
    """INT-N: symmetric, uniform, a real scale per tensor or per output channel.

    Signed: ``-(2**(N-1) - 1) .. 2**(N-1) - 1``; unsigned: ``0 .. 2**N - 1``.

    Parameters
    ----------
    n_bits
        2 to 16.
    per_channel
        One scale per output channel of the weights.
    clip
        The scale with the least squared error; else the largest magnitude is the largest level.
    sign_bit
        A sign bit for every tensor, as one signed data path for all of them needs.

    Notes
    -----
    R. Krishnamoorthi, "Quantizing deep convolutional networks for efficient inference: A
    whitepaper", arXiv:1806.08342.
    """

    n_bits: int
    per_channel: bool = False
    clip: bool = False
    sign_bit: bool = False

    def __post_init__(self) -> None:
        check_bits("Integer", self.n_bits, 2, 16)

    @property
    def name(self) -> str:
        """``INT``, and how its scale is chosen."""
        channel = " per channel" if self.per_channel else ""
        sign = ", sign bit everywhere" if self.sign_bit else ""
        return f"INT{channel}, {'clipped' if self.clip else 'absmax'}{sign}"

    @property
    def bits(self) -> float:
        """N."""
        return float(self.n_bits)

    @property
    def citation(self) -> str:
        """Where the method comes from."""
        return "Krishnamoorthi 2018, arXiv:1806.08342"

    def fit(self, values: ArrayLike, channel_axis: int | None, signed: bool) -> Rounding:
        """Choose the scale: see :class:`.Quantizer`."""
        rows = SortedRows(magnitude_rows("Integer", values, channel_axis, signed))
        signed = signed or self.sign_bit
        high = (1 << (self.n_bits - signed)) - 1
        scale = rows.best_scale(np.arange(high + 1.0), self.clip)
        return UniformGrid(
            shaped_scale(scale, channel_axis, np.ndim(values)), -high if signed else 0, high
        )
