"""Codes and tags for a processing element, and the sums that must come of them.

No sum here goes beyond what the accumulator is made for: ``design.sum_bound``.
"""

from __future__ import annotations

from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.certify.oracles import lane_products
from afp_hw.design import Design
from afp_hw.formats import Number
from afp_hw.rtlsim.pe import PeStimulus

EXHAUSTIVE_WIDTH: Final = 16
"""Bits of both codes together up to which all pairs are tried."""

_SAMPLES: Final = 1 << EXHAUSTIVE_WIDTH
_REDUCTIONS: Final = 400
_LONGEST_RANDOM: Final = 40

Tables = tuple[list[int], list[int]]


def exhaustive(design: Design) -> bool:
    """Whether :func:`single_steps` has all pairs of codes."""
    return design.acts.width + design.weights.width <= EXHAUSTIVE_WIDTH


def _corners(fmt: Number) -> NDArray[np.int64]:
    """Codes at the ends of every binade (AFP) or of the range (integers)."""
    ones = (1 << fmt.width) - 1
    codes = {0, 1, ones, ones - 1, ones >> 1, (ones >> 1) + 1}
    codes |= {edge for bit in range(fmt.width) for edge in (1 << bit, (1 << bit) - 1)}
    return np.array(sorted(codes & set(range(ones + 1))))


def _pairs(design: Design, random: np.random.Generator) -> NDArray[np.int64]:
    """All pairs (activation, weight), [pairs, 2], or corners and random ones."""
    widths = (design.acts.width, design.weights.width)
    if exhaustive(design):
        return np.stack(np.divmod(np.arange(1 << sum(widths)), 1 << widths[1]), axis=1)
    corners = np.array(list(product(_corners(design.acts), _corners(design.weights))))
    rest = [random.integers(0, 1 << width, _SAMPLES - len(corners)) for width in widths]
    return np.concatenate([corners, np.stack(rest, axis=1)])


def single_steps(design: Design, tables: Tables, seed: int) -> PeStimulus:
    """Each pair in each lane as a sum of one step; the other lanes have random codes.

    Where the step's sum would be beyond the bound, the other lanes have code 0; where the product
    alone is, the pair is left out.
    """
    random = np.random.default_rng(seed)
    acts, wgts = [], []
    for lane in range(design.lanes):
        pairs = _pairs(design, random)
        act = random.integers(0, 1 << design.acts.width, (len(pairs), design.lanes))
        wgt = random.integers(0, 1 << design.weights.width, (len(pairs), design.lanes))
        act[:, lane], wgt[:, lane] = pairs.T
        beyond = np.abs(lane_products(tables, act, wgt)) > design.sum_bound
        act[np.ix_(beyond, np.arange(design.lanes) != lane)] = 0
        kept = np.abs(lane_products(tables, act, wgt)) <= design.sum_bound
        acts.append(act[kept])
        wgts.append(wgt[kept])
    act, wgt = np.concatenate(acts), np.concatenate(wgts)
    tags = np.ones(len(act), bool)
    return _framed(design, tags, tags, tags, np.zeros(len(act), bool), act, wgt)


def reductions(design: Design, tables: Tables, seed: int) -> PeStimulus:
    """Random reductions back to back, with pauses full of garbage and resets in mid-flow."""
    random = np.random.default_rng([seed, 1])
    widths = (design.acts.width, design.weights.width)
    rows: list[tuple[bool, bool, bool, bool, list[NDArray[Any]]]] = []

    def codes() -> list[NDArray[Any]]:
        return [random.integers(0, 1 << width, design.lanes) for width in widths]

    def garbage(reset: bool) -> None:
        first, last = (bool(bit) for bit in random.integers(0, 2, 2))
        valid = reset and bool(random.integers(0, 2))
        rows.append((valid, first, last, reset, codes()))

    for _ in range(_REDUCTIONS):
        length = int(random.integers(1, min(design.steps, _LONGEST_RANDOM) + 1))
        sparse, paused = random.random(2) < 0.5
        total, left = 0, design.k
        for step in range(length):
            while paused and random.random() < 0.3:
                garbage(False)
            act, wgt = codes()
            act[left:] = 0
            left = max(left - design.lanes, 0)
            if sparse:
                act *= random.integers(0, 2, design.lanes)
            added = int(lane_products(tables, act[None], wgt[None])[0])
            if abs(total + added) > design.sum_bound:
                act[:], added = 0, 0
            total += added
            rows.append((True, step == 0, step == length - 1, False, [act, wgt]))
            if random.random() < 0.02:
                garbage(True)
                break
    valid, first, last, reset = (np.array([row[index] for row in rows]) for index in range(4))
    act, wgt = (np.stack([row[4][index] for row in rows]) for index in range(2))
    return _framed(design, valid, first, last, reset, act, wgt)


def longest(design: Design, tables: Tables) -> PeStimulus:
    """The longest reduction of the largest product, and of the most negative one."""
    ends = [sorted(range(len(table)), key=table.__getitem__) for table in tables]
    pairs = [(a, w) for a in (ends[0][0], ends[0][-1]) for w in (ends[1][0], ends[1][-1])]
    pairs.sort(key=lambda pair: tables[0][pair[0]] * tables[1][pair[1]])
    acts, wgts, firsts, lasts = [], [], [], []
    for act, wgt in (pairs[0], pairs[-1]):
        magnitude = abs(tables[0][act] * tables[1][wgt])
        count = min(design.k, design.sum_bound // magnitude) if magnitude else 1
        steps = max(-(-count // design.lanes), 1)
        used = (np.arange(steps * design.lanes) < count).reshape(steps, design.lanes)
        acts.append(used * act)
        wgts.append(used * wgt)
        firsts.append(np.arange(steps) == 0)
        lasts.append(np.arange(steps) == steps - 1)
    first, last = np.concatenate(firsts), np.concatenate(lasts)
    valid, reset = np.ones(len(first), bool), np.zeros(len(first), bool)
    return _framed(design, valid, first, last, reset, np.concatenate(acts), np.concatenate(wgts))


def _framed(
    design: Design,
    valid: NDArray[np.bool_],
    first: NDArray[np.bool_],
    last: NDArray[np.bool_],
    reset: NDArray[np.bool_],
    act: NDArray[Any],
    wgt: NDArray[Any],
) -> PeStimulus:
    """A cycle of reset ahead, and idle ones behind until everything has come out."""
    ends = (1, design.pe_latency)
    bits = [np.pad(bit, ends) for bit in (valid, first, last)]
    codes = [np.pad(each, (ends, (0, 0))).astype(np.uint16) for each in (act, wgt)]
    at_start = np.pad(reset, ends)
    at_start[0] = True
    return PeStimulus(at_start, bits[0], bits[1], bits[2], codes[0], codes[1])


def expected_sums(stimulus: PeStimulus, sums: NDArray[Any], latency: int) -> list[tuple[int, int]]:
    """``(edge, sum)`` of each finished sum: visible behind clock edge ``t + latency - 1``.

    `sums` [cycles] is what each step adds. What is under way at a reset never comes.
    """
    found: list[tuple[int, int]] = []
    total = 0
    for edge in np.flatnonzero(stimulus.valid | stimulus.reset).tolist():
        if stimulus.reset[edge]:
            while found and found[-1][0] >= edge:
                found.pop()
            continue
        total = int(sums[edge]) + (0 if stimulus.first[edge] else total)
        if stimulus.last[edge]:
            found.append((edge + latency - 1, total))
    return found
