"""The array: tiles of random shape, back to back, with initial values, pauses and resets.

Values come from the golden model, cycles from the formula in the docstring of
:class:`afp_hw.hdl.Array`, the distance of tiles from its rule; none of them from the schedule
model, which is compared with compiled RTL elsewhere.
"""

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from afp_hw.golden import fix_of_codes, gemm
from afp_hw.hdl import Array
from sim.bench import bench_design, bounded_test, drive, generator, pack, same, start

IDLE = {"i_valid": 0, "i_first": 0, "i_last": 0}


class Tile:
    """Operands and initial values of one tile, and the sums that the golden model gives."""

    def __init__(self, design, random, steps):
        seeds = np.random.default_rng(random.getrandbits(32))
        shape = (design.rows, steps, design.lanes)
        self.act = seeds.integers(0, 1 << design.acts.width, shape)
        self.wgt = seeds.integers(0, 1 << design.weights.width, (steps, design.lanes, design.cols))
        bound = design.init_bound
        self.init = [
            [
                random.choice([0, bound, -bound, random.randint(-bound, bound)])
                for _ in range(design.cols)
            ]
            for _ in range(design.rows)
        ]
        act_fix = fix_of_codes(self.act.reshape(design.rows, -1), design.acts)
        wgt_fix = fix_of_codes(self.wgt.reshape(-1, design.cols), design.weights)
        self.acc = gemm(act_fix, wgt_fix, np.array(self.init, dtype=object)).tolist()

    def steps(self, design):
        last = self.act.shape[1] - 1
        for index in range(last + 1):
            step = {"i_valid": 1, "i_first": int(index == 0), "i_last": int(index == last)}
            for row in range(design.rows):
                step[f"i_act__{row}"] = pack(self.act[row, index].tolist(), design.acts.width)
            for col in range(design.cols):
                codes = self.wgt[index, :, col].tolist()
                step[f"i_wgt__{col}"] = pack(codes, design.weights.width)
            yield step


def plan(design, tiles, random=None):
    """All steps, and the clock edge of each tile's last one.

    Lasts of consecutive tiles are at least ``2 * rows - 1`` cycles apart, or an odd number of at
    least ``rows``.
    """
    steps, lasts = [], []
    for tile in tiles:
        own = list(tile.steps(design))
        if random is not None:
            for index in range(len(own) - 1, -1, -1):
                while random.random() < 0.3:
                    own.insert(index, _garbage(design, random))
        if lasts:
            while not _far_enough(design.rows, len(steps) + len(own) - 1 - lasts[-1]):
                steps.append(IDLE)
        steps += own
        lasts.append(len(steps) - 1)
    return steps, lasts


def _far_enough(rows, distance):
    return distance >= 2 * rows - 1 or (distance >= rows and distance % 2)


def _garbage(design, random):
    step = {"i_valid": 0, "i_first": random.randint(0, 1), "i_last": random.randint(0, 1)}
    for row in range(design.rows):
        step[f"i_act__{row}"] = random.getrandbits(design.lanes * design.acts.width)
    return step


def leaving(design, tiles, lasts):
    """(clock edge at column 0, tile, row) of all sums, in the order in which they leave a column.

    The sums of two tiles that are an odd number of cycles apart, fewer than ``2 * rows - 1``, take
    turns.
    """
    latency = Array(design).latency - 1  # edges behind the one that samples
    return sorted(
        (
            (last + 2 * row + latency, tile, row)
            for tile, last in zip(tiles, lasts, strict=True)
            for row in range(design.rows)
        ),
        key=lambda item: item[0],
    )


async def _preload(dut, design, order, col):
    """Offer the initial values of one column, in the order of its sums."""
    mask = (1 << design.init_width) - 1
    valid = getattr(dut, f"i_init__{col}__valid")
    ready = getattr(dut, f"i_init__{col}__ready")
    for _, tile, row in order:
        getattr(dut, f"i_init__{col}__payload").value = tile.init[row][col] & mask
        valid.value = 1
        accepted = False
        while not accepted:
            # `ready` does not depend on this cycle's inputs, so it is what the next edge sees.
            accepted = bool(int(ready.value))
            await FallingEdge(dut.clk)
    valid.value = 0


async def run(dut, design, tiles, random=None):
    steps, lasts = plan(design, tiles, random)
    order = leaving(design, tiles, lasts)
    loaders = []
    if design.init_bound:
        loaders = [cocotb.start_soon(_preload(dut, design, order, c)) for c in range(design.cols)]
    seen = [[] for _ in range(design.cols)]
    drain = design.cols + 2 * design.rows + design.pe_latency + design.edge_latency + 1
    for edge in range(len(steps) + drain):
        drive(dut, steps[edge] if edge < len(steps) else IDLE)
        await FallingEdge(dut.clk)
        for col, results in enumerate(seen):
            if int(getattr(dut, f"o_valid__{col}").value):
                results.append((edge, getattr(dut, f"o_acc__{col}").value.to_signed()))
    for loader in loaders:
        await loader
    if design.init_bound:
        assert int(dut.o_init_missing.value) == 0
    for col, got in enumerate(seen):
        same(got, [(edge + col, tile.acc[row][col]) for edge, tile, row in order])


def _lengths(design):
    """The lengths at which tiles come closest to one another."""
    rows = design.rows
    near = [1, rows - 1, rows, rows + 1, 2 * rows - 2, 2 * rows - 1, 2 * rows, 3 * rows + 2]
    return [steps for steps in near if 1 <= steps <= design.steps]


@bounded_test()
async def one_tile_of_each_length(dut):
    design = bench_design()
    random = generator("single")
    await start(dut)
    for steps in _lengths(design):
        await run(dut, design, [Tile(design, random, steps)])


@bounded_test()
async def tiles_back_to_back(dut):
    """Every pair of lengths in a row, a long tile before a short one among them."""
    design = bench_design()
    random = generator("back to back")
    await start(dut)
    lengths = [length for a in _lengths(design) for b in _lengths(design) for length in (a, b)]
    await run(dut, design, [Tile(design, random, steps) for steps in lengths])


@bounded_test()
async def input_pauses_anywhere(dut):
    design = bench_design()
    random = generator("pauses")
    await start(dut)
    tiles = [Tile(design, random, random.randint(1, min(design.steps, 24))) for _ in range(20)]
    await run(dut, design, tiles, random)


@bounded_test()
async def reset_in_mid_tile(dut):
    """Nothing of a tile that a reset cut off is seen; the next ones are exact."""
    design = bench_design()
    random = generator("reset")
    await start(dut)
    for cut in (1, 3, 2 * design.rows + 3):
        for step in list(Tile(design, random, min(design.steps, 20)).steps(design))[:cut]:
            drive(dut, step)
            await FallingEdge(dut.clk)
        drive(dut, {**IDLE, "rst": 1})
        await FallingEdge(dut.clk)
        drive(dut, {"rst": 0})
        await run(dut, design, [Tile(design, random, min(design.steps, 9)) for _ in range(3)])


@bounded_test()
async def a_missing_initial_value_is_reported(dut):
    """A sum that leaves before its initial value has come raises the flag, which stays."""
    design = bench_design()
    if not design.init_bound:
        assert not hasattr(dut, "o_init_missing")
        return
    await start(dut)
    assert int(dut.o_init_missing.value) == 0
    drive(dut, {"i_valid": 1, "i_first": 1, "i_last": 1})
    await FallingEdge(dut.clk)
    drive(dut, IDLE)
    for _ in range(design.cols + 2 * design.rows + design.pe_latency + 4):
        await FallingEdge(dut.clk)
    assert int(dut.o_init_missing.value) == 1
