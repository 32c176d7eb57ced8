"""A second chain from images to logits: float64 arithmetic, Fractions, gfloat for every rounding.

It shares nothing with the golden model. Its sums are exact because every tensor of the networks it
is used for needs far fewer than 53 bits. Images go through one by one, each with its own grids.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import gfloat
import numpy as np

from afp_hw import AFPFormat
from afp_hw.network.float_evaluation import evaluate_node
from afp_hw.network.graph import Node
from afp_hw.network.stages import Kind
from afp_hw.network.steps import CodeStep, GemmStep, LoweredNetwork


def rounded(values: np.ndarray, fmt: AFPFormat, lsb: int) -> np.ndarray:
    """Nearest values of a format, saturated, by gfloat (n_exp = 0: by plain rounding)."""
    if not fmt.signed:
        values = np.maximum(values, 0)
    if fmt.n_exp == 0:
        grid = 2.0**lsb
        return np.clip(np.rint(values / grid), -fmt.max_fix, fmt.max_fix) * grid + 0.0
    # gfloat knows no format without a sign: the signed one has the same magnitudes.
    info = gfloat.FormatInfo(
        name="test",
        k=1 + fmt.magnitude_width,
        precision=fmt.n_man + 1,
        bias=1 - fmt.n_man - lsb,
        is_signed=True,
        domain=gfloat.Domain.Finite,
        has_nz=True,
        num_high_nans=0,
        has_subnormals=True,
        is_twos_complement=False,
    )
    return gfloat.round_ndarray(info, values, sat=True) + 0.0


def finest(values: np.ndarray, max_fix: int) -> int:
    """The lowest lsb at which the largest magnitude still fits, by trying."""
    largest = Fraction(float(np.abs(values).max()))
    if largest == 0:
        return 0
    lsb = 0
    while largest > max_fix * Fraction(2) ** lsb:
        lsb += 1
    while largest <= max_fix * Fraction(2) ** (lsb - 1):
        lsb -= 1
    return lsb


class SecondChain:
    """All tensors of one image as float64, [1, ...], and the grids of those that are stored."""

    def __init__(self, lowered: LoweredNetwork, image: np.ndarray) -> None:
        self._lowered = lowered
        self.values: dict[str, np.ndarray] = {}
        self.lsbs: dict[str, int] = {}
        self._store(lowered.graph.inputs[0].name, image[None].astype(np.float64))
        for step in lowered.steps:
            if isinstance(step, GemmStep):
                self._gemm(step)
            else:
                self._codes(step)

    def _store(self, name: str, values: np.ndarray) -> None:
        item = self._lowered.tensors[name]
        self.lsbs[name] = finest(values, item.fmt.max_fix) if item.lsb is None else item.lsb
        self.values[name] = rounded(values, item.fmt, self.lsbs[name])

    def _finish(self, step: GemmStep | CodeStep, sums: np.ndarray, lsb_acc: Any) -> None:
        if step.requantize is None:
            self.values[step.output] = sums
            return
        if step.requantize.level is not None:
            limit = np.floor(step.requantize.level * 2.0**-lsb_acc) * 2.0**lsb_acc
            sums = np.minimum(sums, np.reshape(limit, (1, -1, *[1] * (sums.ndim - 2))))
        if step.requantize.relu:
            sums = np.maximum(sums, 0)
        self._store(step.output, sums)

    def _gemm(self, step: GemmStep) -> None:
        node, fmt = step.node, step.wgt.fmt
        axis = 0 if node.op == "Conv" else 1
        channels = node.weight.shape[axis]
        lsbs = np.broadcast_to(np.array(step.wgt.lsb), channels)
        weight = np.stack(
            [
                rounded(np.take(node.weight, n, axis), fmt, int(lsb))
                for n, lsb in enumerate(lsbs.tolist())
            ],
            axis,
        )
        lsb_acc = self.lsbs[step.input] + lsbs
        bias = np.zeros(channels)
        if node.bias is not None:
            lsb = finest(node.bias, 2**31 - 1)
            whole = np.rint(node.bias * 2.0**-lsb) * 2.0**lsb
            steps = np.clip(np.rint(whole / 2.0**lsb_acc), -step.init_max, step.init_max)
            bias = steps * 2.0**lsb_acc
        layer = Node(node.name, node.op, (), "", node.attributes, weight, bias)
        sums = evaluate_node(layer, [self.values[step.input]])
        if step.skip is not None:
            sums = sums + self.values[step.skip]
        self._finish(step, sums, lsb_acc.astype(float))

    def _codes(self, step: CodeStep) -> None:
        inputs = [self.values[name] for name in step.inputs]
        lsb = float(min(self.lsbs[name] for name in step.inputs))
        if step.kind is Kind.AVERAGE:
            whole = step.node.op == "GlobalAveragePool"
            count = int(np.prod(inputs[0].shape[2:] if whole else step.node.attributes["kernel"]))
            mean = evaluate_node(step.node, inputs) * count
            self._finish(step, mean * np.rint(2**16 / count) / 2**16, lsb - 16)
        elif step.kind is Kind.ADD:
            self._finish(step, inputs[0] + inputs[1], lsb)
        else:
            values = evaluate_node(step.node, inputs)
            if step.requantize is None:
                self.values[step.output] = values
                self.lsbs[step.output] = self.lsbs[step.inputs[0]]
            else:
                self._finish(step, values, lsb)
