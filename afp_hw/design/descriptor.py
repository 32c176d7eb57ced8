"""The layout of a descriptor: what the sequencer is told of one step of a network.

Compiler and hardware both take it from here. A descriptor is ``DESCRIPTOR_BYTES`` long,
little-endian; fields follow one another in the order of the table, each moved up to the next
multiple of 32 bits where it would cross one. ``docs/accelerator.md`` says what they do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

DESCRIPTOR_BYTES: Final = 224
SHIFTS: Final = 10
"""Entries of the table of shifts: as many digits as the reciprocal of an average can have."""


class Operation(IntEnum):
    """How a descriptor computes."""

    WEIGHTS_STATIONARY = 0
    OUTPUTS_STATIONARY = 1
    SIDE = 2  # no products: addition, pooling, moves


class SideUse(IntEnum):
    """What the side operand does to a sum."""

    NONE = 0
    ADD = 1
    MAX = 2


class OutputKind(IntEnum):
    """What leaves the column edges."""

    CODES = 0
    SUMS = 1  # exact, in slices
    WORDS = 2  # of a dynamic tensor, see hdl.Narrower


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its place in the descriptor.

    Attributes
    ----------
    name, width, signed
        Width in bits, at most 32.
    offset
        Of its lowest bit.
    meaning
        With its unit.
    """

    name: str
    width: int
    signed: bool
    offset: int
    meaning: str


_U, _S = False, True

_TABLE: tuple[tuple[str, int, bool, str], ...] = (
    # What
    ("operation", 2, _U, "an Operation"),
    ("side_use", 2, _U, "a SideUse"),
    ("output", 2, _U, "an OutputKind"),
    ("accumulate", 1, _U, "sums go on from the accumulator memory, not from the records' init"),
    ("emit", 1, _U, "sums leave with the last chunk; else they stay in the accumulator memory"),
    ("store", 1, _U, "the output bank is stored when this descriptor is computed"),
    ("last", 1, _U, "the network ends here"),
    ("act_bank", 1, _U, "banks that this descriptor loads into and computes with"),
    ("wgt_bank", 1, _U, ""),
    ("side_bank", 1, _U, ""),
    ("parameter_bank", 1, _U, ""),
    ("out_bank", 1, _U, ""),
    ("act_words", 1, _U, "the activations are words of a dynamic tensor"),
    ("side_words", 1, _U, "the side operand is"),
    ("relu", 1, _U, "negative sums become 0; looked at for WORDS"),
    # When
    ("wait_computed", 16, _U, "descriptors computed before any of its loads begins"),
    (
        "wait_stored",
        16,
        _U,
        "stores finished before activations, side operand, records of dynamic_in",
    ),
    ("wait_bank", 16, _U, "stores finished before it may be computed"),
    # Loads: addresses in bytes from the image, multiples of a beat; 0 beats: nothing is loaded
    ("parameter_address", 32, _U, "records of channels"),
    ("parameter_beats", 16, _U, ""),
    ("wgt_address", 32, _U, ""),
    ("wgt_beats", 20, _U, ""),
    ("act_address", 32, _U, ""),
    ("act_beats", 20, _U, ""),
    ("side_address", 32, _U, "side operand"),
    ("side_beats", 20, _U, ""),
    # Loops, from the outermost: column tiles, pixel tiles, chunks (ky, kx, cj, extra), pixels
    ("n_tiles", 12, _U, "column tiles"),
    ("pixels", 16, _U, "output pixels"),
    ("tile_pixels", 16, _U, "output pixels of a tile: all with weights stationary, else rows"),
    ("slots", 16, _U, "cycles of a chunk"),
    ("out_width", 16, _U, "output pixels of a row of the image"),
    ("ky_count", 8, _U, "rows of the window"),
    ("kx_count", 8, _U, "columns of the window, or 1 where its rows are read as they lie"),
    ("cj_count", 12, _U, "chunks of what lies in a row; of SIDE: entries of the table of shifts"),
    ("extra_chunks", 8, _U, "chunks of zeros behind the others"),
    ("sum_n_step", 16, _U, "words of the accumulator memory from column tile to column tile"),
    # Activations: steps in bits of the buffer; y in rows, q in codes, of what is loaded
    ("act_n_exp", 3, _U, "format as stored"),
    ("act_n_man", 4, _U, ""),
    ("act_signed", 1, _U, ""),
    ("act_width", 6, _U, "bits of a stored code or word"),
    ("act_start", 32, _S, "bit of the first code of the first window"),
    ("act_x_step", 24, _U, "from pixel to pixel"),
    ("act_y_step", 32, _U, "from a row of pixels to the next"),
    ("act_kx_step", 24, _U, ""),
    ("act_ky_step", 32, _U, ""),
    ("act_cj_step", 24, _U, ""),
    ("act_n_step", 24, _U, "from column tile to column tile"),
    ("act_y", 16, _S, "row of the first window"),
    ("act_y_stride", 8, _U, ""),
    ("act_y_dilation", 8, _U, ""),
    ("act_y_limit", 16, _U, "rows in the buffer; a row outside 0..limit - 1 is zero"),
    ("act_q", 24, _S, "place in its row, in codes, of the first code of the first window"),
    ("act_q_x_step", 20, _U, ""),
    ("act_q_kx_step", 20, _U, ""),
    ("act_q_cj_step", 20, _U, ""),
    ("act_q_n_step", 20, _U, ""),
    ("act_q_limit", 24, _U, "codes of a row; a code outside 0..limit - 1 is zero"),
    # Weights, in the order in which they are used, from the start of their bank
    ("wgt_n_exp", 3, _U, "format as stored"),
    ("wgt_n_man", 4, _U, ""),
    ("wgt_width", 6, _U, ""),
    ("wgt_row_bits", 16, _U, "from row to row: cols * lanes codes"),
    # Side operand: steps as those of the activations; x and channels apart
    ("side_n_exp", 3, _U, "format as stored"),
    ("side_n_man", 4, _U, ""),
    ("side_signed", 1, _U, ""),
    ("side_width", 6, _U, ""),
    ("side_start", 32, _S, "bit of the first code"),
    ("side_x_step", 24, _U, ""),
    ("side_y_step", 32, _U, ""),
    ("side_kx_step", 24, _U, ""),
    ("side_ky_step", 32, _U, ""),
    ("side_cj_step", 32, _S, "from entry to entry of the table of shifts"),
    ("side_n_step", 24, _U, ""),
    ("side_y", 16, _S, ""),
    ("side_y_stride", 8, _U, ""),
    ("side_y_dilation", 8, _U, ""),
    ("side_y_limit", 16, _U, ""),
    ("side_x", 16, _S, ""),
    ("side_x_stride", 8, _U, ""),
    ("side_x_dilation", 8, _U, ""),
    ("side_x_limit", 16, _U, ""),
    ("side_channel", 16, _S, "channel of the first column; one outside 0..limit - 1 is zero"),
    ("side_channel_step", 16, _U, "from column tile to column tile: cols, or 0"),
    ("side_channel_limit", 16, _U, ""),
    *((f"shift_{index}", 6, _U, "left shift of the side operand") for index in range(SHIFTS)),
    *((f"negate_{index}", 1, _U, "the side operand is subtracted") for index in range(SHIFTS)),
    # Output
    ("out_n_exp", 3, _U, "format as stored"),
    ("out_n_man", 4, _U, ""),
    ("out_signed", 1, _U, ""),
    ("out_bits", 6, _U, "bits of a stored code or word; of SUMS: of a slice"),
    ("out_start", 20, _U, "word of the output bank of the first pixel and column tile"),
    ("out_x_step", 16, _U, "words from pixel to pixel"),
    ("out_n_step", 8, _U, "words from column tile to column tile"),
    ("store_address", 32, _U, "bytes from the image"),
    ("store_rows", 16, _U, "rows of the image; each begins with a beat"),
    ("store_row_words", 20, _U, "words of a row"),
    ("store_row_beats", 20, _U, "beats of a row"),
    # Grids of dynamic tensors: places in the table of lsbs
    ("act_grid", 8, _U, ""),
    ("side_grid", 8, _U, ""),
    ("other_grid", 8, _U, "of an addition's other operand"),
    ("out_grid", 8, _U, ""),
    ("dynamic_in", 1, _U, "grids of its operands are known only at run time"),
    ("dynamic_end", 1, _U, "the output tensor is complete: its grid is fixed"),
    ("init_left", 6, _U, "bits by which sums lie further left than those of the layer's formats"),
    ("most_alignment", 6, _U, "largest left shift that grids may make of an addition's operand"),
    ("grid_shift", 12, _S, "lsb of the sums, less that of the operand"),
)


