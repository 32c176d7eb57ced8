"""The array in Amaranth's own simulator: the components as built, not as instances.

The benches in ``sim/`` run the emitted Verilog; this is the same array one step earlier, so that a
difference between the two would show.
"""

from __future__ import annotations

import numpy as np
import pytest
from amaranth.sim import Simulator

from afp_hw import AFPFormat, golden
from afp_hw.design import Design
from afp_hw.hdl import Array

DESIGNS = [
    Design(AFPFormat.parse("e3m1"), AFPFormat.parse("ue3m2"), rows=3, cols=4, k=40, init_max=0),
    Design(
        AFPFormat.parse("e2m3"),
        AFPFormat.parse("e0m4"),
        rows=2,
        cols=2,
        lanes=3,
        k=40,
        registers=("significand", "product", "sum"),
        gate_zeros=True,
        init_max=0,
    ),
]


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.array_name)
def test_one_tile_is_exact_and_on_time(design: Design) -> None:
    steps = design.steps
    random = np.random.default_rng(5)
    act = random.integers(0, 1 << design.acts.width, (design.rows, steps, design.lanes))
    wgt = random.integers(0, 1 << design.weights.width, (steps, design.lanes, design.cols))
    expected = golden.gemm(
        golden.to_fix(act.reshape(design.rows, -1), design.acts),
        golden.to_fix(wgt.reshape(-1, design.cols), design.weights),
    )
    dut = Array(design)
    seen: dict[tuple[int, int], int] = {}

    def packed(codes: np.ndarray, width: int) -> int:
        return sum(code << (lane * width) for lane, code in enumerate(codes.tolist()))

    async def bench(ctx: object) -> None:
        for edge in range(steps + design.cols + 2 * design.rows + dut.latency):
            ctx.set(dut.i_valid, edge < steps)
            ctx.set(dut.i_first, edge == 0)
            ctx.set(dut.i_last, edge == steps - 1)
            for row in range(design.rows):
                word = packed(act[row, edge], design.acts.width) if edge < steps else 0
                ctx.set(dut.i_act[row], word)
            for col in range(design.cols):
                word = packed(wgt[edge, :, col], design.weights.width) if edge < steps else 0
                ctx.set(dut.i_wgt[col], word)
            await ctx.tick()
            for col in range(design.cols):
                if ctx.get(dut.o_valid[col]):
                    seen[edge, col] = ctx.get(dut.o_acc[col])

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert seen == {
        (steps - 1 + col + 2 * row + dut.latency - 1, col): int(expected[row, col])
        for row in range(design.rows)
        for col in range(design.cols)
    }
