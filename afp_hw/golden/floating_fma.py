"""Sums of products in floating point, one rounding a step: what a fused multiply-adder gives.

IEEE 754-2019 ``fusedMultiplyAdd`` with operands in one of the formats of
:mod:`afp_hw.formats.floating` and the sum in binary32, rounded to nearest, ties to even.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.formats.floating import FloatFormat
from afp_hw.golden.floating import decode_float, float32_bits, float32_values


def fma_float32(
    acc: ArrayLike,
    act_codes: ArrayLike,
    wgt_codes: ArrayLike,
    act_fmt: FloatFormat,
    wgt_fmt: FloatFormat,
) -> NDArray[np.uint32]:
    """``acc + act * wgt``, rounded once to float32: correctly, for every input.

    Parameters
    ----------
    acc
        Bits of float32 numbers, integers.
    act_codes, wgt_codes
        Codes, integers, of shapes that broadcast with `acc`.
    act_fmt, wgt_fmt
        Their formats.

    Returns
    -------
    uint32 bits of float32 numbers, in the broadcast shape; a NaN is always 0x7fc00000.

    Raises
    ------
    TypeError, ValueError
        An argument is not of integers in the range of its format.

    Notes
    -----
    The sum of `acc` and the product is rounded to odd in float64, then to nearest in float32: the
    same as one rounding to nearest (S. Boldo, G. Melquiond, "Emulation of a FMA and correctly
    rounded sums: proved algorithms using rounding to odd", IEEE Transactions on Computers 57(4),
    2008, theorem 3), for these reasons.

    *The product is exact in float64.* It has at most 24 + 24 = 48 significant bits of 53, and a
    magnitude of 0 or in ``2**-298 .. 2**256``, far from the ends of float64.

    *Nothing underflows or overflows in float64.* `acc` and the product are multiples of
    ``2**-298``, hence their sum, and it is below ``2**257``. So Knuth's TwoSum gives the error of
    the rounded sum exactly, and that is 0 where the sum is exact, zero or special.

    *Rounding to odd.* Where the error is not 0, the exact sum lies between two neighbouring
    float64 numbers, whose bits, read as integers, differ by 1: one of them is odd, and it is the
    rounded sum or its neighbour towards the error.

    *The second rounding sees what it needs.* It rounds to a grid that is at least ``2**29`` times
    as coarse as float64 at this magnitude: 24 bits against 53 where float32 is normal, and a
    fixed grid of ``2**-149`` below, where float64 only becomes finer. Points of the float32 grid
    and the midpoints between them are even in float64. An odd number therefore is none of them,
    and lies strictly on the same side of each of them as the exact sum. So nearest, ties and
    overflow (a midpoint too, ``2**128 - 2**103``) come out as if the exact sum were rounded.
    """
    total = float32_values(acc)
    act = decode_float(act_codes, act_fmt)
    wgt = decode_float(wgt_codes, wgt_fmt)
    return float32_bits(_add_product(total, act, wgt))


def dot_float32(
    act_codes: ArrayLike,
    wgt_codes: ArrayLike,
    act_fmt: FloatFormat,
    wgt_fmt: FloatFormat,
) -> NDArray[np.uint32]:
    """Sums over k of ``act[m, k] * wgt[k, n]``, a fused step each, in the order of k, from +0.

    Parameters
    ----------
    act_codes
        Codes ``[M, K]``.
    wgt_codes
        Codes ``[K, N]``.
    act_fmt, wgt_fmt
        Their formats.

    Returns
    -------
    uint32 bits of float32 sums ``[M, N]``; a NaN is always 0x7fc00000.

    Raises
    ------
    TypeError, ValueError
        See :func:`fma_float32`; or the shapes do not match.
    """
    act = decode_float(act_codes, act_fmt)
    wgt = decode_float(wgt_codes, wgt_fmt)
    if act.ndim != 2 or wgt.ndim != 2 or act.shape[1] != wgt.shape[0]:
        raise ValueError(
            f"dot_float32 must be given codes [M, K] and [K, N], not {act.shape} and {wgt.shape}"
        )
    total = np.zeros((act.shape[0], wgt.shape[1]), np.float32)
    for step in range(act.shape[1]):
        total = _add_product(total, act[:, step, None], wgt[step])
    return float32_bits(total)


def _add_product(
    total: NDArray[np.float32], act: NDArray[np.float64], wgt: NDArray[np.float64]
) -> NDArray[np.float32]:
    """``total + act * wgt`` by way of rounding to odd; see :func:`fma_float32`."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        product = act * wgt
        addend = np.asarray(total, np.float64)
        rounded = np.asarray(product + addend)
        # TwoSum: what the rounding took away. NaN where a summand is not finite.
        virtual = rounded - product
        error = (product - (rounded - virtual)) + (addend - virtual)
        bits = rounded.view(np.int64)
        inexact = np.isfinite(error) & (error != 0)
        outwards = np.signbit(error) == np.signbit(rounded)
        odd = bits + np.where(inexact & (bits & 1 == 0), np.where(outwards, 1, -1), 0)
        return np.asarray(odd).view(np.float64).astype(np.float32)