def _placed() -> Iterator[Field]:
    at = 0
    for name, width, signed, meaning in _TABLE:
        if at % 32 + width > 32:
            at += 32 - at % 32
        yield Field(name, width, signed, at, meaning)
        at += width


FIELDS: Final[Mapping[str, Field]] = {field.name: field for field in _placed()}
"""The fields by name, in order."""

_END = max(field.offset + field.width for field in FIELDS.values())
assert _END <= 8 * DESCRIPTOR_BYTES, _END


def pack_descriptor(values: Mapping[str, int]) -> bytes:
    """A descriptor from its fields; those that are not given are 0.

    Raises
    ------
    ValueError
        A field that there is not, or a value that its field does not hold.
    """
    for name in values.keys() - FIELDS.keys():
        raise ValueError(f"descriptor must have fields of the table, not {name!r}")
    packed = 0
    for name, value in values.items():
        field = FIELDS[name]
        least = -(1 << field.width - 1) if field.signed else 0
        most = least + (1 << field.width) - 1
        if not least <= value <= most:
            raise ValueError(f"descriptor.{name} must be in {least}..{most}, not {value!r}")
        packed |= (int(value) & ((1 << field.width) - 1)) << field.offset
    return packed.to_bytes(DESCRIPTOR_BYTES, "little")


def unpack_descriptor(data: bytes) -> dict[str, int]:
    """All fields of a packed descriptor."""
    packed = int.from_bytes(data[:DESCRIPTOR_BYTES], "little")
    values = {}
    for field in FIELDS.values():
        value = packed >> field.offset & ((1 << field.width) - 1)
        negative = field.signed and value >> (field.width - 1)
        values[field.name] = value - (1 << field.width) if negative else value
    return values
