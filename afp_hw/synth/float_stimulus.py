"""Operands of a floating-point processing element, for gate-level runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.design.float_design import FloatDesign
from afp_hw.golden.floating_fma import dot_float32
from afp_hw.quantize import quantize_codes


@dataclass(frozen=True, eq=False)
class FloatOperands:
    """The two matrices of one layer as codes of a design's formats; kin of :class:`.Operands`.

    Parameters
    ----------
    name
        Where they are from.
    act_codes
        uint [M, K].
    wgt_codes
        uint [K, N].
    design
        Whose ``acts`` and ``weights`` the codes are of.
    """

    name: str
    act_codes: NDArray[Any]
    wgt_codes: NDArray[Any]
    design: FloatDesign

    @classmethod
    def from_tensors(
        cls, name: str, act: NDArray[Any], wgt: NDArray[Any], design: FloatDesign
    ) -> FloatOperands:
        """Real matrices [M, K] and [K, N], rounded; of FP8 scaled by a power of two each."""
        return cls(
            name, quantize_codes(act, design.acts), quantize_codes(wgt, design.weights), design
        )

    @property
    def interleave(self) -> int:
        """Sums that take turns in one processing element."""
        return self.design.interleave

    def sums(self) -> NDArray[np.int64]:
        """What hardware must find, [M, N]; golden: bits of binary32, read as signed integers."""
        design = self.design
        bits = dot_float32(self.act_codes, self.wgt_codes, design.acts, design.weights)
        return bits.view(np.int32).astype(np.int64)
