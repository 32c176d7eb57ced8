"""NumPy arrays to what the compiled array reads, and back: codes, and integers of any width."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.design import Design


def operand_codes(name: str, codes: ArrayLike, width: int) -> NDArray[np.uint16]:
    """Codes ``[rows, columns]`` of `width` bits as the library reads them; `name` is for errors.

    Raises
    ------
    TypeError
        `codes` is not of integers.
    ValueError
        `codes` is no matrix, is empty, or has a code out of range.
    """
    array = np.asarray(codes)
    if array.dtype.kind not in "iu":
        raise TypeError(f"ArraySimulator.run.{name} must be of integers, not {array.dtype}")
    if array.ndim != 2 or not array.size:
        raise ValueError(
            f"ArraySimulator.run.{name} must be a matrix with elements, not of shape {array.shape}"
        )
    low, high = int(array.min()), int(array.max())
    if low < 0 or high >= 1 << width:
        wrong = low if low < 0 else high
        raise ValueError(
            f"ArraySimulator.run.{name} must be codes in 0..{(1 << width) - 1}, not {wrong}"
        )
    return np.ascontiguousarray(array, np.uint16)


def init_words(
    init: ArrayLike | None, shape: tuple[int, int], design: Design
) -> tuple[NDArray[np.int64] | None, int]:
    """Initial values of sums as the library reads them.

    Parameters
    ----------
    init
        Integers ``[N]`` or ``[M, N]``, or None for zeros.
    shape
        ``(M, N)``.
    design
        Bound and width of an initial value.

    Returns
    -------
    words
        Two's complement in 64-bit words, least significant first, on the last axis; None: zeros.
    row
        Words from one row to the next; 0 where all rows share one.

    Raises
    ------
    TypeError
        `init` is not of integers.
    ValueError
        It has another shape, or a value is beyond ``design.init_bound``.
    """
    if init is None:
        return None, 0
    array = np.asarray(init)
    if array.dtype.kind not in "iuO":
        raise TypeError(f"ArraySimulator.run.init must be of integers, not {array.dtype}")
    if array.shape not in (shape, shape[1:]):
        raise ValueError(
            f"ArraySimulator.run.init must have the shape {shape[1:]} or {shape}, not {array.shape}"
        )
    largest = max(abs(int(array.max())), abs(int(array.min())))
    if largest > design.init_bound:
        raise ValueError(f"Design.init_max must be at least {largest}, not {design.init_bound}")
    if not design.init_bound:
        return None, 0
    words = words_of(array, design.init_width)
    return words, shape[1] * words.shape[-1] if array.ndim == 2 else 0


def words_of(array: NDArray[Any], width: int) -> NDArray[np.int64]:
    """Integers of `width` bits in 64-bit words, least significant first, on a new last axis."""
    count = max(-(-width // 64), 1)
    if count == 1:
        return np.ascontiguousarray(array.astype(np.int64)[..., np.newaxis])
    wide = array.astype(object)
    low = [(wide >> (64 * index)) & ((1 << 64) - 1) for index in range(count - 1)]
    parts = [part.astype(np.uint64).view(np.int64) for part in low]
    top = wide >> (64 * (count - 1))
    return np.ascontiguousarray(np.stack([*parts, top.astype(np.int64)], axis=-1))


def integers(words: NDArray[np.int64]) -> NDArray[Any]:
    """Integers ``[M, N]`` from 64-bit words ``[M, N, words]``, the last and signed one highest.

    int64 where there is one word, else Python integers (dtype object).
    """
    top = words[..., -1]
    if words.shape[-1] == 1:
        return np.ascontiguousarray(top)
    value = top.astype(object)
    for index in range(words.shape[-1] - 2, -1, -1):
        value = (value << 64) + words[..., index].view(np.uint64).astype(object)
    return np.asarray(value)
