"""Operands that designs are measured on: real matrices, rounded to each format, or given codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from afp_hw.design import Design
from afp_hw.design.float_design import FloatDesign
from afp_hw.synth.float_stimulus import FloatOperands
from afp_hw.synth.stimulus import Operands


@dataclass(frozen=True, eq=False)
class Matrices:
    """Real operands of a layer, to be quantized to whatever format is measured.

    Parameters
    ----------
    name
        Where they are from.
    act, wgt
        [M, K] and [K, N].
    """

    name: str
    act: NDArray[Any]
    wgt: NDArray[Any]

    def operands(self, design: Design | FloatDesign) -> Operands | FloatOperands:
        """As codes of a design's formats."""
        if isinstance(design, FloatDesign):
            return FloatOperands.from_tensors(self.name, self.act, self.wgt, design)
        return Operands.from_tensors(self.name, self.act, self.wgt, design)


@dataclass(frozen=True, eq=False)
class Codes:
    """Operands that are codes already, of one pair of formats.

    Parameters
    ----------
    of
        The codes.
    """

    of: Operands

    @property
    def name(self) -> str:
        """Where they are from."""
        return self.of.name

    def operands(self, design: Design | FloatDesign) -> Operands:
        """The same for each design.

        Raises
        ------
        TypeError
            The design is of floating point.
        """
        if isinstance(design, FloatDesign):
            raise TypeError(f"Codes.operands must be given a Design, not {design!r}")
        return self.of.for_design(design)


def content(operands: Operands | FloatOperands) -> list[bytes]:
    """What a run on operands depends on: their design and all codes."""
    found = [repr(operands.design).encode()]
    for codes in (operands.act_codes, operands.wgt_codes):
        found.append(f"{codes.shape} {codes.dtype}".encode() + codes.tobytes())
    return found
