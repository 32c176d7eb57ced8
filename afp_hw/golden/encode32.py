"""Encoding of float32 tensors by integer arithmetic on their bits: exact, and fast.

The scalar definition is :func:`.encode_scalar`. This is the path of plain tensors with one bias;
:mod:`.codec` takes the others through float64.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.formats import AFPFormat
from afp_hw.golden.arguments import refuse_nonfinite
from afp_hw.golden.rounding import code_dtype

_BLOCK = 1 << 16
"""Elements handled at a time: two buffers of 256 KiB, in the L2 cache; fewer cost more in calls."""

_MAN = 23
_EXPONENT_MASK = np.uint32(0x7F800000)


class Encoder32:
    """Encoder of float32 for one format and one lsb. Exact; numerics section 2.

    With ``E`` the exponent of a magnitude ``x``, not below that of the smallest normal value, the
    grid around ``x`` has the spacing ``2**(E - n_man)``. It is the spacing of float32 around
    ``magic = 2**(E + 23 - n_man)``, so the one addition ``x + magic``, correctly rounded (half to
    even) by IEEE 754, rounds ``x`` to the grid, and its bits are::

        bits(x + magic) = (E + 23 - n_man + 127) << 23 | sig     0 <= sig <= 2**(n_man + 1)

    `sig` has room to spare, and a rounding up into the next binade is ``sig = 2**(n_man + 1)``,
    which gives the right code as well. The code is ``(E - E_min) << n_man`` plus `sig`: modulo the
    size of a code, the bits, plus the bits shifted right by ``23 - n_man``, plus a constant.

    This needs ``1 <= n_man <= 10``, so that `sig` ends below bit ``23 - n_man``; codes of at most
    16 bits; and every power of two used to be a normal float32, which :meth:`find` checks. For
    ``n_man = 0`` a tie goes by the exponent's parity and not by that of `sig`.
    """

    def __init__(self, fmt: AFPFormat, lsb: int) -> None:
        self._fmt = fmt
        self._lowest = lsb + (fmt.n_man if fmt.n_exp > 0 else 0) + 127
        self._dtype = code_dtype(fmt)
        self._limit = np.float32(np.ldexp(float(fmt.max_fix), lsb))
        self._half = np.float32(np.ldexp(0.5, lsb))
        step = _MAN - fmt.n_man if fmt.n_exp > 0 else _MAN
        self._up = np.uint32(step << _MAN)
        self._fixed_magic = np.float32(np.ldexp(1.0, lsb + _MAN))
        self._cut = np.uint32(_MAN - fmt.n_man)
        base = (self._lowest + step) << fmt.n_man
        self._base = self._dtype.type(base % (1 << 8 * self._dtype.itemsize))
        self._sign = self._dtype.type(1 << fmt.magnitude_width if fmt.signed else 1)

    @staticmethod
    @lru_cache(maxsize=1024)
    def find(fmt: AFPFormat, lsb: int) -> Encoder32 | None:
        """The encoder for `fmt` and `lsb`, or None where this method does not hold."""
        if not 1 <= fmt.n_man <= 10 or fmt.width > 16:
            return None
        top = lsb + fmt.max_fix.bit_length() + _MAN  # above the exponent of every sum
        return Encoder32(fmt, lsb) if lsb >= -125 and top <= 127 else None

    def encode(self, values: NDArray[Any]) -> NDArray[Any]:
        """Codes of `values` (float16 or float32, any shape).

        Raises
        ------
        ValueError
            `values` has NaN or infinity.
        """
        flat = np.ascontiguousarray(values).reshape(-1)
        codes = np.empty(flat.size, self._dtype)
        size = min(_BLOCK, flat.size)
        magnitude, magic = np.empty(size, np.float32), np.empty(size, np.float32)
        nonzero = np.empty(size, bool)
        for start in range(0, flat.size, _BLOCK):
            block = flat[start : start + _BLOCK].astype(np.float32, copy=False)
            count = block.size
            if not self._block(
                block,
                codes[start : start + count],
                magnitude[:count],
                magic[:count],
                nonzero[:count],
            ):
                refuse_nonfinite(values)
        return codes.reshape(values.shape)

    def _block(
        self,
        block: NDArray[np.float32],
        codes: NDArray[Any],
        magnitude: NDArray[np.float32],
        magic: NDArray[np.float32],
        nonzero: NDArray[np.bool_],
    ) -> bool:
        """Encode one block into `codes`; False if it is not all finite."""
        np.absolute(block, out=magnitude)
        if not np.maximum.reduce(magnitude) < np.inf:  # NaN compares false as well
            return False
        np.minimum(magnitude, self._limit, out=magnitude)
        bits, scratch = magnitude.view(np.uint32), magic.view(np.uint32)
        if self._fmt.n_exp <= 1:
            np.add(magnitude, self._fixed_magic, out=magnitude)
            np.copyto(codes, bits, casting="unsafe")
        else:
            np.bitwise_and(bits, _EXPONENT_MASK, out=scratch)
            np.maximum(scratch, np.uint32(self._lowest << _MAN), out=scratch)
            np.add(scratch, self._up, out=scratch)
            np.add(magnitude, magic, out=magnitude)
            np.right_shift(bits, self._cut, out=scratch)
            np.add(scratch, bits, out=scratch)
            np.copyto(codes, scratch, casting="unsafe")
            np.subtract(codes, self._base, out=codes)
        # half an lsb is a tie and rounds to the even code 0: only what is beyond it has a sign
        sign = nonzero.view(np.uint8)
        if self._fmt.signed:
            np.less(block, -self._half, out=nonzero)
            np.add(codes, sign * self._sign, out=codes)
        else:
            np.greater(block, self._half, out=nonzero)
            np.multiply(codes, sign, out=codes)
        return True
