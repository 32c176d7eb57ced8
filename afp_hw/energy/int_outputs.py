"""What an integer array's sums pass on their way to codes: fixed-point factors, or binary32.

Rivals as they are deployed. In fixed point: B. Jacob et al., CVPR 2018, section 2.2: a sum of 32
bits times a factor of 31 bits, a rounding shift, a clamp. In floating point: each sum becomes a
number in binary32, is stored, and is quantized once the tensor's largest magnitude is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from amaranth.hdl import signed, unsigned
from numpy.typing import NDArray

from afp_hw.energy.job import Job
from afp_hw.energy.outputs import Columns
from afp_hw.energy.stream import Stream
from afp_hw.formats import IntFormat
from afp_hw.golden import (
    dequantize_float32,
    fixed_factor,
    float32_bits,
    quantize_float32,
    requantize_integer,
)
from afp_hw.hdl import (
    Fp32Dequantizer,
    Fp32Quantizer,
    IntRequantization,
    IntRequantizer,
    RunningMaximum,
)
from afp_hw.hdl.int_requantizer import Register
from afp_hw.verilog import Part

ACC_BITS: Final = 32

# Of those that were tried the one that costs least at 10 ns, and what to do for a faster clock; see
# docs/energy.md.
_VARIANTS: Final[tuple[tuple[Register, ...], ...]] = (
    ("magnitude", "product"),
    ("magnitude", "rows", "product"),
)


def fixed_point(out: IntFormat) -> list[IntRequantization]:
    """Requantizers by a fixed-point factor, ever faster ones."""
    return [
        IntRequantization(out, tree="compressed", registers=registers) for registers in _VARIANTS
    ]


def fixed_point_part(parameters: IntRequantization) -> Part:
    """One of them."""
    return Part(parameters.name, lambda place: IntRequantizer(parameters, place))


@dataclass(frozen=True, eq=False)
class IntSums:
    """Sums of a layer as they leave an array of integers, and how they become codes.

    Attributes
    ----------
    acc
        [M, N], int64 within 32 bits.
    scale
        What a unit of `acc` is worth; broadcasts with it.
    out_scale
        What a unit of a code is worth; broadcasts too.
    relu
        Negative sums give 0.
    """

    acc: NDArray[Any]
    scale: Any
    out_scale: Any
    relu: bool


class IntOutputs:
    """Jobs of the parts that an integer layer's outputs pass.

    Parameters
    ----------
    out
        Format of the codes.
    sums
        Of the layer.
    columns
        Which of them are run.
    """

    def __init__(self, out: IntFormat, sums: IntSums, columns: Columns) -> None:
        m, n = sums.acc.shape
        self._out, self._relu, self._columns = out, sums.relu, columns
        self._acc = columns.take(sums.acc, m, n)
        ratio = columns.take(np.asarray(sums.scale) / np.asarray(sums.out_scale), m, n)
        pairs = {value: fixed_factor(value) for value in np.unique(ratio).tolist()}
        self._factor, self._shift = (
            np.vectorize(lambda value, index=index: pairs[value][index], otypes=[np.int64])(ratio)
            for index in (0, 1)
        )
        self._scales = (
            np.float32(np.ravel(sums.scale)[0]),
            np.float32(1.0 / np.ravel(sums.out_scale)[0]),
        )
        self.codes = self._requantized()
        """Golden codes, [steps, lanes]."""

    def _requantized(self) -> NDArray[Any]:
        codes = np.zeros(self._acc.shape, dtype=np.int64)
        for factor, shift in set(zip(self._factor.flat, self._shift.flat, strict=True)):
            here = (self._factor == factor) & (self._shift == shift)
            codes[here] = requantize_integer(
                self._acc[here], int(factor), int(shift), self._out, relu=self._relu
            )
        return codes

    def static(self) -> list[Job]:
        """The requantizer, with more registers for a faster clock."""
        return [self._fixed_point(parameters) for parameters in fixed_point(self._out)]

    def _fixed_point(self, parameters: IntRequantization) -> Job:
        inputs = {
            "i_valid": self._columns.constant(1),
            "i_acc": self._acc,
            "i_factor": self._factor,
            "i_shift": self._shift,
            "i_relu": self._columns.constant(self._relu),
        }
        stream = self._stream(inputs, {"o_code": self.codes}, parameters.latency)
        return Job(fixed_point_part(parameters), stream)

    def maximum(self) -> Job:
        """The largest magnitude of the sums: what makes it dynamic, besides :meth:`static`."""
        shape = signed(ACC_BITS)
        counted = np.maximum(self._acc, 0) if self._relu else np.abs(self._acc)
        inputs = {
            "i_valid": self._columns.constant(1),
            "i_number": self._acc,
            "i_clear": self._first(),
            "i_relu": self._columns.constant(self._relu),
        }
        outputs = {"o_largest": np.maximum.accumulate(counted, axis=0)}
        part = Part(f"running_maximum_s{ACC_BITS}", lambda place: RunningMaximum(shape))
        return Job(part, self._stream(inputs, outputs, RunningMaximum.latency))

    def single(self) -> list[Job]:
        """The way through binary32: dequantizer, largest magnitude; quantizer.

        Both scales are those of the first output: they stay while a number is inside.
        """
        columns = self._columns
        valid = {"i_valid": columns.constant(1)}
        scale, inverse = self._scales
        numbers = dequantize_float32(self._acc, scale, relu=self._relu)
        bits = float32_bits(numbers).astype(np.int64)
        magnitude = bits & 0x7FFFFFFF
        codes = quantize_float32(numbers, inverse, self._out.width)
        width, shape = self._out.width, unsigned(31)
        as_bits = [int(float32_bits(np.array([value]))[0]) for value in (scale, inverse)]
        return [
            Job(
                Part("fp32_dequantizer", Fp32Dequantizer),
                self._stream(
                    {
                        **valid,
                        "i_acc": self._acc,
                        "i_scale": columns.constant(as_bits[0]),
                        "i_relu": columns.constant(self._relu),
                    },
                    {"o_number": bits},
                    Fp32Dequantizer.latency,
                ),
            ),
            Job(
                Part("running_maximum_u31", lambda place: RunningMaximum(shape)),
                self._stream(
                    {**valid, "i_number": magnitude, "i_clear": self._first()},
                    {"o_largest": np.maximum.accumulate(magnitude, axis=0)},
                    RunningMaximum.latency,
                ),
            ),
            Job(
                Part(f"fp32_quantizer_{width}", lambda place: Fp32Quantizer(width, place)),
                self._stream(
                    {**valid, "i_number": bits, "i_scale": columns.constant(as_bits[1])},
                    {"o_code": codes},
                    Fp32Quantizer.latency,
                ),
            ),
        ]

    def _first(self) -> NDArray[np.int64]:
        first = self._columns.constant(0)
        first[0] = 1
        return first

    def _stream(
        self, inputs: dict[str, NDArray[Any]], outputs: dict[str, NDArray[Any]], latency: int
    ) -> Stream:
        return Stream(inputs, outputs, latency, self._columns.count)
