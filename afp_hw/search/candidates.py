"""The best formats of every width for one tensor: what a search then chooses among."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afp_hw.formats import AFPFormat
from afp_hw.golden import decode, encode
from afp_hw.network import Node, TensorFormat
from afp_hw.quantize import (
    Measure,
    Rule,
    Score,
    best_lsb_channels,
    bias_for_channels,
    score_grid,
    splits,
)
from afp_hw.search.samples import Sample

Cost = Callable[[AFPFormat], float]

MOST_EXP = 5
"""Largest n_exp that hardware has."""


@dataclass(frozen=True)
class Preference:
    """How one split is preferred to another of the same tensor.

    Attributes
    ----------
    measure
        Error of a split: ``mse``, ``kl`` or ``released``.
    lam
        Exponent of the cost in ``error * cost**lam``; 0: the error alone.
    cost
        Cost of a format.
    rule
        Grid of a static tensor: by its largest magnitude, or by least squared error.
    keep
        How many splits of each width are candidates.
    within
        Envelope that holds all of them; None: any split.
    """

    measure: Measure
    lam: float
    cost: Cost
    rule: Rule
    keep: int = 1
    within: AFPFormat | None = None

    def allows(self, fmt: AFPFormat) -> bool:
        """Whether a format is in question.

        One exponent bit has the values of none and one more mantissa bit, and costs more: left out
        unless the envelope has no room for that bit.
        """
        if self.within is None:
            return fmt.n_exp != 1
        twin = AFPFormat(0, fmt.n_man + 1, fmt.signed)
        return self.within.holds(fmt) and (fmt.n_exp != 1 or not self.within.holds(twin))

    def objective(self, score: Score) -> float:
        """What the best split has least of."""
        return score.objective(self.lam, self.cost)


@dataclass(frozen=True)
class Candidate:
    """A format of one tensor.

    Attributes
    ----------
    item
        Format and grid.
    error
        Its error by the measure asked for.
    objective
        ``error * cost**lam``.
    """

    item: TensorFormat
    error: float
    objective: float


def _best(scores: Iterable[Score], preference: Preference) -> list[Score]:
    """The best scores of each width, the best first; of equal ones the one that came first."""
    found: dict[int, list[Score]] = {}
    for score in scores:
        if preference.allows(score.fmt):
            found.setdefault(score.fmt.width, []).append(score)
    return [
        score
        for width in sorted(found)
        for score in sorted(found[width], key=preference.objective)[: preference.keep]
    ]


def weight_candidates(
    layer: Node, widths: Iterable[int], preference: Preference, *, channels: bool = False
) -> list[Candidate]:
    """The best formats of each width for the weights of a layer.

    Parameters
    ----------
    layer
        Convolution or linear layer.
    widths
        Bits, the sign included.
    preference
        Which is best.
    channels
        A grid for each output channel; the split is one for all of them.
    """
    assert layer.weight is not None  # layers have weights
    scores = score_grid(
        layer.weight, widths, measure=preference.measure, rule=preference.rule, most_exp=MOST_EXP
    )
    if not channels:
        return [_candidate(score, score.lsb, preference) for score in _best(scores, preference)]
    rows = layer.weight if layer.op == "Conv" else layer.weight.T
    rows = rows.reshape(len(rows), -1)
    grids = {}
    for index, score in enumerate(scores):
        grids[score.fmt], errors = best_lsb_channels(rows, score.fmt, preference.rule)
        if preference.measure == "mse":
            scores[index] = Score(score.fmt, score.lsb, float(errors.sum()) / rows.size)
    return [
        _candidate(score, tuple(grids[score.fmt].tolist()), preference)
        for score in _best(scores, preference)
    ]


def activation_candidates(
    sample: Sample, widths: Iterable[int], preference: Preference, *, dynamic: bool
) -> list[Candidate]:
    """The best formats of each width for a stored activation.

    Parameters
    ----------
    sample
        Its values.
    widths
        Bits, the sign included where there is one.
    preference
        Which is best; a dynamic tensor's grid is always that of its largest magnitude.
    dynamic
        Whether each image has a grid of its own.
    """
    widths = list(widths)
    if dynamic:
        scores = _dynamic_scores(sample, widths, preference.measure)
        return [_candidate(score, None, preference) for score in _best(scores, preference)]
    # The largest magnitude of all is known even if it is not in the sample.
    values = np.append(sample.values.reshape(-1), np.float32(sample.largest.max()))
    scores = score_grid(
        values,
        widths,
        signed=sample.signed,
        measure=preference.measure,
        rule=preference.rule,
        most_exp=MOST_EXP,
    )
    return [_candidate(score, score.lsb, preference) for score in _best(scores, preference)]


def _candidate(
    score: Score, lsb: int | tuple[int, ...] | None, preference: Preference
) -> Candidate:
    where = "each image's largest magnitude" if lsb is None else f"lsb by {preference.rule}"
    item = TensorFormat(score.fmt, lsb, f"search: {preference.measure}, {where}")
    return Candidate(item, score.error, preference.objective(score))


def _dynamic_scores(sample: Sample, widths: list[int], measure: Measure) -> list[Score]:
    """Scores with a grid for each image.

    Divergences have no meaning across grids: they are taken of all images, each in units of its own
    largest magnitude, which then is 1.
    """
    if measure != "mse":
        units = _in_units(sample)
        return score_grid(
            units, widths, signed=sample.signed, measure=measure, rule="absmax", most_exp=MOST_EXP
        )
    scores = []
    for width in widths:
        for fmt in splits(width, signed=sample.signed, most_exp=MOST_EXP):
            lsb = 1 - fmt.n_man - bias_for_channels(sample.largest, fmt)
            whole = np.ldexp(sample.values, -lsb[:, None].astype(np.int32))
            bias = fmt.bias(0)
            rest = whole - decode(encode(whole, fmt, bias), fmt, bias).astype(np.float32)
            squared = np.square(rest, dtype=np.float64).sum(axis=1) * np.ldexp(1.0, 2 * lsb)
            scores.append(Score(fmt, 0, float(squared.sum()) / sample.values.size))
    return scores


def _in_units(sample: Sample) -> NDArray[np.float32]:
    """Values in units of the largest magnitude of their image, and a 1 that stands for it."""
    unit = np.where(sample.largest > 0, sample.largest, 1.0)
    scaled = sample.values / unit[:, None].astype(np.float32)
    return np.append(scaled.reshape(-1), np.float32(1))
