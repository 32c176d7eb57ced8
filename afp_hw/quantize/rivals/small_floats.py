"""Small floating point: AdaptivFloat, and the OCP formats of four, six and eight bits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.formats import AFPFormat
from afp_hw.golden import decode
from afp_hw.quantize.rivals.codebook import ScaledGrid
from afp_hw.quantize.rivals.quantizer import Rounding, check_bits, magnitude_rows
from afp_hw.quantize.rivals.scale import SortedRows, shaped_scale

_SHIFTS: Final = 3
"""Exponent biases tried: the rule's and finer ones."""


def adaptivfloat_magnitudes(n_exp: int, n_man: int) -> NDArray[np.float64]:
    """Magnitudes of AdaptivFloat in units of ``2**exp_bias``, ascending from 0.

    All ``2**e * (1 + m / 2**n_man)`` without subnormals; the smallest gives its code to 0.
    """
    exponents = np.arange(1 << n_exp)[:, None]
    significands = 1 + np.arange(1 << n_man) / (1 << n_man)
    magnitudes = np.ldexp(significands, exponents).reshape(-1)
    magnitudes[0] = 0.0
    return magnitudes


@dataclass(frozen=True)
class AdaptivFloat:
    """AdaptivFloat: floats without subnormals, one exponent bias per tensor.

    The published rule puts the largest exponent at ``floor(log2(absmax))``. So that the comparison
    with AFP is of formats and not of effort, the bias is the best of this one and the two finer
    ones, and the split of the bits is searched, both by squared error (the paper fixes 3 exponent
    bits in most of its tables).

    Parameters
    ----------
    n_bits
        2 to 12.

    Notes
    -----
    T. Tambe et al., "Algorithm-Hardware Co-Design of Adaptive Floating-Point Encodings for
    Resilient Deep Learning Inference", DAC 2020, arXiv:1909.13271.
    """

    n_bits: int
    per_channel: bool = False

    def __post_init__(self) -> None:
        check_bits("AdaptivFloat", self.n_bits, 2, 12)
        if self.per_channel:
            raise ValueError("AdaptivFloat.per_channel must be False, not True")

    @property
    def name(self) -> str:
        """Name of the method."""
        return "AdaptivFloat, searched split"

    @property
    def bits(self) -> float:
        """N."""
        return float(self.n_bits)

    @property
    def citation(self) -> str:
        """Where the method comes from."""
        return "Tambe et al. 2020, arXiv:1909.13271"

    def fit(self, values: ArrayLike, channel_axis: int | None, signed: bool) -> Rounding:
        """Choose split and exponent bias of the whole tensor: see :class:`.Quantizer`."""
        rows = SortedRows(magnitude_rows("AdaptivFloat", values, None, signed))
        absmax = float(rows.absmax[0]) or 1.0
        magnitude_bits = self.n_bits - signed
        least, best = math.inf, (np.zeros(1), 1.0)
        for n_exp in range(1, min(magnitude_bits, 5) + 1):
            magnitudes = adaptivfloat_magnitudes(n_exp, magnitude_bits - n_exp)
            top = math.frexp(absmax)[1] - 1  # floor(log2)
            for shift in range(_SHIFTS):
                scale = 2.0 ** (top - ((1 << n_exp) - 1) - shift)
                error = float(rows.errors(magnitudes * (scale / absmax))[0])
                if error < least:
                    least, best = error, (magnitudes, scale)
        return ScaledGrid(*best, signed)


_OCP: Final = {
    "e4m3": (7, 1),
    "e5m2": (15, 4),
    "e2m3": (1, 0),
    "e3m2": (3, 0),
    "e2m1": (1, 0),
}
"""By element format: exponent bias, and how many of the largest codes are infinity or NaN."""


def ocp_magnitudes(element: str) -> NDArray[np.float64]:
    """Finite magnitudes of an OCP element format, ascending from 0.

    Sources: OCP 8-bit Floating Point Specification 1.0; OCP Microscaling Formats 1.0.
    """
    bias, specials = _OCP[element]
    fmt = AFPFormat.parse(element).as_unsigned()
    magnitudes = decode(np.arange(1 << fmt.width), fmt, bias)
    return magnitudes[: magnitudes.size - specials]


@dataclass(frozen=True)
class OcpFloat:
    """FP8, FP6 and FP4 of the Open Compute Project, with one scale per tensor.

    Always signed, as the specifications have them. Beyond the largest number a value saturates.

    Parameters
    ----------
    element
        ``e4m3 e5m2`` (FP8), ``e2m3 e3m2`` (FP6) or ``e2m1`` (FP4).
    real_scale
        A real scale; else a power of two. Either has the least squared error.

    Notes
    -----
    OCP 8-bit Floating Point Specification (OFP8) 1.0; OCP Microscaling Formats (MX) 1.0. MX shares
    a scale among 32 elements; here a tensor or a channel has one.
    """

    element: str
    real_scale: bool = False
    per_channel: bool = False

    def __post_init__(self) -> None:
        if self.element not in _OCP:
            raise ValueError(
                f"OcpFloat.element must be one of {', '.join(_OCP)}, not {self.element!r}"
            )

    @property
    def n_bits(self) -> int:
        """Width of a code."""
        return AFPFormat.parse(self.element).width

    @property
    def name(self) -> str:
        """Name of the format, and its kind of scale."""
        scale = "real scale" if self.real_scale else "power-of-two scale"
        return f"OCP FP{self.n_bits} {self.element}, {scale}"

    @property
    def bits(self) -> float:
        """Width of a code."""
        return float(self.n_bits)

    @property
    def citation(self) -> str:
        """Where the format comes from."""
        return "OCP OFP8 1.0" if self.n_bits == 8 else "OCP MX 1.0 (one scale per tensor here)"

    def fit(self, values: ArrayLike, channel_axis: int | None, signed: bool) -> Rounding:
        """Choose the scale: see :class:`.Quantizer`."""
        rows = SortedRows(magnitude_rows("OcpFloat", values, channel_axis, signed))
        magnitudes = ocp_magnitudes(self.element)
        if self.real_scale:
            scale = rows.best_scale(magnitudes, clip=True)
        else:
            scale = np.exp2(rows.best_power(magnitudes, clip=True)[0].astype(np.float64))
        return ScaledGrid(magnitudes, shaped_scale(scale, channel_axis, np.ndim(values)), signed)
