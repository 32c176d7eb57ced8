"""Sums that wait for their grid: normalised words of few bits, rounded to odd.

Source: ``docs/numerics.md`` section 6 and S. Boldo, G. Melquiond, "Emulation of a FMA and Correctly
Rounded Sums", IEEE Trans. Computers 57, 2008: what is rounded to odd with two bits more than needed
can be rounded once more as if it were exact.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.golden.arguments import integer_array
from afp_hw.golden.requantize import bit_length

_WIDEST: Final = 63


def waiting_words(
    acc: ArrayLike, n_man: int, acc_width: int, *, signed: bool, relu: bool = False
) -> NDArray[np.int64]:
    """Words ``sign[0 or 1] place fraction[n_man + 2]`` of sums; 0 for 0.

    `place` is the place of the leading one, plus 1, in ``acc_width.bit_length()`` bits; what
    follows it is cut to ``n_man + 2`` bits, the lowest of them 1 where anything was cut off.
    Without their sign words are in the order of magnitudes.

    Parameters
    ----------
    acc
        Integers of `acc_width` bits, any shape.
    n_man
        Of the format that the words will be rounded to.
    acc_width
        At most 63.
    signed
        Whether words have a sign; those without are 0 for negative sums.
    relu
        Negative sums give 0.

    Raises
    ------
    ValueError
        A sum has more bits, or may have.
    """
    if not 1 <= acc_width <= _WIDEST:
        raise ValueError(f"waiting_words.acc_width must be in 1..{_WIDEST}, not {acc_width!r}")
    sums = integer_array("waiting_words.acc", acc)
    bound = 1 << (acc_width - 1)
    if sums.size and (sums.min() < -bound or sums.max() >= bound):
        raise ValueError(
            f"waiting_words.acc must have {acc_width} bits, not be {sums.min()} to {sums.max()}"
        )
    sums = sums.astype(np.int64)
    negative = sums < 0
    magnitude = np.where(negative & (relu or not signed), 0, np.abs(sums))
    place: NDArray[np.int64] = bit_length(magnitude.astype(object)).astype(np.int64)
    fraction = n_man + 2
    below = np.maximum(place - 1 - fraction, 0)
    kept = magnitude >> below
    kept |= (kept << below) != magnitude
    kept <<= np.maximum(fraction + 1 - place, 0) * (place > 0)
    words = (place << fraction) | (kept & ((1 << fraction) - 1))
    if signed:
        sign_at = acc_width.bit_length() + fraction
        words |= (negative & (magnitude > 0)).astype(np.int64) << sign_at
    return words
