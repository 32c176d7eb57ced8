"""Banks of the interpreter: bytes, and codes at any bit of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.formats import AFPFormat
from afp_hw.program.packing import unpack_rows


class Buffer:
    """A buffer of two banks; what has not been loaded is noise, so that reading it shows.

    Parameters
    ----------
    name
        For errors.
    bank_bytes
        Bytes of a bank.
    """

    def __init__(self, name: str, bank_bytes: int) -> None:
        noise = np.random.default_rng(bank_bytes)
        self.name = name
        self._banks = noise.integers(0, 256, (2, bank_bytes), np.uint8)
        self._windows: dict[int, NDArray[np.uint64]] = {}
        self.loaded = 0
        """Bytes loaded so far."""

    def load(self, bank: int, data: bytes) -> None:
        """Write to a bank from its start on."""
        if len(data) > self._banks.shape[1]:
            raise ValueError(
                f"{self.name} must be loaded with at most {self._banks.shape[1]} bytes, not "
                f"{len(data)}"
            )
        self._banks[bank, : len(data)] = np.frombuffer(data, np.uint8)
        self._windows.pop(bank, None)
        self.loaded += len(data)

    def bytes(self, bank: int, count: int) -> NDArray[np.uint8]:
        """The first bytes of a bank."""
        return self._banks[bank, :count]

    def stream(self, bank: int, width: int, count: int) -> NDArray[Any]:
        """The first codes of a bank, one behind the other."""
        needed = -(-count * width // 8)
        if needed > self._banks.shape[1]:
            raise ValueError(
                f"{self.name} must be read in its {self._banks.shape[1]} bytes, not {needed}"
            )
        codes: NDArray[Any] = unpack_rows(self._banks[bank : bank + 1, :needed], width, count)[0]
        return codes

    def codes(self, bank: int, width: int, bits: NDArray[np.int64]) -> NDArray[np.uint32]:
        """Codes of at most 32 bits that begin at these bits, modulo the bank."""
        data = self._banks[bank]
        windows = self._windows.get(bank)
        if windows is None:  # at each byte the 64 bits from there on
            around = np.concatenate([data, data[:8]])
            bytes_of = np.lib.stride_tricks.sliding_window_view(around, 8)[: len(data)]
            windows = np.ascontiguousarray(bytes_of).view("<u8")[:, 0]
            self._windows[bank] = windows
        places = bits % (8 * len(data))
        found = windows.take(places >> 3) >> (places & 7).astype(np.uint64)
        return (found & np.uint64((1 << width) - 1)).astype(np.uint32)


def embedded_fix(fmt: AFPFormat, envelope: AFPFormat) -> NDArray[Any]:
    """Integers of all codes of `fmt`, embedded in the envelope: numerics section 4."""
    codes = np.arange(1 << fmt.width)
    return golden.to_fix(golden.embed(codes, fmt, envelope), envelope)
