"""The schemes that are compared, and the hardware of each."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Final

from afp_hw.design import Design
from afp_hw.design.float_design import FloatDesign
from afp_hw.formats import IntFormat
from afp_hw.formats.floating import BF16, FP8_E4M3, FP8_E5M2, FP16, FP32, TF32, FloatFormat


class Scheme(Enum):
    """How a network is computed."""

    AFP_STATIC = "AFP static"
    AFP_DYNAMIC = "AFP dynamic"
    INT_STATIC = "INT8 static"
    INT_DYNAMIC = "INT8 dynamic"
    INT_FLOAT = "INT8 dynamic, FP32 scales"
    FLOAT = "FP32"

    @property
    def key(self) -> str:
        """For JSON: ``afp_static``."""
        return self.name.lower()

    @property
    def adaptive(self) -> bool:
        """Whether it is AFP."""
        return self in (Scheme.AFP_STATIC, Scheme.AFP_DYNAMIC)


INT8: Final = IntFormat(8)

# Ranks of registers, from the least that meets 10 ns on.
_STAGES: Final = {
    FP8_E4M3: (1, 2, 3, 4),
    FP8_E5M2: (1, 2, 3, 4),
    BF16: (3, 4, 5, 6),
    FP16: (3, 4, 5, 6),
    TF32: (4, 5, 6),
    FP32: (4, 5, 6),
}


def int_designs(design: Design) -> list[Design]:
    """Arrays of INT8 of the same size: multipliers by synthesis, or of full adders."""
    return [
        replace(
            design, weights=INT8, acts=INT8, outs=None, init_max=0, segments=(), registers=(),
            gate_zeros=True, decode="pe", multiplier=multiplier, sum_max=None,
        )
        for multiplier in ("operator", "compressed")
    ]  # fmt: skip


def float_designs(fmt: FloatFormat) -> list[FloatDesign]:
    """MACs for ever faster clocks."""
    return [FloatDesign(fmt, fmt, stages=stages, gate_zeros=True) for stages in _STAGES[fmt]]
