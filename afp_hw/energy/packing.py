"""Streams through unpackers and packers: codes to and from the bit planes of a memory.

A tensor whose codes have w bits takes w banks a vector, one vector right behind the other; bit i of
vector v lies in bank ``(v * w + i) % banks``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.energy.job import Job
from afp_hw.energy.stream import Stream
from afp_hw.formats import AFPFormat, Number
from afp_hw.hdl import PlanePacker, PlaneUnpacker
from afp_hw.verilog import Part

VECTOR: Final = 16
"""Codes that a packer gathers: those of as many rows."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the codes of a tensor lie in planes.

    Attributes
    ----------
    width
        Bits of a code as it enters and leaves, and banks.
    bits
        Those that are stored, in the order of the planes.
    crossbar
        Whether planes move from bank to bank.
    """

    width: int
    bits: tuple[int, ...]
    crossbar: bool

    @classmethod
    def of(cls, fmt: Number, envelope: Number) -> Layout:
        """Codes of a format, embedded in an envelope: bits that it does not have are not stored."""
        if not isinstance(fmt, AFPFormat) or not isinstance(envelope, AFPFormat):
            return cls.plain(fmt.width)
        mantissa = range(envelope.n_man - fmt.n_man, envelope.n_man)
        exponent = range(envelope.n_man, envelope.n_man + fmt.n_exp)
        sign = [envelope.width - 1] if fmt.signed else []
        return cls(envelope.width, (*mantissa, *exponent, *sign), True)

    @classmethod
    def plain(cls, width: int) -> Layout:
        """Codes of which every bit has a bank of its own."""
        return cls(width, tuple(range(width)), False)

    @property
    def name(self) -> str:
        """For the names of modules."""
        return f"{self.width}{'' if self.crossbar else '_fixed'}"


def unpacker_part(count: int, layout: Layout) -> Part:
    """The unpacker of vectors of `count` codes."""
    return Part(
        f"plane_unpacker_{count}x{layout.name}",
        lambda place: PlaneUnpacker(count, layout.width, crossbar=layout.crossbar),
    )


def packer_part(count: int, layout: Layout) -> Part:
    """The packer of vectors of `count` codes."""
    return Part(
        f"plane_packer_{count}x{layout.name}",
        lambda place: PlanePacker(count, layout.width, crossbar=layout.crossbar),
    )


def unpacker(codes: NDArray[Any], layout: Layout) -> Job:
    """The unpacker of one side of an array; operations are vectors.

    Parameters
    ----------
    codes
        Vectors of codes in the order in which they are read, [steps, count, lanes].
    layout
        Of the tensor.
    """
    steps, count, lanes = codes.shape
    crossbar, width, bits = layout.crossbar, layout.width, layout.bits
    vector = np.arange(steps)
    # What a bank gives stays until it is read again; before that, what the last turn left.
    banks = np.zeros((width, steps, lanes), dtype=np.int64)
    written = np.zeros((width, steps), dtype=bool)
    where = np.zeros((width, steps), dtype=np.int64)
    for index, bit in enumerate(bits):
        plane = _plane(codes, bit)
        bank = (vector * len(bits) + index) % width if crossbar else np.full(steps, bit)
        banks[bank, vector] = plane
        written[bank, vector] = True
        where[bit] = bank
    latest = np.maximum.accumulate(np.where(written, vector, -1), axis=1)
    latest = np.where(latest < 0, latest.max(axis=1, keepdims=True), latest)
    inputs: dict[str, NDArray[Any]] = {"i_valid": np.ones(steps, dtype=np.int64)}
    for index in range(width):
        inputs[f"i_plane__{index}"] = banks[index][latest[index]]
    if crossbar:
        for bit in range(width):
            inputs[f"i_bank__{bit}"] = where[bit]
        stored = sum(1 << bit for bit in bits)
        inputs["i_stored"] = np.full(steps, stored, dtype=np.int64)
    outputs = {f"o_code__{place}": codes[:, place] for place in range(count)}
    stream = Stream(inputs, outputs, PlaneUnpacker.latency, steps * lanes)
    return Job(unpacker_part(count, layout), stream)


def packer(codes: NDArray[Any], layout: Layout) -> Job:
    """The packer under a column of an array; operations are codes.

    Parameters
    ----------
    codes
        That come one by one, [steps, lanes]; those that fill no vector are left out.
    layout
        Of the tensor.
    """
    crossbar, width, bits = layout.crossbar, layout.width, layout.bits
    steps, lanes = codes.shape
    count = min(VECTOR, steps)
    steps -= steps % count
    codes = codes[:steps].astype(np.int64)
    slot = np.arange(steps) % count
    vector = np.arange(steps) // count
    bit_of = np.zeros((width, steps), dtype=np.int64)
    stored = np.zeros((width, steps), dtype=bool)
    for index, bit in enumerate(bits):
        bank = (vector * len(bits) + index) % width if crossbar else np.full(steps, bit)
        bit_of[bank, np.arange(steps)] = bit
        stored[bank, np.arange(steps)] = True
    inputs: dict[str, NDArray[Any]] = {
        "i_valid": np.ones(steps, dtype=np.int64),
        "i_slot": slot,
        "i_code": codes,
    }
    if crossbar:
        inputs["i_stored"] = (stored << np.arange(width)[:, None]).sum(axis=0)
        inputs |= {f"i_bit__{bank}": bit_of[bank] for bank in range(width)}
    outputs = _packed(codes, count, bit_of, stored)
    stream = Stream(inputs, outputs, PlanePacker.latency, steps * lanes)
    return Job(packer_part(count, layout), stream)


def _plane(codes: NDArray[Any], bit: int) -> NDArray[np.int64]:
    """Bit `bit` of the codes of a vector, [steps, count, lanes] to [steps, lanes]."""
    weights = (np.int64(1) << np.arange(codes.shape[1]))[None, :, None]
    found: NDArray[np.int64] = ((codes.astype(np.int64) >> bit & 1) * weights).sum(axis=1)
    return found


def _packed(
    codes: NDArray[np.int64], count: int, bit_of: NDArray[np.int64], stored: NDArray[np.bool_]
) -> dict[str, NDArray[Any]]:
    """Planes behind each code: those of the vector so far, and of the one before in later slots.

    The settings are those of the next step: they are not registered.
    """
    steps, lanes = codes.shape
    held = np.empty((steps, count, lanes), dtype=np.int64)
    for place in range(count):
        latest = np.arange(steps) - (np.arange(steps) - place) % count
        held[:, place] = codes[latest % steps]
    outputs = {}
    for bank in range(len(bit_of)):
        bit, used = np.roll(bit_of[bank], -1), np.roll(stored[bank], -1)
        plane = np.zeros((steps, lanes), dtype=np.int64)
        for place in range(count):
            plane |= (held[:, place] >> bit[:, None] & 1) << place
        outputs[f"o_plane__{bank}"] = np.where(used[:, None], plane, 0)
    return outputs
