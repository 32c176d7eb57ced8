"""The floating-point PE: codes in, binary32 sums out, against the golden model.

Every step is marked as the last of a sum, or most are: that only makes the sum so far visible.
"""

import json
import os

import numpy as np
from cocotb.triggers import FallingEdge

from afp_hw.design.float_design import FloatDesign
from afp_hw.formats import FloatFormat
from afp_hw.golden.floating_fma import fma_float32
from sim.bench import DESIGN_VARIABLE, bounded_test, drive, play, same, start
from sim.float_operands import corners, near_one

IDLE = {"i_valid": 0, "i_first": 0, "i_last": 0}


def _design():
    """The design that the runner built."""
    values = json.loads(os.environ[DESIGN_VARIABLE])
    formats = {name: FloatFormat.parse(values.pop(name)) for name in ("weights", "acts")}
    return FloatDesign(**formats, **values)


def _generator(seed):
    """Random numbers of one test: the same in every run, others for every design."""
    return np.random.default_rng([seed, *os.environ[DESIGN_VARIABLE].encode()])


def _sums(design, act, wgt):
    """Golden sums so far after each step: codes [reductions, steps] to bits of the same shape."""
    total, found = np.zeros(len(act), np.uint32), []
    for step in range(act.shape[1]):
        total = fma_float32(total, act[:, step], wgt[:, step], design.acts, design.weights)
        found.append(total)
    return np.stack(found, axis=1)


def _steps(act, wgt, last):
    """Inputs of one reduction's steps."""
    columns = zip(act.tolist(), wgt.tolist(), last.tolist(), strict=True)
    return [
        {"i_valid": 1, "i_first": int(not index), "i_last": end, "i_act": a, "i_wgt": w}
        for index, (a, w, end) in enumerate(columns)
    ]


def _garbage(design, random):
    """A cycle without a step, and with everything else on the wires."""
    first, last = random.integers(0, 2, 2).tolist()
    act, wgt = (int(random.integers(1 << fmt.width)) for fmt in (design.acts, design.weights))
    return {"i_valid": 0, "i_first": first, "i_last": last, "i_act": act, "i_wgt": wgt}


def _schedule(design, act, wgt, last, random):
    """Reductions dealt to the sums that take turns; a pause in a third of the cycles if `random`.

    Returns the inputs of each cycle, and for each visible sum the edge and the bits.
    """
    turns = design.interleave
    sums = _sums(design, act, wgt)
    queues = [[] for _ in range(turns)]
    for index in range(len(act)):
        steps = _steps(act[index], wgt[index], last[index])
        queues[index % turns] += zip(steps, sums[index].tolist(), strict=True)
    for queue in queues:
        queue.reverse()
    steps, expected = [], []
    while any(queues):
        queue = queues[len(steps) % turns]
        if not queue or (random is not None and random.random() < 0.33):
            steps.append(IDLE if random is None else _garbage(design, random))
            continue
        step, bits = queue.pop()
        if step["i_last"]:
            # Sampled at this edge, visible after edge + latency - 1.
            expected.append((len(steps) + design.pe_latency - 1, bits))
        steps.append(step)
    return steps, expected


async def _run(dut, design, act, wgt, *, pauses=None, last=None):
    """Play reductions, codes [reductions, steps], and compare all that becomes visible."""
    marks = np.ones(act.shape, np.int64) if last is None else last
    steps, expected = _schedule(design, act, wgt, marks, pauses)
    got = await play(dut, [*steps, IDLE], _watch(dut), drain=design.pe_latency)
    same(got, expected)


def _watch(dut):
    return lambda edge: (edge, int(dut.o_acc.value)) if int(dut.o_valid.value) else None


def _near(design, random, shape):
    return near_one(design.acts, random, shape), near_one(design.weights, random, shape)


@bounded_test()
async def single_products(dut):
    """Every pair of codes of FP8, else 3000 pairs of corners, each a sum of its own."""
    design = _design()
    await start(dut)
    if design.acts.width + design.weights.width <= 16:
        acts, wgts = np.arange(1 << design.acts.width), np.arange(1 << design.weights.width)
    else:
        acts, wgts = corners(design.acts), corners(design.weights)
    act, wgt = (codes.reshape(-1, 1) for codes in np.meshgrid(acts, wgts))
    if design.acts.width > 8:
        kept = _generator(0).permutation(len(act))[:3000]
        act, wgt = act[kept], wgt[kept]
    await _run(dut, design, act, wgt)


