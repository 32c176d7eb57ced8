"""Sums on their way to codes: exact integers in floating point, one grid per image or for all.

A stored tensor is codes and an exponent, one for all images or one for each (dynamic). Between two
stored tensors there are sums: integers that a floating-point type holds exactly, or that NumPy or
Python integers hold where it does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.formats import AFPFormat
from afp_hw.golden.encode32 import Encoder32
from afp_hw.network.steps import Output

SINGLE_EXACT: Final = 1 << 24
"""Integers up to this magnitude are exact in float32."""

DOUBLE_EXACT: Final = 1 << 53
"""Integers up to this magnitude are exact in float64."""

_SCALE: Final = 70
"""Largest magnitude of an exponent with which all of 1 ... 2**53 are normal in float32."""

_TABLE_WIDTH: Final = 16
"""Codes of up to so many bits are looked up."""

_NOTHING: Final = np.iinfo(np.int64).min
"""Exponent of a tensor of zeros, below all others."""


@dataclass(frozen=True, eq=False)
class Stored:
    """A tensor as memory holds it.

    Attributes
    ----------
    codes
        [B, C, H, W] (a view whose channels lie together) or [B, N].
    lsb
        int64 [B] of a dynamic tensor, [1] of a static one.
    """

    codes: NDArray[Any]
    lsb: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sums:
    """Accumulators.

    Attributes
    ----------
    values
        Integers [B, ..., N] in float32 or float64, all exact; or integers (int64, object). They
        belong to these sums alone: clip and ReLU work in place.
    lsb
        int64 [B or 1, N or 1]: the exponent.
    """

    values: NDArray[Any]
    lsb: NDArray[np.int64]


@lru_cache(maxsize=256)
def fix_table(fmt: AFPFormat) -> NDArray[Any] | None:
    """Integers of all codes of `fmt`, in float32, or in float64 where they pass 2**24.

    None where there are too many codes, or float64 does not hold the integers.
    """
    if fmt.width > _TABLE_WIDTH or fmt.max_fix > DOUBLE_EXACT:
        return None
    fix = golden.to_fix(np.arange(1 << fmt.width), fmt)
    table = fix.astype(np.float32 if fmt.max_fix <= SINGLE_EXACT else np.float64)
    table.setflags(write=False)
    return table


def exponents(lsb: NDArray[np.int64], axes: int) -> NDArray[np.int64]:
    """[B or 1, N or 1] with ones between, to broadcast with an array of `axes` axes."""
    return lsb.reshape(lsb.shape[0], *[1] * (axes - 2), lsb.shape[1])


def store(sums: Sums, output: Output) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Codes of sums, [B, ..., N], and their exponents, [B] or [1]: numerics section 6, exact."""
    if sums.values.dtype.kind != "f":
        return _store_integers(sums, output)
    values = _bounded(sums, output)
    fmt = output.target.fmt
    if output.target.lsb is None:
        largest = _largest(values, channels=sums.lsb.shape[1] > 1, signed=not output.relu)
        target = _rule(largest, sums.lsb, fmt)
    else:
        target = np.array([output.target.lsb], np.int64)
    offset = sums.lsb - target[:, None]
    if values.dtype == np.float64:
        values = _rounded_to_odd(values)
    codes = _encoded(values, offset, fmt)
    if codes is None:
        return _store_integers(sums, output)
    return codes, target


def _bounded(sums: Sums, output: Output) -> NDArray[Any]:
    """Sums behind clip and ReLU, in place."""
    values = sums.values
    if output.level is not None:
        with np.errstate(over="ignore"):
            limit = np.floor(np.ldexp(np.float64(output.level), -sums.lsb))
        # All sums lie within 2**53: a limit beyond is one that nothing reaches. Below 2**24 it is
        # exact in float32, and a rounded one above is nothing that a sum in float32 reaches.
        limit = np.minimum(limit, DOUBLE_EXACT).astype(values.dtype)
        values = np.minimum(values, exponents(limit, values.ndim), out=values)
    # An unsigned format is its own ReLU, but not for the largest magnitude.
    if output.relu and (output.target.fmt.signed or output.target.dynamic):
        values = np.maximum(values, 0, out=values)
    return values


