"""The registers of an accelerator: the one table that hardware, driver and documents are made from.

A register has 32 bits and stands at a byte offset, a multiple of 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal

from afp_hw.design.accelerator import AcceleratorDesign
from afp_hw.design.descriptor import DESCRIPTOR_BYTES
from afp_hw.formats import AFPFormat

ID: Final = 0x41465001
"""What register ID reads: "AFP" and the version of this table."""

Access = Literal["RO", "RW", "W1C", "pulse"]
"""Reads only; reads what was written; a written 1 clears; a written 1 acts, and 0 is read."""


class ErrorCode(IntEnum):
    """Why a run ended."""

    NONE = 0
    READ_RESPONSE = 1  # the memory answered a read with an error
    WRITE_RESPONSE = 2  # the memory answered a write with an error
    DESCRIPTOR = 3  # a descriptor is beyond the design, or misaligned
    ABORTED = 4  # CONTROL.abort
    ALIGNMENT = 5  # the grids of an addition's operands lie too far apart


@dataclass(frozen=True, slots=True)
class Bits:
    """A field of a register.

    Attributes
    ----------
    name, low, width
        `low` is its lowest bit.
    meaning
        With its unit.
    signed, reset
        `reset` is its value after a reset, where it is not a constant of the design.
    """

    name: str
    low: int
    width: int
    meaning: str
    signed: bool = False
    reset: int = 0

    @property
    def mask(self) -> int:
        """Its bits in the register."""
        return ((1 << self.width) - 1) << self.low


@dataclass(frozen=True, slots=True)
class Register:
    """One register; `constant` is whether the design fixes it."""

    name: str
    offset: int
    access: Access
    meaning: str
    fields: tuple[Bits, ...]
    constant: bool = False


def _value(meaning: str, *, width: int = 32, signed: bool = False) -> tuple[Bits, ...]:
    return (Bits("value", 0, width, meaning, signed),)


_FORMAT: Final = "n_exp * 32 + n_man * 2 + signed"

_EVENTS: Final = (
    Bits("done", 0, 1, "a run has ended, well or not"),
    Bits("error", 1, 1, "a run has ended with an error"),
)

_CONSTANTS: Final[tuple[tuple[str, str, tuple[Bits, ...]], ...]] = (
    ("ID", "what this is", _value('"AFP" and the version of the registers')),
    (
        "PARAMETERS",
        "the array",
        (
            Bits("rows", 0, 9, "of processing elements"),
            Bits("cols", 9, 9, "of processing elements"),
            Bits("lanes", 18, 7, "products summed in a processing element in a cycle"),
        ),
    ),
    (
        "MEMORY",
        "the bus to memory, and what lies there",
        (
            Bits("data_width", 0, 9, "bits of a beat"),
            Bits("record_width", 9, 8, "bits of a channel's record"),
            Bits("descriptor_bytes", 17, 10, "of one descriptor"),
        ),
    ),
    (
        "FORMATS",
        "widest formats",
        (
            Bits("weights", 0, 10, _FORMAT),
            Bits("acts", 10, 10, _FORMAT),
            Bits("outs", 20, 10, _FORMAT),
        ),
    ),
    ("ACT_BYTES", "a bank of the activation buffer", _value("bytes")),
    ("WGT_BYTES", "a bank of the weight buffer", _value("bytes")),
    ("SIDE_BYTES", "a bank of the side buffer", _value("bytes")),
    ("OUT_WORDS", "a bank of the output buffer", _value("words of one code per column")),
    ("PIXELS", "the accumulator memory", _value("words")),
    ("CHANNEL_TILES", "a bank of the parameter memory", _value("column tiles")),
)

_WORKING: Final[tuple[tuple[str, Access, str, tuple[Bits, ...]], ...]] = (
    (
        "CONTROL",
        "pulse",
        "orders",
        (
            Bits("start", 0, 1, "begin a run; without effect while one is busy"),
            Bits("abort", 1, 1, "end the run; without effect while none is busy"),
        ),
    ),
    (
        "STATUS",
        "RO",
        "of the run",
        (
            Bits("busy", 0, 1, "a run is on"),
            Bits("done", 1, 1, "the last run has ended, well or not; start clears it"),
            Bits("error", 2, 1, "it has ended with an error; start clears it"),
        ),
    ),
    (
        "ERROR",
        "RO",
        "why the last run ended; start clears it",
        (
            Bits("code", 0, 4, ", ".join(f"{code} {code.name.lower()}" for code in ErrorCode)),
            Bits("descriptor", 16, 16, "descriptors computed when the run ended"),
        ),
    ),
    (
        "INTERRUPT_ENABLE",
        "RW",
        "what interrupts",
        _EVENTS,
    ),
    (
        "INTERRUPT_STATUS",
        "W1C",
        "what has happened; the interrupt is on while an enabled bit is 1",
        _EVENTS,
    ),
    # A run works with the values of these that stood there when it was started.
    ("IMAGE_LOW", "RW", "address of the image, lower half", _value("bytes; a multiple of a beat")),
    ("IMAGE_HIGH", "RW", "address of the image, upper half", _value("bytes / 2**32")),
    (
        "DESCRIPTORS",
        "RW",
        "place of the first descriptor in the image",
        _value("bytes; a multiple of a beat"),
    ),
    (
        "INPUT_GRID",
        "RW",
        "grid of a dynamic input",
        _value("exponent of its lsb", width=12, signed=True),
    ),
)

_COUNTERS: Final = {
    "CYCLES": "from start to the end of the run",
    "DESCRIPTORS_DONE": "descriptors computed",
    "LOAD_BUSY": "cycles in which the load engine works",
    "COMPUTE_BUSY": "cycles in which the compute engine works",
    "STORE_BUSY": "cycles in which the store engine works",
    "COMPUTE_WAITS_LOAD": "cycles in which the compute engine waits for a load",
    "COMPUTE_WAITS_STORE": "cycles in which the compute engine waits for a store",
    "LOAD_WAITS_COMPUTE": "cycles in which the load engine waits for a computation",
    "LOAD_WAITS_STORE": "cycles in which the load engine waits for a store",
    "BYTES_DESCRIPTORS": "bytes of descriptors read",
    "BYTES_RECORDS": "bytes of records read",
    "BYTES_WEIGHTS": "bytes of weights read",
    "BYTES_ACTIVATIONS": "bytes of activations read",
    "BYTES_SIDE": "bytes of side operands read",
    "BYTES_WRITTEN": "bytes written",
}

_WORKING_OFFSET: Final = 0x40
_COUNTERS_OFFSET: Final = 0x80

REGISTERS: Final[Mapping[str, Register]] = {
    register.name: register
    for register in (
        *(
            Register(name, 4 * index, "RO", meaning, fields, constant=True)
            for index, (name, meaning, fields) in enumerate(_CONSTANTS)
        ),
        *(
            Register(name, _WORKING_OFFSET + 4 * index, access, meaning, fields)
            for index, (name, access, meaning, fields) in enumerate(_WORKING)
        ),
        *(
            Register(name, _COUNTERS_OFFSET + 4 * index, "RO", meaning, _value("start clears it"))
            for index, (name, meaning) in enumerate(_COUNTERS.items())
        ),
    )
}
"""The registers by name, in the order of their offsets."""

COUNTERS: Final = tuple(_COUNTERS)
"""Names of the performance counters."""


def _format(fmt: AFPFormat) -> int:
    return fmt.n_exp << 5 | fmt.n_man << 1 | fmt.signed


def constants(design: AcceleratorDesign) -> dict[str, int]:
    """What the registers read that `design` fixes."""
    array = design.array
    fields = {
        "ID": {"value": ID},
        "PARAMETERS": {"rows": array.rows, "cols": array.cols, "lanes": array.lanes},
        "MEMORY": {
            "data_width": design.data_width,
            "record_width": design.record_width,
            "descriptor_bytes": DESCRIPTOR_BYTES,
        },
        "FORMATS": {
            "weights": _format(array.afp_weights),
            "acts": _format(array.afp_acts),
            "outs": _format(array.out_envelope),
        },
        "ACT_BYTES": {"value": design.act_bytes},
        "WGT_BYTES": {"value": design.wgt_bytes},
        "SIDE_BYTES": {"value": design.side_bytes},
        "OUT_WORDS": {"value": design.out_words},
        "PIXELS": {"value": design.pixels},
        "CHANNEL_TILES": {"value": design.channel_tiles},
    }
    return {
        name: sum(fields[name][bits.name] << bits.low for bits in register.fields)
        for name, register in REGISTERS.items()
        if register.constant
    }
