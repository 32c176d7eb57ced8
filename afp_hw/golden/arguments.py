"""Checks of the arguments that every function of the golden model takes."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.formats import AFPFormat

_index = np.frompyfunc(index, 1, 1)


def check_format(owner: str, fmt: AFPFormat) -> None:
    """Raise TypeError unless `fmt` is an AFPFormat."""
    if not isinstance(fmt, AFPFormat):
        raise TypeError(f"{owner}.fmt must be an AFPFormat, not {fmt!r}")


def integer_array(name: str, values: ArrayLike) -> NDArray[Any]:
    """`values` as an array of a NumPy integer type, or of Python integers (dtype object).

    Raises
    ------
    TypeError
        An element is no integer. Booleans are none.
    """
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        return array
    if array.dtype == object:
        try:
            return np.asarray(_index(array), dtype=object)
        except TypeError:
            raise TypeError(f"{name} must be integers, not objects of another kind") from None
    if array.size == 0 and not isinstance(values, np.ndarray):
        return array.astype(np.int64)
    raise TypeError(f"{name} must be integers, not {array.dtype}")


def integer_or_array(name: str, values: int | ArrayLike) -> int | NDArray[Any]:
    """A Python integer for a scalar, else what :func:`integer_array` gives."""
    array = integer_array(name, values)
    return int(array[()]) if array.ndim == 0 else array


def largest(array: NDArray[Any]) -> int:
    """Largest magnitude in `array`, a Python integer; 0 if it is empty."""
    if not array.size:
        return 0
    return max(int(array.max()), -int(array.min()))


def check_codes(owner: str, codes: ArrayLike, fmt: AFPFormat) -> NDArray[Any]:
    """`codes` as an integer array, each in ``0 .. 2**fmt.width - 1``.

    Raises
    ------
    TypeError
        `codes` is not of integers, or `fmt` no format.
    ValueError
        A code has more bits than the format.
    """
    check_format(owner, fmt)
    array = integer_array(f"{owner}.codes", codes)
    full = array.dtype.kind == "u" and array.dtype.itemsize * 8 == fmt.width
    if array.size and not full:
        low, high = int(array.min()), int(array.max())
        if low < 0 or high >> fmt.width:
            worst = low if low < 0 else high
            raise ValueError(
                f"{owner}.codes must be in 0..{(1 << fmt.width) - 1} for {fmt}, not {worst}"
            )
    return array


def refuse_nonfinite(array: NDArray[Any], name: str = "encode.values") -> None:
    """Raise ValueError with the numbers of NaN and infinities in the floats given as `name`."""
    nan = int(np.isnan(array).sum())
    infinite = int(np.isinf(array).sum())
    raise ValueError(
        f"{name} must be finite, not {nan} NaN and {infinite} infinite of {array.size}"
    )
