"""A layer as each scheme runs it: operands for an array, and sums for what stands behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.design import Design
from afp_hw.energy.afp_outputs import AfpSums
from afp_hw.energy.int_outputs import IntSums
from afp_hw.energy.real import RealLayer
from afp_hw.formats import IntFormat, Number
from afp_hw.golden import gemm, integer_of_codes, quantize_integer, symmetric_scale
from afp_hw.network import LayerProblem
from afp_hw.synth.stimulus import Operands


@dataclass(frozen=True, eq=False)
class Case:
    """One group of one layer in one scheme.

    Attributes
    ----------
    operands
        Embedded in the envelopes of the scheme's array.
    act_fmt, wgt_fmt, out_fmt
        Formats in which tensors are stored; no output format where sums leave the network.
    sums
        What is requantized; None where nothing is.
    """

    operands: Operands
    act_fmt: Number
    wgt_fmt: Number
    out_fmt: Number | None
    sums: AfpSums | IntSums | None


def afp_case(problems: Sequence[LayerProblem], design: Design) -> Case:
    """A layer in AFP: one product, or one for each image where grids are dynamic.

    Raises
    ------
    ValueError
        The design does not hold the layer.
    """
    first = problems[0]
    parts = [Operands.from_problem(problem, design) for problem in problems]
    act = np.concatenate([part.act_codes for part in parts])
    operands = Operands(first.name.partition("@")[0], act, parts[0].wgt_codes, design)
    # In a wider envelope sums lie further left, numerics section 4.
    left = design.afp_acts.n_man - first.act_fmt.n_man
    left += design.afp_weights.n_man - first.wgt_fmt.n_man
    sums = None
    if first.out_fmt is not None:
        acc = np.concatenate([problem.expected_acc for problem in problems]) << left
        bound = 1 << (design.acc_width - 1)
        if acc.min() < -bound or acc.max() >= bound:
            raise ValueError(
                f"Design.k and init_max must give {first.name} more than the "
                f"{design.acc_width} bits of acc_width"
            )
        offset = np.concatenate([_rows(problem.offset, problem) for problem in problems]) - left
        clip = None
        if first.clip is not None:
            clip = np.concatenate([_rows(problem.clip, problem) for problem in problems]) << left
            clip = np.minimum(clip, bound - 1)
        sums = AfpSums(acc.astype(np.int64), offset, first.out_fmt, first.relu, clip)
    return Case(operands, first.act_fmt, first.wgt_fmt, first.out_fmt, sums)


def _rows(value: Any, problem: LayerProblem) -> NDArray[Any]:
    """A setting of one product for each of its outputs."""
    return np.broadcast_to(np.asarray(value), problem.expected_acc.shape)


def int_case(
    layer: RealLayer, design: Design, *, input_max: float | None, output_max: float | None
) -> Case:
    """A layer in integers: symmetric scales, one for all weights, one for the activations.

    Parameters
    ----------
    layer
        Its real numbers.
    design
        An array of integers, activations signed.
    input_max, output_max
        Largest magnitudes by calibration; None: of each image, as dynamic scales have them.
    """
    weights, acts = design.weights, design.acts
    assert isinstance(weights, IntFormat)  # the caller's design
    assert isinstance(acts, IntFormat)
    wgt_scale = symmetric_scale(float(np.abs(layer.wgt).max()), weights)

    def scales(of_image: NDArray[np.float64], calibrated: float | None) -> NDArray[np.float64]:
        values = of_image if calibrated is None else np.full(len(of_image), calibrated)
        return np.array([symmetric_scale(float(value), acts) for value in values])

    act_scale = scales(layer.input_max, input_max)
    act = np.concatenate(
        [
            quantize_integer(part, acts, float(scale))
            for part, scale in zip(np.split(layer.act, len(act_scale)), act_scale, strict=True)
        ]
    )
    wgt = quantize_integer(layer.wgt, weights, wgt_scale)
    operands = Operands(layer.name, act, wgt, design)
    if layer.last:
        return Case(operands, acts, weights, None, None)
    unit = layer.per_row(act_scale) * wgt_scale
    acc = gemm(integer_of_codes(act, acts), integer_of_codes(wgt, weights)).astype(np.int64)
    acc = acc + np.rint(layer.init / unit).astype(np.int64)
    out = layer.per_row(scales(layer.output_max, output_max))
    sums = IntSums(np.clip(acc, -(1 << 31), (1 << 31) - 1), unit, out, layer.relu)
    return Case(operands, acts, weights, acts, sums)
