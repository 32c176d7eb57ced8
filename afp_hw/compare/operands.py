"""Operands that designs are measured on: real matrices, rounded to each format, or given codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.compare import store
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

    def digest(self) -> str:
        """Of the values."""
        values = np.ascontiguousarray(self.act), np.ascontiguousarray(self.wgt)
        return store.key_of(
            self.name, *(part.tobytes() + repr(part.shape).encode() for part in values)
        )


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

    def digest(self) -> str:
        """Of the codes."""
        parts = (self.of.act_codes, self.of.wgt_codes)
        codes = (np.ascontiguousarray(part) for part in parts)
        return store.key_of(
            self.name, *(part.tobytes() + repr(part.shape).encode() for part in codes)
        )
