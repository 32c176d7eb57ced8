"""Exact integers around a layer's products: bounds, layer bias, residual addition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.golden.arguments import integer_array, integer_or_array, largest
from afp_hw.golden.grid import finest_lsb

BIAS_MAX = (1 << 31) - 1
"""Largest magnitude of the integer of a layer bias."""


def acc_bound(wgt_fix: ArrayLike, max_fix_act: int, init: ArrayLike | None = None) -> int:
    """Largest magnitude that an accumulator can reach with these weights, whatever the activations.

    ``max over n of sum_k |wgt_fix[k, n]| * max_fix_act + |init[n]|``; numerics section 5. The
    accumulator needs ``acc_bound(...).bit_length() + 1`` bits.

    Parameters
    ----------
    wgt_fix
        Integers ``[K, N]`` of the weights.
    max_fix_act
        Largest magnitude of the activations' integers.
    init
        Integers ``[N]``, or one for all; None for none.

    Raises
    ------
    TypeError
        `wgt_fix` or `init` is not of integers.
    """
    wgt = integer_array("acc_bound.wgt_fix", wgt_fix)
    if largest(wgt) * max(wgt.shape[0], 1) >= 1 << 62:
        wgt = wgt.astype(object)
    elif wgt.dtype != object:
        wgt = wgt.astype(np.int64)
    sums = np.absolute(wgt).sum(axis=0).astype(object) * max_fix_act
    if init is not None:
        sums = sums + np.absolute(integer_array("acc_bound.init", init).astype(object))
    return int(np.max(sums, initial=0))


def bias_to_int(bias: ArrayLike) -> tuple[NDArray[np.int32], int]:
    """Layer bias as integers and one exponent, ``bias ~ b_int * 2**lsb_b``.

    The exponent is the least with which the largest magnitude fits 32 bits; each value is rounded
    half to even once. A bias of zeros has ``lsb_b = 0``. Source: numerics section 5.

    Parameters
    ----------
    bias
        Finite floats, any shape (``[N]``).

    Returns
    -------
    `b_int`, int32 in the shape of `bias`, magnitudes to ``2**31 - 1``, and `lsb_b`, an integer.

    Raises
    ------
    ValueError
        `bias` has NaN or infinity.
    """
    values = np.asarray(bias, np.float64)
    if not np.isfinite(values).all():
        count = int(values.size - np.isfinite(values).sum())
        raise ValueError(f"bias_to_int.bias must be finite, not {count} NaN or infinite")
    lsb = finest_lsb(float(np.absolute(values).max(initial=0.0)), BIAS_MAX)
    # ldexp is exact up to 2**31 and down to 2**-1022, below which everything rounds to 0; the
    # result of rint is at most BIAS_MAX, because the magnitude before it is
    with np.errstate(under="ignore"):
        scaled = np.ldexp(values, -lsb)
    return np.rint(scaled).astype(np.int32), lsb


def init_from_bias(
    b_int: ArrayLike, lsb_b: int, lsb_acc: int | ArrayLike, init_max: int
) -> NDArray[Any]:
    """Start of the accumulators: ``b_int * 2**(lsb_b - lsb_acc)``, half to even, saturated.

    Parameters
    ----------
    b_int, lsb_b
        Layer bias as :func:`bias_to_int` gives it.
    lsb_acc
        Exponent of the accumulator, an integer or one per channel; broadcasts with `b_int`.
    init_max
        Largest magnitude of the result.

    Returns
    -------
    int64, or Python integers (dtype object) where ``init_max >= 2**63``; exact. Source: numerics
    section 5.

    Raises
    ------
    TypeError
        An argument is not of integers.
    ValueError
        `init_max` is negative.
    """
    if init_max < 0:
        raise ValueError(f"init_from_bias.init_max must not be negative, not {init_max!r}")
    value = np.asarray(integer_array("init_from_bias.b_int", b_int), dtype=object)
    lsb = np.asarray(integer_or_array("init_from_bias.lsb_acc", lsb_acc), dtype=object)
    # beyond these shifts all but 0 saturate or round to 0
    reach = max(largest(value).bit_length(), init_max.bit_length()) + 2
    shift = np.clip(lsb_b - lsb, -reach, reach)
    magnitude = np.absolute(value) << np.maximum(shift, 0)
    right = np.maximum(-shift, 0)
    low = magnitude & ((1 << right) - 1)
    half = (1 << right) >> 1
    floor = magnitude >> right
    up = (right > 0) & ((low > half) | ((low == half) & (floor & 1 == 1)))
    rounded = np.minimum(floor + up.astype(object), init_max)
    signed = np.where(np.asarray(value < 0, bool), -rounded, rounded)
    return np.asarray(signed, dtype=object if init_max >= 1 << 63 else np.int64)


def add_aligned(
    fix_1: ArrayLike, lsb_1: int, fix_2: ArrayLike, lsb_2: int
) -> tuple[NDArray[Any], int]:
    """Exact sum of two tensors on the finer of their grids, and its exponent.

    ``acc = (fix_1 << (lsb_1 - l)) + (fix_2 << (lsb_2 - l))`` with ``l = min(lsb_1, lsb_2)``;
    numerics section 5. The shapes broadcast; the sum is int64 where its bound is below 2**63, else
    of Python integers (dtype object).

    Raises
    ------
    TypeError
        A tensor is not of integers.
    """
    first = integer_array("add_aligned.fix_1", fix_1)
    second = integer_array("add_aligned.fix_2", fix_2)
    lsb = min(lsb_1, lsb_2)
    bound = (largest(first) << (lsb_1 - lsb)) + (largest(second) << (lsb_2 - lsb))
    kind = object if bound >= 1 << 63 else np.int64
    # where one tensor is all zeros its shift may exceed 63 within the bound
    left = _shifted(first.astype(kind), lsb_1 - lsb)
    return np.asarray(left + _shifted(second.astype(kind), lsb_2 - lsb)), lsb


def _shifted(fix: NDArray[Any], shift: int) -> NDArray[Any]:
    """``fix << shift``; zeros stay zeros however far they are moved."""
    return fix << shift if fix.dtype == object or shift < 63 else np.zeros_like(fix)
