"""Codes packed without a gap, as memory and buffers hold them: the lowest bit first."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_BLOCK: Final = 1 << 20
"""Codes whose bits are spread out at a time."""


def container(width: int) -> Any:
    """The smallest unsigned type, little-endian, that holds a code of `width` bits.

    Raises
    ------
    ValueError
        There is none: more than 64 bits.
    """
    for size in (8, 16, 32, 64):
        if width <= size:
            return np.dtype(f"<u{size // 8}")
    raise ValueError(f"codes must have at most 64 bits to be packed, not {width}")


def pack_rows(codes: NDArray[Any], width: int, row_bytes: int) -> NDArray[np.uint8]:
    """Rows of codes [rows, count] as bytes [rows, row_bytes], filled up with zeros.

    Raises
    ------
    ValueError
        A row has more than `row_bytes` bytes, or a code more than `width` bits.
    """
    rows, count = codes.shape
    needed = -(-count * width // 8)
    if needed > row_bytes:
        raise ValueError(f"pack_rows.row_bytes must be at least {needed}, not {row_bytes}")
    if codes.size and int(codes.max()) >> width:
        raise ValueError(
            f"pack_rows.codes must be in 0..{(1 << width) - 1}, not {int(codes.max())}"
        )
    packed = np.zeros((rows, row_bytes), np.uint8)
    kind = container(width)
    step = max(_BLOCK // max(count, 1), 1)
    for start in range(0, rows, step):
        block = np.ascontiguousarray(codes[start : start + step], kind)
        spread = block.view(np.uint8).reshape(len(block), count, kind.itemsize)
        bits = np.unpackbits(spread, axis=2, bitorder="little")[:, :, :width]
        packed[start : start + step, :needed] = np.packbits(
            bits.reshape(len(block), -1), axis=1, bitorder="little"
        )
    return packed


def unpack_rows(packed: NDArray[np.uint8], width: int, count: int) -> NDArray[Any]:
    """Codes [rows, count] of bytes [rows, row_bytes]; the inverse of :func:`pack_rows`."""
    bits = np.unpackbits(packed, axis=1, bitorder="little")[:, : count * width]
    kind = container(width)
    spread = np.zeros((len(packed), count, 8 * kind.itemsize), np.uint8)
    spread[:, :, :width] = bits.reshape(len(packed), count, width)
    codes: NDArray[Any] = np.packbits(spread, axis=2, bitorder="little").view(kind)[:, :, 0]
    return codes


def pack_stream(codes: NDArray[Any], width: int, beat_bytes: int) -> bytes:
    """All codes in one row, filled up to whole beats.

    Blocks of a multiple of 8 codes are packed on their own: they end with a byte.
    """
    flat = codes.reshape(-1)
    parts = [
        pack_rows(part[None], width, -(-len(part) * width // 8)).tobytes()
        for part in (flat[at : at + _BLOCK] for at in range(0, len(flat), _BLOCK))
    ]
    data = b"".join(parts)
    return data + bytes(-len(data) % beat_bytes)