def _largest(values: NDArray[Any], channels: bool, signed: bool) -> NDArray[np.float64]:
    """Largest magnitude of each image, [B, 1], or of each image and channel, [B, N]."""
    flat = values.reshape(len(values), -1, values.shape[-1] if channels else 1)
    top = flat.max(axis=1)
    if signed:
        top = np.maximum(top, -flat.min(axis=1))
    return np.asarray(top, np.float64)


def _rule(
    largest: NDArray[np.float64], lsb: NDArray[np.int64], fmt: AFPFormat
) -> NDArray[np.int64]:
    """Exponent of each image by the rule of numerics section 3, int64 [B]; 0 for zeros.

    With ``largest = f * 2**e`` and ``max_fix = g * 2**h``, fractions in [1/2, 1) and exact in
    float64, ``ceil(log2)`` of the ratio is ``e - h``, plus one where ``f > g``.
    """
    fraction, exponent = np.frexp(largest)
    limit, height = np.frexp(float(fmt.max_fix))
    each = exponent.astype(np.int64) - int(height) + (fraction > limit) + lsb
    best = np.where(largest == 0, _NOTHING, each).max(axis=1)
    return np.where(best == _NOTHING, 0, best)


def _rounded_to_odd(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """float32 of exact integers: the same, or of the two around it the one with an odd bit last.

    Rounding that to 22 bits or fewer gives what rounding the integer once would (Boldo and
    Melquiond, 2008, DOI 10.1109/TC.2007.70819).
    """
    single = values.astype(np.float32)
    rest = values - single
    if not rest.any():
        return single
    bits = single.view(np.int32)
    # Toward the exact value: away from zero where the rest has the sign of the number.
    outward = np.where((rest > 0) == (single > 0), 1, -1).astype(np.int32)
    even = (rest != 0) & (bits & 1 == 0)
    return np.where(even, bits + outward, bits).view(np.float32)


def _encoded(
    values: NDArray[np.float32], offset: NDArray[np.int64], fmt: AFPFormat
) -> NDArray[Any] | None:
    """Codes of ``values * 2**offset``; None where the fast encoder does not hold."""
    low, high = int(offset.min()), int(offset.max())
    if low == high:
        encoder = Encoder32.find(fmt, -low)
        return None if encoder is None else encoder.encode(values)
    encoder = Encoder32.find(fmt, 0)
    if encoder is None or max(-low, high) > _SCALE:
        return None
    scale = np.ldexp(np.float32(1), offset)
    return encoder.encode(values * exponents(scale, values.ndim))


def integers(values: NDArray[Any]) -> NDArray[Any]:
    """Exact sums as integers."""
    return values.astype(np.int64) if values.dtype.kind == "f" else values


def _store_integers(sums: Sums, output: Output) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The same for every format and every sum, by the golden functions, image by image."""
    fmt = output.target.fmt
    values = integers(sums.values)
    codes, lsbs = [], []
    for index, image in enumerate(values):
        lsb = sums.lsb[index if len(sums.lsb) > 1 else 0]
        clip = output.clip_at(lsb)
        target = output.target.lsb
        if target is None:
            shown = image if clip is None else np.minimum(image.astype(object), clip)
            shown = np.maximum(shown, 0) if output.relu else shown
            target = golden.dynamic_lsb(shown, lsb, fmt)
        codes.append(golden.requantize(image, lsb - target, fmt, relu=output.relu, clip=clip))
        lsbs.append(target)
    if output.target.lsb is not None:
        lsbs = lsbs[:1]
    return np.stack(codes), np.array(lsbs, np.int64)
