"""The circuits of an array and of what stands around it, as often as they stand there.

Logic alone: memories are macros that a library of cells does not have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from afp_hw.design import Design
from afp_hw.energy.afp_outputs import STAGES, window_part
from afp_hw.energy.floating import SLICE, float_part, stored_width
from afp_hw.energy.int_outputs import fixed_point, fixed_point_part
from afp_hw.energy.layer import cell_part
from afp_hw.energy.packing import VECTOR, Layout, packer_part, unpacker_part
from afp_hw.energy.scheme import float_designs
from afp_hw.energy.tiles import edge_part, skew_part
from afp_hw.explore.configuration import Configuration, Sums
from afp_hw.formats import FloatFormat, IntFormat
from afp_hw.verilog import Part

GROUPS: Final = ("array", "edges", "requantizer", "packing")


@dataclass(frozen=True, eq=False)
class Placed:
    """A circuit in so many places.

    Attributes
    ----------
    group
        One of :data:`GROUPS`.
    choices
        Circuits that do the same, ever faster; the first that meets the clock is taken.
    instances
        Places.
    """

    group: str
    choices: Sequence[Part]
    instances: int


def placed_parts(configuration: Configuration, sums: Sums) -> Iterator[Placed]:
    """All circuits of a point.

    Raises
    ------
    TypeError, ValueError
        The array is refused.
    """
    axes, fmt = configuration.axes, configuration.pair.acts
    rows, cols, lanes = axes["rows"], axes["cols"], axes["lanes"]
    if isinstance(fmt, FloatFormat):
        yield from _floating(fmt, rows, cols, lanes)
        return
    design = configuration.design(sums)
    yield Placed("array", [cell_part(design)], rows * cols)
    for side, number, count in (("act", design.acts, rows), ("wgt", design.weights, cols)):
        yield Placed("edges", [edge_part(design, side)], 1)
        yield Placed("packing", [unpacker_part(count, Layout.of(number, number))], lanes)
    yield Placed("requantizer", _requantizers(design), cols)
    out = design.acts if design.integers else design.out_envelope
    yield Placed("packing", [packer_part(VECTOR, Layout.of(out, out))], cols)


def _requantizers(design: Design) -> list[Part]:
    if isinstance(design.acts, IntFormat):
        return [fixed_point_part(parameters) for parameters in fixed_point(design.acts)]
    return [window_part(design, stages) for stages in STAGES]


def _floating(fmt: FloatFormat, rows: int, cols: int, lanes: int) -> Iterator[Placed]:
    """Nothing is requantized; edges and packers are those of each byte of a number."""
    slices = stored_width(fmt) // SLICE
    macs = [float_part(design) for design in float_designs(fmt)]
    yield Placed("array", macs, rows * cols * lanes)
    for count in (rows, cols):
        yield Placed("edges", [skew_part(count, SLICE)], lanes * slices)
        yield Placed("packing", [unpacker_part(count, Layout.plain(SLICE))], lanes * slices)
    yield Placed("packing", [packer_part(VECTOR, Layout.plain(SLICE))], cols * slices)
