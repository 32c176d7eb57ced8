"""What every rival is: something that is fitted to a tensor and then rounds to its grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Rounding = Callable[[NDArray[Any]], NDArray[Any]]
"""Rounds values to a grid: float32 or float64 in, the same dtype and shape out."""


class Quantizer(Protocol):
    """A number format with its rule for choosing a grid from values."""

    @property
    def name(self) -> str:
        """Name of the method, without its number of bits."""
        ...

    @property
    def n_bits(self) -> int:
        """Nominal bits of an element: the column of a table in which it stands."""
        ...

    @property
    def bits(self) -> float:
        """Storage bits of an element: sign, and indices or masks where the method needs them.

        Scales and tables that a whole tensor (or channel) shares are not counted, for any method.
        """
        ...

    @property
    def per_channel(self) -> bool:
        """Whether weights get one grid per output channel."""
        ...

    @property
    def citation(self) -> str:
        """Where the method comes from."""
        ...

    def fit(self, values: ArrayLike, channel_axis: int | None, signed: bool) -> Rounding:
        """Choose the grid for `values`.

        Parameters
        ----------
        values
            Finite floats, any shape, at least one.
        channel_axis
            Axis of the channels where they may have grids of their own; None: one grid.
        signed
            False for a tensor that cannot be negative: the sign bit then holds magnitude, and what
            is negative all the same rounds to 0.
        """
        ...


def check_bits(owner: str, value: int, low: int, high: int) -> None:
    """Refuse a number of bits that is no integer in ``low..high``.

    Raises
    ------
    TypeError, ValueError
        Kind, or value.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{owner}.n_bits must be an integer, not {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{owner}.n_bits must be in {low}..{high}, not {value!r}")


def magnitude_rows(
    owner: str, values: ArrayLike, channel_axis: int | None, signed: bool
) -> NDArray[np.float64]:
    """Magnitudes as float64 [C, n], one row per channel (C = 1 without an axis).

    What is negative in an unsigned tensor counts as 0, which is what it rounds to.

    Raises
    ------
    ValueError
        `values` is empty, or has NaN or infinity.
    """
    array = np.asarray(values, np.float64)
    if not array.size:
        raise ValueError(f"{owner}.fit must be given at least one value, not none")
    bad = int(np.count_nonzero(~np.isfinite(array)))
    if bad:
        raise ValueError(f"{owner}.fit must be given finite values, not {bad} NaN or infinite ones")
    array = np.abs(array) if signed else np.maximum(array, 0.0)
    if channel_axis is None:
        return array.reshape(1, -1)
    return np.moveaxis(array, channel_axis, 0).reshape(array.shape[channel_axis], -1)
