"""Operands for gate-level runs: real layers or seeded random ones, as one output per bit lane.

A lane is one processing element that computes outputs (m, n) one after the other, each over the
whole reduction in order, with its ``first`` and ``last`` tags: what an output-stationary array does
with the same layer, but for when.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from afp_hw.design import Design
from afp_hw.design.float_design import FloatDesign
from afp_hw.formats import AFPFormat
from afp_hw.golden import column_bound, embed, fix_of_codes, gemm
from afp_hw.quantize import quantize_codes
from afp_hw.synth.float_stimulus import FloatOperands

_LANES: Final = 512


class Problem(Protocol):
    """What is needed of a layer's problem (see ``afp_hw.network``)."""

    @property
    def name(self) -> str:
        """Name of the layer."""

    @property
    def act_codes(self) -> NDArray[Any]:
        """Activation codes [M, K]."""

    @property
    def wgt_codes(self) -> NDArray[Any]:
        """Weight codes [K, N]."""

    @property
    def act_fmt(self) -> AFPFormat:
        """Format of the activations."""

    @property
    def wgt_fmt(self) -> AFPFormat:
        """Format of the weights."""


def _check_steps(name: str, steps: int, design: Design) -> None:
    if steps > design.k:
        raise ValueError(f"Design.k must be at least K = {steps} of {name}, not {design.k}")


