"""The standalone PE: codes in, exact sums out, against the golden model."""

import numpy as np
from cocotb.triggers import FallingEdge

from afp_hw import embedded
from afp_hw.golden import embed, fix_of_codes, gemm
from afp_hw.hdl import CodePe
from afp_hw.network import calibrate, layer_problems, load_graph, lower
from sim.bench import (
    bench_design,
    bounded_test,
    drive,
    generator,
    last_magnitude,
    pack,
    play,
    same,
    start,
)

IDLE = {"i_valid": 0, "i_first": 0, "i_last": 0}


def _steps(design, act, wgt):
    """One reduction: codes of shape [steps, lanes]."""
    last = len(act) - 1
    return [
        {
            "i_valid": 1,
            "i_first": int(index == 0),
            "i_last": int(index == last),
            "i_act": pack(a, design.acts.width),
            "i_wgt": pack(w, design.weights.width),
        }
        for index, (a, w) in enumerate(zip(act.tolist(), wgt.tolist(), strict=True))
    ]


def _sum(design, act, wgt):
    """The golden sum of one reduction."""
    act_fix = fix_of_codes(act.reshape(1, -1), design.acts)
    return int(gemm(act_fix, fix_of_codes(wgt.reshape(-1, 1), design.weights))[0, 0])


def _watch(dut):
    return lambda edge: (edge, dut.o_acc.value.to_signed()) if int(dut.o_valid.value) else None


def _garbage(design, random):
    """A cycle without a step, and with everything else on the wires."""
    return {
        "i_valid": 0,
        "i_first": random.randint(0, 1),
        "i_last": random.randint(0, 1),
        "i_act": random.getrandbits(design.lanes * design.acts.width),
        "i_wgt": random.getrandbits(design.lanes * design.weights.width),
    }


async def _run(dut, design, reductions, random=None):
    """Play reductions back to back, or with pauses where `random` says so; compare all of it."""
    steps, expected = [], []
    for act, wgt in reductions:
        # The accumulator is proven for k products: lanes beyond them hold code 0.
        act.reshape(-1)[design.k :] = 0
        for step in _steps(design, act, wgt):
            while random is not None and random.random() < 0.3:
                steps.append(_garbage(design, random))
            steps.append(step)
        # Sampled at edge t, visible after edge t + latency - 1.
        expected.append((len(steps) - 1 + CodePe(design).latency - 1, _sum(design, act, wgt)))
    got = await play(dut, [*steps, IDLE], _watch(dut), drain=design.pe_latency)
    same(got, expected)


def _codes(fmt, seed, shape):
    return np.random.default_rng(seed).integers(0, 1 << fmt.width, shape)


@bounded_test()
async def all_pairs(dut):
    """Every pair of codes in every lane (of formats up to 6 bits each), a sum for each step."""
    design = bench_design()
    await start(dut)
    if design.acts.width <= 6 and design.weights.width <= 6:
        pairs = np.arange(1 << (design.acts.width + design.weights.width))
        act, wgt = pairs >> design.weights.width, pairs & ((1 << design.weights.width) - 1)
    else:
        act, wgt = _codes(design.acts, 1, 3000), _codes(design.weights, 2, 3000)
        corners = [0, 1, -1, 1 << (design.acts.width // 2), 1 << (design.acts.width - 1)]
        act[:5] = np.array(corners) & ((1 << design.acts.width) - 1)
    lanes = [np.roll(act, 7 * lane) for lane in range(design.lanes)]
    other = [np.roll(wgt, 7 * lane) for lane in range(design.lanes)]
    acts, wgts = np.stack(lanes, axis=1), np.stack(other, axis=1)
    await _run(dut, design, [(a[None].copy(), w[None]) for a, w in zip(acts, wgts, strict=True)])


@bounded_test()
async def back_to_back_sums(dut):
    """A new sum begins in the cycle after ``last``."""
    design = bench_design()
    random = generator("back to back")
    await start(dut)
    await _run(dut, design, _random_reductions(design, random, 60))


@bounded_test()
async def pauses_anywhere(dut):
    """Cycles without ``i_valid`` change nothing, whatever else is on the wires."""
    design = bench_design()
    random = generator("pauses")
    await start(dut)
    await _run(dut, design, _random_reductions(design, random, 40), random)


def _random_reductions(design, random, count):
    longest = min(design.steps, 40)
    reductions = []
    for _ in range(count):
        shape = (random.randint(1, longest), design.lanes)
        act = _codes(design.acts, random.getrandbits(32), shape)
        wgt = _codes(design.weights, random.getrandbits(32), shape)
        if random.random() < 0.5:
            act *= np.random.default_rng(random.getrandbits(32)).integers(0, 2, shape)
        reductions.append((act, wgt))
    return reductions


@bounded_test()
async def largest_sum_does_not_wrap(dut):
    """As many products as the design allows, of the largest magnitude, of each sign."""
    design = bench_design()
    await start(dut)
    products = np.zeros((design.steps, design.lanes), dtype=np.int64)
    products.flat[: design.k] = 1
    act, wgt = products * last_magnitude(design.acts), products * last_magnitude(design.weights)
    pairs = [(act, wgt)]
    if design.weights.signed:
        other = wgt ^ (products << (design.weights.width - 1))  # the other sign; of integers, 0
        pairs.append((act.copy(), other if not design.integers else wgt - products))
    await _run(dut, design, pairs)


@bounded_test()
async def real_weights(dut):
    """Quantized weights and activations of the embedded model's first layers."""
    design = bench_design()
    await start(dut)
    if design.integers:
        await _run(dut, design, _random_reductions(design, generator("integers"), 30))
        return
    graph = load_graph(embedded.model_path())
    formats = {"weights": design.weights.as_signed(), "acts": design.acts.as_signed()}
    lowered = lower(graph, calibrate(graph, embedded.calibration_images()[:4], **formats))
    reductions = []
    for layer in ("conv1", "block1.conv1"):
        (problem,) = layer_problems(lowered, layer, embedded.test_set()[0][:1])
        if not design.acts.holds(problem.act_fmt) or not design.weights.holds(problem.wgt_fmt):
            continue
        act = embed(problem.act_codes, problem.act_fmt, design.acts)
        wgt = embed(problem.wgt_codes, problem.wgt_fmt, design.weights)
        room = design.steps * design.lanes
        for pixel in range(200, 460, 13):
            length = min(act.shape[1], design.k)
            pair = np.zeros((2, room), dtype=np.int64)
            pair[0, :length] = act[pixel, :length]
            pair[1, :length] = wgt[:length, pixel % wgt.shape[1]]
            used = -(-length // design.lanes)
            reductions.append(pair.reshape(2, design.steps, design.lanes)[:, :used])
    await _run(dut, design, reductions)


@bounded_test()
async def reset_in_mid_sum(dut):
    """Nothing of a sum that a reset cut off is seen, and the next one is exact."""
    design = bench_design()
    random = generator("reset")
    await start(dut)
    for cut in (1, 2, 5):
        act = _codes(design.acts, cut, (12, design.lanes))
        wgt = _codes(design.weights, cut + 9, (12, design.lanes))
        await play(dut, _steps(design, act, wgt)[:cut], _watch(dut), drain=0)
        drive(dut, {**IDLE, "rst": 1})
        await FallingEdge(dut.clk)
        drive(dut, {"rst": 0})
        await _run(dut, design, _random_reductions(design, random, 5))
