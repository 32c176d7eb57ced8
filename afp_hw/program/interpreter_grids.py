"""Dynamic grids of the interpreter: words, their grids, initial values; exact integers.

Source: ``docs/accelerator.md``, Dynamic grids, and ``docs/numerics.md`` sections 3, 5 and 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import Operation, OutputKind
from afp_hw.formats import AFPFormat
from afp_hw.golden.requantize import bit_length
from afp_hw.program.settings import record_type, tile_bytes

Descriptor = Mapping[str, int]

_LSB_BITS = 13


class AlignmentError(ValueError):
    """The grids of an addition's operands lie further apart than its sums hold."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Exponents of a tensor's codes and of the unit of its words."""

    lsb: int
    unit: int


@dataclass(frozen=True, slots=True)
class Looked:
    """The grids of a computation.

    Attributes
    ----------
    act, side
        Of the operands; None: there is none, or it is static.
    align
        Left shift that the side operand's makes.
    unit
        Exponent of the unit of the output's words; `inside` that of the operands.
    """

    act: Grid | None = None
    side: Grid | None = None
    align: int = 0
    inside: int = 0
    unit: int = 0


class Grids:
    """The table of grids, and the largest word since the last one was made.

    Parameters
    ----------
    accelerator
        Whose words these are.
    input_lsb
        Of the network's input.
    """

    def __init__(self, accelerator: AcceleratorDesign, input_lsb: int) -> None:
        self._accelerator = accelerator
        self._table: dict[int, Grid] = {0: Grid(input_lsb, input_lsb)}
        self._largest = 0

    def at(self, place: int) -> Grid:
        """Of a place; ValueError where none has been made."""
        if place not in self._table:
            raise ValueError(f"grid {place} must be known when it is looked up, not later")
        return self._table[place]

    def look(self, index: int, d: Descriptor) -> Looked:
        """What a computation works with.

        Raises
        ------
        AlignmentError
            Operands of an addition lie too far apart.
        """
        if not d["dynamic_in"]:
            return Looked(unit=d["grid_shift"])
        if not self._accelerator.dynamic:
            raise ValueError(f"descriptor {index}.dynamic_in must be 0 in this design, not 1")
        if d["operation"] != Operation.SIDE:
            act = self.at(d["act_grid"])
            return Looked(act, None, 0, act.lsb, act.lsb + d["grid_shift"])
        side, other = self.at(d["side_grid"]), self.at(d["other_grid"])
        apart = side.lsb - other.lsb
        if apart > d["most_alignment"]:
            raise AlignmentError(
                f"descriptor {index} must add tensors with grids at most {d['most_alignment']} "
                f"bits apart, not {apart}"
            )
        inside = min(side.lsb, other.lsb)
        return Looked(None, side, max(apart, 0), inside, inside + d["grid_shift"])

    def see(self, words: NDArray[Any]) -> None:
        """Words that leave: the largest magnitude counts."""
        magnitude = words & ((1 << magnitude_bits(self._accelerator)) - 1)
        self._largest = max(self._largest, int(magnitude.max(initial=0)))

    def end(self, index: int, d: Descriptor, looked: Looked) -> None:
        """The output tensor is complete: its grid is made."""
        grid = Grid(looked.inside, looked.inside)  # of codes: moved, compared
        if d["output"] == OutputKind.WORDS:
            fmt = AFPFormat(d["out_n_exp"], d["out_n_man"], bool(d["out_signed"]))
            grid = Grid(rule(self._largest, looked.unit, fmt, self._accelerator), looked.unit)
        if not -(1 << _LSB_BITS - 1) <= grid.lsb < 1 << _LSB_BITS - 1:
            raise ValueError(
                f"descriptor {index} must make a grid with an exponent of {_LSB_BITS} bits, not "
                f"{grid.lsb}"
            )
        self._largest = 0
        self._table[d["out_grid"]] = grid


def magnitude_bits(accelerator: AcceleratorDesign) -> int:
    """Bits of a word without its sign."""
    return accelerator.waiting_width - accelerator.array.afp_acts.signed


def _fraction(accelerator: AcceleratorDesign) -> int:
    """Bits behind the leading one."""
    return accelerator.array.afp_acts.n_man + 2


def rule(largest: int, unit: int, fmt: AFPFormat, accelerator: AcceleratorDesign) -> int:
    """The lsb that the largest word of a tensor gives: numerics section 3; 0 for zeros."""
    if largest == 0:
        return 0
    fraction = _fraction(accelerator)
    place = largest >> fraction
    significand = (1 << fraction) | (largest & ((1 << fraction) - 1))
    value = Fraction(significand) * Fraction(2) ** (place - 1 - fraction)
    return golden.finest_lsb(value, fmt.max_fix) + unit


def words_of(
    accelerator: AcceleratorDesign, sums: NDArray[Any], align: NDArray[np.int64], *, relu: bool
) -> NDArray[np.uint32]:
    """Words [pixels, cols] of sums; `align` by column."""
    signed, fraction = accelerator.array.afp_acts.signed, _fraction(accelerator)
    exact = sums.astype(object)
    negative = np.asarray(exact < 0, bool)
    magnitude = np.where(negative & (relu or not signed), 0, np.absolute(exact))
    place = np.asarray(bit_length(magnitude), object)
    # What lies below the fraction is cut off; if it is not 0, the lowest bit becomes 1.
    scaled = magnitude << np.maximum(fraction + 1 - place, 0)
    below = np.maximum(place - 1 - fraction, 0)
    kept = scaled >> below
    kept = kept | np.asarray((kept << below) != scaled).astype(object)
    some = np.asarray(magnitude != 0, bool)
    word = (place + align[None].astype(object) << fraction) | (kept & ((1 << fraction) - 1))
    if signed:
        word = word | (negative.astype(object) << magnitude_bits(accelerator))
    return np.asarray(np.where(some, word, 0), np.uint32)


def codes_of_words(
    accelerator: AcceleratorDesign, words: NDArray[Any], grid: Grid, fmt: AFPFormat
) -> NDArray[Any]:
    """Codes of a format from words, rounded once."""
    fraction, bits = _fraction(accelerator), magnitude_bits(accelerator)
    stored = words.astype(np.int64)
    place = stored >> fraction & ((1 << bits - fraction) - 1)
    significand = (1 << fraction) | (stored & ((1 << fraction) - 1))
    value = np.where(place == 0, 0, significand)
    value = np.where(stored >> bits & 1, -value, value)
    return golden.requantize(value, place - 1 - fraction + grid.unit - grid.lsb, fmt)


def stored_fix(
    accelerator: AcceleratorDesign, fmt: AFPFormat, grid: Grid | None, *, words: int
) -> NDArray[Any]:
    """Integers of everything that a tensor may store, embedded in the envelope of activations."""
    codes = np.arange(1 << fmt.width)
    if words:
        if grid is None:
            raise ValueError("descriptor.dynamic_in must be 1 where words are read, not 0")
        every = np.arange(1 << accelerator.waiting_width)
        codes = codes_of_words(accelerator, every, grid, fmt)
    envelope = accelerator.array.afp_acts
    return golden.to_fix(golden.embed(codes, fmt, envelope), envelope)


def scaled_records(
    accelerator: AcceleratorDesign, data: bytes, d: Descriptor, grids: Grids
) -> bytes:
    """Records as they enter their bank: initial values of products in units of the sums."""
    if not d["dynamic_in"] or d["operation"] == Operation.SIDE:
        return data
    size, kind = tile_bytes(accelerator), record_type(accelerator)
    table = np.frombuffer(data, np.uint8).reshape(-1, size).copy()
    used = accelerator.array.cols * kind.itemsize
    records = np.ascontiguousarray(table[:, :used]).view(kind)
    width = 8 * kind["shift"].itemsize
    shift = records["shift"].astype(np.int64)
    shift = np.where(shift >> width - 1, shift - (1 << width), shift)
    left = d["init_left"]
    bound = accelerator.array.init_bound >> left
    # The bias as the record has it: 32 bits.
    bias = records["init"].astype(np.int64).astype(np.int32)
    init = golden.init_from_bias(bias, 0, grids.at(d["act_grid"]).lsb - shift, bound)
    records["init"] = init.astype(object) << left
    table[:, :used] = records.view(np.uint8)
    return table.tobytes()
