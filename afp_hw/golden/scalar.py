"""The scalar definitions: one number at a time, Python integers and fractions, exact.

These functions restate ``docs/numerics.md`` as plainly as they can, without regard to speed. The
vector forms of this package are tested against them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from afp_hw.formats import AFPFormat


def to_fix_scalar(code: int, fmt: AFPFormat) -> int:
    """Signed integer that `code` stands for, in units of ``2**lsb``. Exact; numerics section 1.

    Raises
    ------
    ValueError
        `code` is not in ``0 .. 2**fmt.width - 1``.
    """
    if not 0 <= code < 1 << fmt.width:
        raise ValueError(f"to_fix_scalar.code must be in 0..{(1 << fmt.width) - 1}, not {code!r}")
    man = code & ((1 << fmt.n_man) - 1)
    exp = (code >> fmt.n_man) & ((1 << fmt.n_exp) - 1)
    negative = code >> (fmt.n_exp + fmt.n_man)
    sig = man if exp == 0 else (1 << fmt.n_man) + man
    fix = sig << (max(exp, 1) - 1)
    return -fix if negative else fix


def decode_scalar(code: int, fmt: AFPFormat, bias: int) -> Fraction:
    """Value of `code`, exact: ``fix * 2**(1 - bias - n_man)``; numerics section 1."""
    return to_fix_scalar(code, fmt) * _power(1 - bias - fmt.n_man)


def encode_scalar(value: Fraction | float, fmt: AFPFormat, bias: int) -> int:
    """Code nearest to `value`; ties to the code whose lowest bit is 0. Exact; numerics section 2.

    Magnitudes rise with their codes, so the two neighbours of `value` are found by bisection.

    Raises
    ------
    ValueError
        `value` is NaN or infinite.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"encode_scalar.value must be finite, not {value!r}")
    exact = Fraction(value)
    if exact < 0 and not fmt.signed:
        return 0
    target = abs(exact) / _power(1 - bias - fmt.n_man)
    low, high = 0, (1 << (fmt.n_exp + fmt.n_man)) - 1
    if target >= to_fix_scalar(high, fmt):
        code = high
    else:
        while high - low > 1:
            middle = (low + high) // 2
            if to_fix_scalar(middle, fmt) <= target:
                low = middle
            else:
                high = middle
        below = target - to_fix_scalar(low, fmt)
        above = to_fix_scalar(high, fmt) - target
        code = low if below < above or (below == above and low % 2 == 0) else high
    if exact < 0 and code != 0:
        code |= 1 << (fmt.n_exp + fmt.n_man)
    return code


def gemm_scalar(
    act_fix: Sequence[Sequence[int]],
    wgt_fix: Sequence[Sequence[int]],
    init: Sequence[int] | None = None,
) -> list[list[int]]:
    """``init[n] + sum over k of act[m][k] * wgt[k][n]``, exact; numerics section 5.

    `act_fix` is ``[M][K]``, `wgt_fix` ``[K][N]``, `init` ``[N]``; the result is ``[M][N]``.
    """
    columns = len(wgt_fix[0]) if wgt_fix else len(init or ())
    start = [int(value) for value in init] if init is not None else [0] * columns
    return [
        [
            start[n] + sum(int(a) * int(row[n]) for a, row in zip(line, wgt_fix, strict=True))
            for n in range(columns)
        ]
        for line in act_fix
    ]


def requantize_scalar(
    acc: int, offset: int, fmt: AFPFormat, relu: bool = False, clip: int | None = None
) -> int:
    """Code of ``relu?(clip?(acc)) * 2**offset`` in units of the output's lsb; numerics 6."""
    if clip is not None:
        acc = min(acc, clip)
    if relu:
        acc = max(acc, 0)
    # lsb = 0 at this bias, so that the value is counted in units of the output's own lsb
    return encode_scalar(acc * _power(offset), fmt, 1 - fmt.n_man)


def _power(exponent: int) -> Fraction:
    """``2**exponent``, exact for either sign."""
    return Fraction(1 << exponent) if exponent >= 0 else Fraction(1, 1 << -exponent)
