"""Dequantization and quantization in binary32, as frameworks run them. IEEE 754-2019.

Every operation rounds to nearest, ties to even, which NumPy's float32 does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.golden.arguments import integer_array


def dequantize_float32(
    acc: ArrayLike, scale: np.float32, *, relu: bool = False
) -> NDArray[np.float32]:
    """``float32(relu?(acc)) * scale`` of integers of 32 bits; two roundings.

    Raises
    ------
    ValueError
        A sum has more than 32 bits.
    """
    sums = integer_array("dequantize_float32.acc", acc).astype(np.int64)
    if sums.size and (sums.min() < -(1 << 31) or sums.max() >= 1 << 31):
        raise ValueError(
            f"dequantize_float32.acc must have 32 bits, not be {sums.min()} to {sums.max()}"
        )
    counted = np.maximum(sums, 0) if relu else sums
    return counted.astype(np.float32) * np.float32(scale)


def quantize_float32(
    numbers: NDArray[np.float32], scale: np.float32, width: int
) -> NDArray[np.int64]:
    """``saturate(round(numbers * scale))`` as codes of `width` bits in two's complement."""
    limit = 1 << (width - 1)
    scaled = np.rint(numbers.astype(np.float32) * np.float32(scale)).astype(np.float64)
    clipped = np.clip(scaled, -limit, limit - 1).astype(np.int64)
    found: NDArray[np.int64] = clipped & ((1 << width) - 1)
    return found