@dataclass(frozen=True, eq=False)
class Operands:
    """The two matrices of one layer as codes of a design's envelopes.

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
    sum_bound
        Largest magnitude of a sum that these weights allow, whatever the activations: of all
        columns of the layer, also those that :meth:`sample` leaves out. None: of these.
    """

    name: str
    act_codes: NDArray[Any]
    wgt_codes: NDArray[Any]
    design: Design
    sum_bound: int | None = None

    def proven_bound(self) -> int:
        """``max over n of sum_k |fix_w[k, n]| * max_fix_a``: numerics section 5."""
        if self.sum_bound is not None:
            return self.sum_bound
        weights = fix_of_codes(self.wgt_codes, self.design.weights)
        return max(1, column_bound(weights) * self.design.acts.max_fix)

    def for_design(self, design: Design) -> Operands:
        """The same codes for a design of the same formats."""
        return replace(self, design=design)

    @classmethod
    def from_problem(cls, problem: Problem, design: Design) -> Operands:
        """A layer's operands, embedded in the envelopes of `design`.

        Raises
        ------
        ValueError
            An envelope does not hold the layer's format, or the reduction is too long.
        """
        _check_steps(problem.name, problem.act_codes.shape[1], design)
        return cls(
            problem.name,
            embed(problem.act_codes, problem.act_fmt, design.afp_acts),
            embed(problem.wgt_codes, problem.wgt_fmt, design.afp_weights),
            design,
        )

    @classmethod
    def random(cls, design: Design, *, k: int, m: int = 64, n: int = 64, seed: int = 0) -> Operands:
        """Normal weights, and normal activations (their positive part where unsigned), quantized.

        Parameters
        ----------
        design
            Envelopes.
        k, m, n
            Length of the reduction, rows, columns.
        seed
            Of the generator.
        """
        generator = np.random.default_rng(seed)
        act, wgt = generator.normal(size=(m, k)), generator.normal(size=(k, n))
        if not design.acts.signed:
            act = np.maximum(act, 0.0)
        return cls.from_tensors(f"random (seed {seed}, K = {k})", act, wgt, design)

    @classmethod
    def from_tensors(
        cls, name: str, act: NDArray[Any], wgt: NDArray[Any], design: Design
    ) -> Operands:
        """Real matrices [M, K] and [K, N], each quantized so that its largest magnitude fits.

        Raises
        ------
        ValueError
            The reduction is too long for the design.
        """
        _check_steps(name, act.shape[1], design)
        return cls(
            name, quantize_codes(act, design.acts), quantize_codes(wgt, design.weights), design
        )

    @property
    def interleave(self) -> int:
        """Sums that take turns in one processing element: 1."""
        return 1

    def sums(self) -> NDArray[Any]:
        """The exact sums that hardware must find, [M, N]; golden.

        Raises
        ------
        ValueError
            One is beyond what the design's accumulator is for.
        """
        design = self.design
        acts = fix_of_codes(self.act_codes, design.acts)
        found = gemm(acts, fix_of_codes(self.wgt_codes, design.weights))
        largest = int(np.abs(found).max(initial=0))
        if largest > design.sum_bound:
            raise ValueError(
                f"Design.sum_max must be at least {largest}, the largest sum of {self.name}, "
                f"not {design.sum_bound}"
            )
        return found

    def sample(self, outputs: int) -> Operands:
        """At most `outputs` outputs: pixels and channels spread evenly over the layer."""
        rows, cols = self.act_codes.shape[0], self.wgt_codes.shape[1]
        kept_cols = min(cols, max(1, int(outputs**0.5)))
        kept_rows = min(rows, max(1, outputs // kept_cols))
        pixels = np.linspace(0, rows - 1, kept_rows).round().astype(np.int64)
        channels = np.linspace(0, cols - 1, kept_cols).round().astype(np.int64)
        return replace(
            self,
            act_codes=self.act_codes[pixels],
            wgt_codes=self.wgt_codes[:, channels],
            sum_bound=self.proven_bound(),
        )


@dataclass(frozen=True, eq=False)
class Round:
    """One output in each lane.

    Parameters
    ----------
    act, wgt
        Codes [steps, design.lanes, lanes], the last step filled up with code 0.
    sums
        What must come out, [lanes].
    rows, cols
        Which output each lane computes, [lanes].
    """

    act: NDArray[Any]
    wgt: NDArray[Any]
    sums: NDArray[Any]
    rows: NDArray[np.int64]
    cols: NDArray[np.int64]


def stepped(codes: NDArray[Any], design: Design | FloatDesign) -> NDArray[Any]:
    """Codes [K, X] as [steps, design.lanes, X], filled up with code 0."""
    steps = -(-len(codes) // design.lanes)
    padded = np.pad(codes, ((0, steps * design.lanes - len(codes)), (0, 0)))
    return padded.reshape(steps, design.lanes, -1)


@dataclass(frozen=True, eq=False)
class PeStimulus:
    """Rounds of outputs for a processing element, in order.

    As many consecutive rounds as sums take turns in the element run at once.

    Parameters
    ----------
    operands
        Whose outputs; all of them but the remainder that does not fill such rounds.

    Raises
    ------
    ValueError
        There are fewer outputs than sums that take turns.
    """

    operands: Operands | FloatOperands

    def __post_init__(self) -> None:
        if self.outputs < self.interleave:
            raise ValueError(
                f"PeStimulus.operands must have {self.interleave} outputs, not {self.outputs}"
            )

    @property
    def interleave(self) -> int:
        """Rounds that run at once, their steps taking turns."""
        return self.operands.interleave

    @property
    def outputs(self) -> int:
        """Outputs of the operands."""
        return int(self.operands.act_codes.shape[0] * self.operands.wgt_codes.shape[1])

    @property
    def reduction(self) -> int:
        """Products in one output."""
        return int(self.operands.act_codes.shape[1])

    @property
    def lanes(self) -> int:
        """Bit lanes: outputs in one round."""
        return min(_LANES, self.outputs // self.interleave)

    @property
    def rounds(self) -> int:
        """How many rounds there are."""
        return self.outputs // (self.lanes * self.interleave) * self.interleave

    @property
    def steps(self) -> int:
        """Cycles of one round."""
        return -(-self.reduction // self.operands.design.lanes)

    @property
    def macs(self) -> int:
        """Products in all rounds and lanes, without those that fill up the last step."""
        return self.rounds * self.lanes * self.reduction

    def __iter__(self) -> Iterator[Round]:
        operands = self.operands
        act = stepped(np.ascontiguousarray(operands.act_codes.T), operands.design)
        wgt = stepped(operands.wgt_codes, operands.design)
        sums = operands.sums()
        for index in range(self.rounds):
            output = np.arange(index * self.lanes, (index + 1) * self.lanes)
            rows, cols = np.divmod(output, sums.shape[1])
            yield Round(act[:, :, rows], wgt[:, :, cols], sums[rows, cols], rows, cols)
