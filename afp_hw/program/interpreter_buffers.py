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
        self._windows: dict[tuple[int, int], NDArray[np.uint32]] = {}
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
        self._windows = {key: kept for key, kept in self._windows.items() if key[0] != bank}
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
        """Codes that begin at these bits, modulo the bank."""
        windows = self._windows.get((bank, width))
        if windows is None:
            spread = np.unpackbits(self._banks[bank], bitorder="little").astype(np.uint32)
            windows = np.zeros_like(spread)
            for i in range(width):
                windows |= np.roll(spread, -i) << np.uint32(i)
            self._windows[bank, width] = windows
        return windows.take(bits % len(windows))


def embedded_fix(fmt: AFPFormat, envelope: AFPFormat) -> NDArray[Any]:
    """Integers of all codes of `fmt`, embedded in the envelope: numerics section 4."""
    codes = np.arange(1 << fmt.width)
    return golden.to_fix(golden.embed(codes, fmt, envelope), envelope)