@bounded_test()
async def pairs_accumulated(dut):
    """A quarter of the pairs of FP8 as sums of 16, or random pairs of any exponents."""
    design, random = _design(), _generator(1)
    await start(dut)
    if design.acts.width + design.weights.width <= 16:
        pairs = random.permutation(1 << 16)[: 1 << 14]
        act, wgt = pairs >> 8, pairs & 255
        # Most sums would be NaN from their first NaN on.
        for codes, fmt in ((act, design.acts), (wgt, design.weights)):
            magnitude = codes & ((1 << fmt.magnitude_width) - 1)
            codes[(magnitude > fmt.largest_code) & (random.random(len(codes)) < 0.95)] &= 15
    else:
        act, wgt = (random.integers(0, 1 << f.width, 3200) for f in (design.acts, design.weights))
    await _run(dut, design, act.reshape(-1, 16), wgt.reshape(-1, 16))


@bounded_test()
async def sums_of_corners(dut):
    """Zeros of both signs, subnormals, the largest, infinities, NaN, after one another."""
    design, random = _design(), _generator(2)
    await start(dut)
    act, wgt = (
        random.choice(corners(design.acts), (600, 5)),
        random.choice(corners(design.weights), (600, 5)),
    )
    await _run(dut, design, act, wgt)


@bounded_test()
async def cancellation(dut):
    """A product, and the same with the other sign: exactly opposed, or a unit apart."""
    design, random = _design(), _generator(3)
    await start(dut)
    act, wgt = _near(design, random, (400, 8))
    act[:, 1::2] = act[:, 0::2] ^ (1 << design.acts.magnitude_width)
    wgt[:, 1::2] = wgt[:, 0::2]
    apart = random.random((400, 4)) < 0.5
    wgt[:, 1::2] ^= apart * random.integers(0, 4, apart.shape)
    await _run(dut, design, act, wgt)


@bounded_test()
async def largest_products(dut):
    """The largest products of each sign: where sums can overflow they do, and stay there."""
    design = _design()
    await start(dut)
    act = np.full((8, 40), design.acts.largest_code)
    wgt = np.full((8, 40), design.weights.largest_code)
    wgt[::2] |= 1 << design.weights.magnitude_width
    act[4:, 20:] |= 1 << design.acts.magnitude_width
    # The product next to the largest sum, and half a unit of it: by ties, overflow or not.
    act[2:4, 0], wgt[2:4, 1] = 1, 1
    await _run(dut, design, act, wgt)


@bounded_test()
async def zeros_between(dut):
    """Half of the operands are zeros, of either sign, also first and last of a sum."""
    design, random = _design(), _generator(4)
    await start(dut)
    act, wgt = _near(design, random, (300, 12))
    act[random.random(act.shape) < 0.5] &= 1 << design.acts.magnitude_width
    wgt[random.random(wgt.shape) < 0.3] &= 1 << design.weights.magnitude_width
    # Sums that are -0: smallest products that vanish, then zeros of both signs.
    act[:80, :6], wgt[:80, :6] = 1, 1 | 1 << design.weights.magnitude_width
    act[:80, 6:] &= 1 << design.acts.magnitude_width
    last = (random.random(act.shape) < 0.4).astype(np.int64)
    last[:, -1] = 1
    await _run(dut, design, act, wgt, last=last)


@bounded_test()
async def pauses_anywhere(dut):
    """Cycles without ``i_valid`` change nothing, whatever else is on the wires."""
    design, random = _design(), _generator(5)
    await start(dut)
    act, wgt = _near(design, random, (150, 12))
    act[random.random(act.shape) < 0.2] = 0
    last = np.zeros(act.shape, np.int64)
    last[:, -1] = 1
    await _run(dut, design, act, wgt, pauses=random, last=last)


@bounded_test()
async def reset_in_mid_sum(dut):
    """Nothing of sums that a reset cut off is seen, and the next ones are exact."""
    design, random = _design(), _generator(6)
    await start(dut)
    for cut in (1, 2, 3, 5, 8, 13):
        act, wgt = _near(design, random, (design.interleave, 20))
        last = np.zeros(act.shape, np.int64)
        steps, _ = _schedule(design, act, wgt, last + (cut % 2), None)
        await play(dut, steps[:cut], lambda edge: None, drain=0)
        drive(dut, {**IDLE, "rst": 1})
        await FallingEdge(dut.clk)
        assert not int(dut.o_valid.value), "o_valid must be 0 behind a reset"
        drive(dut, {"rst": 0})
        act, wgt = _near(design, random, (6, 9))
        await _run(dut, design, act, wgt, pauses=random)
