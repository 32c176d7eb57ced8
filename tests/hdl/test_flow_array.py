"""The array whose weights or outputs stay: exact sums, each in its cycle, in both modes."""

from __future__ import annotations

import gc
import subprocess
import warnings
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import ResetInserter, Signal
from amaranth.sim import Simulator

from afp_hw import AFPFormat
from afp_hw.design import Design
from afp_hw.hdl import FlowArray
from afp_hw.rtlsim.steps import StepSimulator
from afp_hw.verilog import Emitted, Part, emit_part
from sim.runner import verilator_environment
from tests.hdl.component_run import ports, refused
from tests.hdl.flow_steps import FlowSteps


def design_of(weights: str, acts: str, rows: int, cols: int, **options: object) -> Design:
    return Design(
        AFPFormat.parse(weights),
        AFPFormat.parse(acts),
        rows=rows,
        cols=cols,
        k=16 * rows,
        **options,  # type: ignore[arg-type]
    )


DESIGNS = [
    design_of("e3m1", "e3m2", 1, 1),
    design_of("e3m1", "ue3m2", 2, 2, registers=("product",)),
    design_of("e2m1", "ue2m1", 2, 2, lanes=2, decode="edge", gate_zeros=False),
    design_of("e3m1", "ue3m2", 3, 5, lanes=2, registers=("product",), decode="edge"),
    design_of("e3m2", "e2m3", 4, 4),
    design_of("e3m1", "ue3m2", 4, 4, gate_zeros=False, registers=("product",)),
    design_of("e3m1", "e3m2", 4, 2, lanes=3, multiplier="compressed"),
    design_of("e0m4", "e3m1", 4, 2, lanes=3, registers=("significand", "product", "tree", "sum")),
    design_of("e4m0", "ue2m3", 1, 3, lanes=3, registers=("sum",), decode="edge"),
]

LARGE = design_of("e3m1", "e3m2", 16, 16)


def run(design: Design, steps: FlowSteps) -> None:
    """Play the steps and compare every sum that is due."""
    dut = FlowArray(design)
    reset = Signal()
    found = ports(dut)
    seen: dict[tuple[int, int], int] = {}

    async def bench(ctx: Any) -> None:
        for cycle in range(steps.at):
            for name, value in steps.given[cycle].items():
                ctx.set(reset if name == "rst" else found[name], value)
            for col in range(design.cols):  # what the edge before this cycle has brought
                if (cycle - 1, col) in steps.expected:
                    seen[cycle - 1, col] = ctx.get(dut.o_sum[col])
            await ctx.tick()

    simulator = Simulator(ResetInserter(reset)(dut))
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert len(seen) > 0
    assert seen == steps.expected


def begun(design: Design, seed: int) -> FlowSteps:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # made for its figures alone
        dut = FlowArray(design)
        latencies = dut.ws_latency, dut.os_latency
        del dut
        gc.collect()
    return FlowSteps(design, seed, *latencies)


def both_modes(design: Design, seed: int) -> FlowSteps:
    """Chunks and tiles as close as they may be, and with pauses, the modes in turn."""
    steps = begun(design, seed)
    rows = design.rows
    steps.weights_stay(5, rows)
    steps.outputs_stay(3, 2)
    steps.weights_stay(4, rows + 2)
    steps.weights_stay(6, rows, pauses=True)
    steps.outputs_stay(2, 3)
    steps.outputs_stay(4, 1)
    steps.outputs_stay(3, 3, pauses=True)
    steps.weights_stay(2, 3 * rows)
    return steps


def with_resets(design: Design, seed: int) -> FlowSteps:
    """The same, but cut short, at several places in chunks and tiles."""
    steps = begun(design, seed)
    rows = design.rows
    for within in (1, 3, 2 * rows + 1, 4 * rows):
        steps.weights_stay(3, rows + 1)
        steps.reset(within)
        steps.outputs_stay(2, 2)
        steps.reset(within + 1)
        steps.outputs_stay(1, 2, pauses=True)
        steps.reset(within)
    steps.weights_stay(2, rows)
    return steps


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.array_name)
def test_sums_are_exact_and_on_time_whatever_stays(design: Design) -> None:
    run(design, both_modes(design, 1))


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.array_name)
def test_nothing_of_what_was_inside_outlives_a_reset(design: Design) -> None:
    run(design, with_resets(design, 2))


def emitted_of(design: Design) -> Emitted:
    return emit_part(Part("flow_array", lambda place: FlowArray(design, place)))


def run_verilog(design: Design, seeds: range) -> None:
    simulator = StepSimulator(emitted_of(design))
    sign = 1 << (design.pe_acc_width - 1)
    for seed in seeds:
        for steps in (both_modes(design, seed), with_resets(design, seed)):
            seen = simulator.run([steps.given[cycle] for cycle in range(steps.at)])
            assert {
                (edge, col): (seen[edge + 1][f"o_sum__{col}"] ^ sign) - sign
                for edge, col in steps.expected
            } == steps.expected


@pytest.mark.parametrize("design", DESIGNS[1:4], ids=lambda design: design.array_name)
def test_the_verilog_gives_the_same_sums(design: Design) -> None:
    run_verilog(design, range(10, 20))


@pytest.mark.slow
def test_so_does_that_of_a_large_array() -> None:
    run_verilog(LARGE, range(3))


@pytest.mark.parametrize(
    "design", [LARGE, *DESIGNS[:3], *DESIGNS[6:8]], ids=lambda design: design.array_name
)
def test_the_verilog_is_clean_and_holds_one_cell(design: Design, tmp_path: Path) -> None:
    emitted = emitted_of(design)
    assert emitted.verilog.count("module flow_cell_") == 1
    source, _ = emitted.write(tmp_path)
    command = ["verilator", "--lint-only", "-Wall", str(source), "--top-module", emitted.name]
    if design.lanes > 2:  # bits of a tree over lanes depend on others of the same vector
        command.append("-Wno-UNOPTFLAT")
    environment = verilator_environment()
    lint = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (lint.returncode, lint.stderr) == (0, "")


def test_latencies_are_those_of_the_design() -> None:
    plain = begun(design_of("e3m1", "e3m2", 4, 2), 0)
    piped = begun(design_of("e3m1", "e3m2", 4, 2, registers=("product", "sum")), 0)
    assert (plain.ws_latency, plain.os_latency) == (4 + 2, 4 + 3)
    assert (piped.ws_latency, piped.os_latency) == (4 + 4, 4 + 5)


def test_an_accumulator_in_segments_is_refused() -> None:
    design = design_of("e3m1", "e3m2", 2, 2, segments=(6,))
    refused(lambda: FlowArray(design), r"FlowArray\.segments must be none: .* not \[6\]")
