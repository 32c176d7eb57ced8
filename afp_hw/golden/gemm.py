"""Exact integer matrix products through floating-point BLAS: numerics section 5."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.golden.arguments import integer_array, largest

_F32_EXACT = 1 << 24
_F64_EXACT = 1 << 53
_INT64_EXACT = 1 << 63

_MIN_F32_BLOCK = 64
"""Shortest reduction for which a float32 product with its addition beats one in float64."""


def gemm(act_fix: ArrayLike, wgt_fix: ArrayLike, init: ArrayLike | None = None) -> NDArray[Any]:
    """``init + act_fix @ wgt_fix``, exact for all integers.

    Parameters
    ----------
    act_fix
        Integers ``[..., M, K]`` in units of ``2**lsb_a``: any NumPy integer type, or Python
        integers (dtype object).
    wgt_fix
        Integers ``[..., K, N]`` in units of ``2**lsb_w[n]``; leading axes broadcast.
    init
        Integers that broadcast with the result, in its units.

    Returns
    -------
    ``[..., M, N]`` in units of ``2**(lsb_a + lsb_w[n])``: int64 where the bound on the sums of
    these operands, ``max over n of sum_k |wgt[k, n]| * max |act| + max |init|``, is below 2**63,
    else Python integers (dtype object).

    Raises
    ------
    TypeError
        An operand is not of integers.
    ValueError
        The operands have fewer than two axes or do not agree in K.

    Notes
    -----
    A product in float32 (float64) is exact, in whatever order and with or without fused
    multiply-add, while the sum of all absolute products is at most 2**24 (2**53). The bound above
    is one on that sum. Where it is too large, K is cut into blocks that hold it; where one product
    alone is too large, operands are split into limbs, ``x = sum of limb_i << (width * i)``.
    """
    act, wgt = integer_array("gemm.act_fix", act_fix), integer_array("gemm.wgt_fix", wgt_fix)
    if act.ndim < 2 or wgt.ndim < 2 or act.shape[-1] != wgt.shape[-2]:
        raise ValueError(
            f"gemm.act_fix must be [M, K] and wgt_fix [K, N], not {act.shape} and {wgt.shape}"
        )
    start = None if init is None else integer_array("gemm.init", init)
    act_max, column = largest(act), column_bound(wgt)
    bound = act_max * column
    total = bound + (0 if start is None else largest(start))
    wide = total >= _INT64_EXACT
    if bound < _F64_EXACT:
        sums = _blockwise(act, wgt, act_max, bound)
    else:
        sums = _limbwise(act, wgt, act_max, largest(wgt), wide)
    if wide:
        sums = sums.astype(object)
    if start is None:
        return sums
    return np.asarray(sums + start.astype(object if wide else np.int64))


def column_bound(wgt: NDArray[Any]) -> int:
    """``max over n of sum_k |wgt[k, n]|``, or something larger where int64 could not hold it.

    Times the largest magnitude of an activation it is the bound of a layer's sums: numerics
    section 5.
    """
    depth = wgt.shape[-2]
    coarse = largest(wgt) * int(depth)
    if coarse >= _INT64_EXACT or not wgt.size:
        return coarse
    return int(np.absolute(wgt.astype(np.int64)).sum(axis=-2).max())


def _blockwise(act: NDArray[Any], wgt: NDArray[Any], act_max: int, bound: int) -> NDArray[np.int64]:
    """Product whose `bound` is below 2**53: float32 whole, float32 in blocks of K, or float64."""
    depth = act.shape[-1]
    if bound <= _F32_EXACT:
        return _product(act, wgt, np.float32).astype(np.int64)
    block = _F32_EXACT // max(act_max * largest(wgt), 1)
    if block < min(_MIN_F32_BLOCK, depth):
        return _product(act, wgt, np.float64).astype(np.int64)
    sums: NDArray[np.int64] | None = None
    for start in range(0, depth, block):
        part = _product(
            act[..., start : start + block], wgt[..., start : start + block, :], np.float32
        )
        sums = (
            part.astype(np.int64)
            if sums is None
            else np.add(sums, part, out=sums, casting="unsafe")
        )
    return np.zeros(0, np.int64) if sums is None else sums


def _product(act: NDArray[Any], wgt: NDArray[Any], dtype: type[Any]) -> NDArray[Any]:
    """Matrix product in a floating type whose exactness the caller has proved."""
    return np.asarray(act.astype(dtype, copy=False) @ wgt.astype(dtype, copy=False))


def _limbwise(
    act: NDArray[Any], wgt: NDArray[Any], act_max: int, wgt_max: int, wide: bool
) -> NDArray[Any]:
    """Product beyond 2**53: limbs and blocks of K that each fit float64, summed as integers.

    No partial result of int64 can wrap unless `wide` is set: with operands cut towards zero, the
    limbs of an operand have its sign, and so every partial sum of absolute products is at most
    that of the whole.
    """
    depth = act.shape[-1]
    block = min(depth, 1 << 12)
    room = _F64_EXACT.bit_length() - 1 - (block - 1).bit_length()
    kind = object if wide else np.int64
    act_width, wgt_width = _limb_widths(act_max.bit_length(), wgt_max.bit_length(), room)
    act_limbs = _limbs(act, act_max, act_width)
    wgt_limbs = _limbs(wgt, wgt_max, wgt_width)
    shape = np.broadcast_shapes(act.shape[:-2], wgt.shape[:-2])
    sums = np.zeros((*shape, act.shape[-2], wgt.shape[-1]), kind)
    for i, a in enumerate(act_limbs):
        for j, w in enumerate(wgt_limbs):
            for start in range(0, depth, block):
                part = a[..., start : start + block] @ w[..., start : start + block, :]
                exact = part.astype(np.int64).astype(kind)
                sums += exact << (act_width * i + wgt_width * j)
    return sums


def _limb_widths(act_bits: int, wgt_bits: int, room: int) -> tuple[int, int]:
    """Widths of the limbs, together at most `room` bits, that need few products."""
    half = room // 2
    if act_bits <= half:
        return max(act_bits, 1), room - max(act_bits, 1)
    if wgt_bits <= half:
        return room - max(wgt_bits, 1), max(wgt_bits, 1)
    return half, room - half


def _limbs(array: NDArray[Any], bound: int, width: int) -> list[NDArray[np.float64]]:
    """Float64 arrays of magnitude below ``2**width``, lowest first, with the signs of `array`."""
    signs = np.where(np.asarray(array < 0, bool), -1.0, 1.0)
    if array.dtype == object:
        rest = np.absolute(array)
    else:
        rest = np.absolute(array.astype(np.int64 if array.dtype.kind == "i" else np.uint64))
        rest = rest.view(np.uint64)
    mask = (1 << width) - 1
    limbs = []
    for position in range(0, max(bound.bit_length(), 1), width):
        limbs.append(((rest >> position) & mask).astype(np.float64) * signs)
    return limbs
