"""From non-negative float64 magnitudes, in units of one lsb, to codes: numerics section 2, exact.

Everything that rounds in the golden model passes through :func:`magnitude_codes` or, for plain
float32 tensors, through its faster twin in :mod:`afp_hw.golden.encode32`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.formats import AFPFormat

Scale = tuple[NDArray[np.float64], ...]

_BLOCK = 1 << 15
"""Elements handled at a time: 256 KiB of float64, so that a few buffers stay in the L2 cache."""

_F64_MAN = 52


def code_dtype(fmt: AFPFormat) -> np.dtype[Any]:
    """Smallest of uint8, uint16 and uint32 that holds a code of `fmt`."""
    if fmt.width <= 8:
        return np.dtype(np.uint8)
    return np.dtype(np.uint16 if fmt.width <= 16 else np.uint32)


def magnitude_codes(units: NDArray[np.float64], fmt: AFPFormat) -> NDArray[np.int64]:
    """Codes without sign of the magnitudes `units`; exact, saturating.

    Parameters
    ----------
    units
        float64, any shape, contiguous, not negative, not NaN, in units of the lsb; infinity
        stands for whatever is too large. Overwritten.
    fmt
        Format of the codes.

    Returns
    -------
    int64, same shape, ``exponent << n_man | mantissa``.

    Notes
    -----
    Up to ``knee = 2**n_man`` codes count units, and ``rint`` rounds half to even. From there on
    the bits of a float64, read as an integer, are already ``exponent, mantissa`` with a longer
    mantissa: subtracting the bits of `knee` gives the code followed by ``52 - n_man`` further
    bits, and adding half (less one unless the code is odd) carries correctly, across binades too.
    ``max_fix`` has at most 24 significant bits, so the bound is exact in float64.
    """
    np.minimum(units, float(fmt.max_fix), out=units)
    if fmt.n_exp <= 1:
        return np.rint(units, out=units).astype(np.int64)
    knee = np.float64(1 << fmt.n_man)
    cut = _F64_MAN - fmt.n_man
    code: NDArray[np.int64] = np.maximum(units, knee).view(np.int64)
    code -= knee.view(np.int64)
    odd = code >> cut
    if fmt.n_man == 0:
        odd += 1  # here `code` counts from knee = code 1, so that its parity is the other one
    odd &= 1
    code += odd
    code += (1 << (cut - 1)) - 1
    code >>= cut
    np.minimum(units, knee, out=units)
    code += np.rint(units, out=units).astype(np.int64)
    return code


def signed_codes(
    units: NDArray[np.float64], negative: NDArray[Any], fmt: AFPFormat
) -> NDArray[np.int64]:
    """Codes of `units` with the sign that `negative` says; unsigned formats give 0, zero stays +0.

    `units` as for :func:`magnitude_codes`, and overwritten; `negative` is of booleans, same shape.
    """
    code = magnitude_codes(units, fmt)
    sign = np.asarray(negative, bool) & (code != 0)
    if fmt.signed:
        code += sign.astype(np.int64) << fmt.magnitude_width
    else:
        code[sign] = 0
    return code


def power_scale(exponent: int | NDArray[Any]) -> Scale:
    """Factors whose product is ``2**exponent``, to be multiplied in turn with float64 magnitudes.

    Outside -1100..1400 every float64 but 0 rounds to zero units or saturates any format, so the
    exponent is clipped to that range. Where it is beyond what one float64 factor holds there are
    two. Each multiplication is exact unless its result is below 2**-1022 (which is on its way to
    zero units, since the second factor then does not exceed 1) or above 2**1023 (which
    saturates): so the product may be rounded as if it were exact.
    """
    if isinstance(exponent, int):
        clipped = np.asarray(min(max(exponent, -1100), 1400), np.int64)
    else:
        clipped = np.clip(exponent, -1100, 1400).astype(np.int64)
    first = np.clip(clipped, -1000, 1000)
    factors = (np.ldexp(1.0, first),)
    second = clipped - first
    return (*factors, np.ldexp(1.0, second)) if second.any() else factors


def broadcast_scale(scale: Scale, shape: tuple[int, ...]) -> Scale:
    """The same factors in `shape`, as views."""
    return tuple(np.broadcast_to(factor, shape) for factor in scale)


def apply_scale(units: NDArray[np.float64], scale: Scale, rows: tuple[slice, ...]) -> None:
    """Multiply by ``factor[rows]`` of every factor, in place; overflow and underflow are meant."""
    with np.errstate(over="ignore", under="ignore"):
        for factor in scale:
            units *= factor[rows]


def row_blocks(shape: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Slices of the leading axis that cut an array into pieces of the cache's size.

    `shape` has one axis or more.
    """
    row = max(int(np.prod(shape[1:], dtype=np.int64)), 1)
    step = max(_BLOCK // row, 1)
    for start in range(0, shape[0], step):
        yield (slice(start, start + step),)
