"""Accelerators that are compiled once, and what a run of each must be: every byte, every cycle."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from afp_hw import AFPFormat
from afp_hw.design import AcceleratorDesign, Design
from afp_hw.design.registers import ErrorCode
from afp_hw.network.exact import encode_images, run_stored
from afp_hw.program import Program
from afp_hw.program.interpreter import interpret
from afp_hw.program.interpreter_grids import AlignmentError
from afp_hw.program.stored_grids import stored_codes, stored_grids
from afp_hw.rtlsim.accelerator import AcceleratorRun, AcceleratorSimulator
from afp_hw.schedule.accelerator import NetworkSchedule, schedule_network

LATENCIES = (1, 7, 64)

DESIGNS = {
    "square": AcceleratorDesign(
        Design(AFPFormat(3, 1), AFPFormat(3, 2), rows=4, cols=4, k=1152, init_max=1 << 24),
        data_width=64,
        act_bytes=2048,
        wgt_bytes=4096,
        side_bytes=2048,
        out_words=512,
        pixels=128,
        channel_tiles=8,
    ),
    # Registers everywhere, two lanes, and words of the output buffer that are narrow on the bus.
    "lanes": AcceleratorDesign(
        Design(
            AFPFormat(2, 2),
            AFPFormat(3, 3),
            rows=4,
            cols=2,
            lanes=2,
            k=1 << 14,
            registers=("significand", "product", "sum"),
            init_max=1 << 28,
        ),
        act_bytes=4096,
        wgt_bytes=8192,
        side_bytes=1024,
        out_words=1024,
        pixels=90,
        channel_tiles=16,
        outstanding=4,
        burst=32,
    ),
    # The array is faster than its events, and every column tile is a channel.
    "single": AcceleratorDesign(
        Design(AFPFormat(3, 1), AFPFormat(2, 3), k=1 << 12, init_max=1 << 24),
        data_width=64,
        act_bytes=2048,
        wgt_bytes=4096,
        side_bytes=2048,
        out_words=4096,
        pixels=64,
        channel_tiles=64,
    ),
    # No zero is gated, operands are decoded at the edge; weights wide, activations narrow.
    "ungated": AcceleratorDesign(
        Design(
            AFPFormat(4, 1),
            AFPFormat(3, 2),
            rows=8,
            cols=4,
            k=1 << 12,
            gate_zeros=False,
            decode="edge",
            init_max=1 << 30,
        ),
        data_width=256,
        act_bytes=4096,
        wgt_bytes=16384,
        side_bytes=4096,
        out_words=512,
        pixels=100,
        channel_tiles=4,
        outstanding=2,
        burst=128,
    ),
    # Records of two beats; words of the output buffer wider than a beat; one bank of a tile.
    "wide": AcceleratorDesign(
        Design(
            AFPFormat(3, 2),
            AFPFormat(4, 2),
            rows=2,
            cols=6,
            lanes=3,
            k=1 << 14,
            registers=("tree",),
            outs=AFPFormat(4, 6),
            init_max=1 << 40,
        ),
        data_width=64,
        act_bytes=4096,
        wgt_bytes=32768,
        side_bytes=4096,
        out_words=1024,
        pixels=120,
        channel_tiles=1,
    ),
    # Nothing but weights has a sign; one row, so that every group is a pixel's of one cycle.
    "unsigned": AcceleratorDesign(
        Design(
            AFPFormat(2, 2),
            AFPFormat.parse("ue3m2"),
            rows=1,
            cols=3,
            lanes=6,
            k=1 << 12,
            registers=("tree", "sum"),
            outs=AFPFormat.parse("ue4m3"),
            multiplier="compressed",
            init_max=1 << 22,
        ),
        act_bytes=2048,
        wgt_bytes=4096,
        side_bytes=2048,
        out_words=256,
        pixels=50,
        channel_tiles=2,
    ),
    # Grids of each image's own.
    "dynamic": AcceleratorDesign(
        Design(
            AFPFormat(3, 1), AFPFormat(3, 2), rows=4, cols=4, lanes=2, k=1 << 12, init_max=1 << 24
        ),
        act_bytes=8192,
        wgt_bytes=8192,
        side_bytes=8192,
        out_words=512,
        pixels=128,
        channel_tiles=8,
        dynamic=True,
    ),
}
"""Of several shapes, buses and options, with banks so small that layers are cut."""


@lru_cache
def simulator(name: str) -> AcceleratorSimulator:
    """Of one of the designs; memories keep from run to run what is in them."""
    return AcceleratorSimulator(DESIGNS[name])


def run(
    name: str,
    program: Program,
    memory: bytearray,
    latency: int,
    schedule: NetworkSchedule,
    input_grid: int = 0,
) -> tuple[bytes, AcceleratorRun]:
    """Memory behind a run, and what it took."""
    given = np.frombuffer(bytes(memory), np.uint8).copy()
    taken = simulator(name).run(
        given,
        count=len(program.descriptors),
        latency=latency,
        input_grid=input_grid,
        most_cycles=2 * schedule.cycles + 10000,
    )
    return given.tobytes(), taken


def check(name: str, network: Any, image: Any, program: Program, latency: int) -> AcceleratorRun:
    """A run is what interpreter, exact chain and schedule say."""
    design = DESIGNS[name]
    item = encode_images(network, image[None])
    lsb = int(item.lsb[0]) if item.lsb.ndim == 1 else 0
    memory = program.memory(item.codes[0])
    schedule = schedule_network(program.descriptors, design, latency)
    got, taken = run(name, program, memory, latency, schedule, lsb)
    try:
        interpret(memory, design, lsb)
    except AlignmentError:
        assert taken.error is ErrorCode.ALIGNMENT
        return taken
    assert taken.error is ErrorCode.NONE
    places = {**program.tensors, **program.outputs}
    expected = run_stored(network, image[None], places)
    dynamic = any(one["dynamic_in"] for one in program.descriptors)
    grids = stored_grids(program, design, got, lsb) if dynamic else {}
    for tensor, place in places.items():
        codes = stored_codes(place, design, got, grids.get(place.layout.name))
        assert np.array_equal(place.read(got), place.read(memory)), f"{tensor}, {latency=}"
        assert np.array_equal(codes, expected[tensor].codes[0]), f"{tensor} by the exact chain"
    for tensor, grid in grids.items():
        assert grid.lsb == int(expected[tensor].lsb[0]), tensor
    assert got == bytes(memory), "bytes beyond the tensors"
    check_times(taken, program, schedule, design)
    return taken


def check_times(
    taken: AcceleratorRun, program: Program, schedule: NetworkSchedule, design: AcceleratorDesign
) -> None:
    """Every time and every counter."""
    assert tuple(taken.loaded.tolist()) == schedule.loaded
    assert tuple(taken.computed.tolist()) == schedule.computed
    assert tuple(taken.stored.tolist()) == schedule.stored
    assert taken.counters == counters(program, schedule, design)


def counters(
    program: Program, schedule: NetworkSchedule, design: AcceleratorDesign
) -> dict[str, int]:
    """What the performance counters read behind a good run."""
    each = program.descriptors
    storing = [index for index, one in enumerate(each) if one["store"]]
    ends = [schedule.computed[index] for index in storing]
    stores = [each[index]["store_rows"] * each[index]["store_row_beats"] for index in storing]
    beats = {
        "DESCRIPTORS": len(each) * 224 // design.beat_bytes,
        "RECORDS": sum(one["parameter_beats"] for one in each),
        "WEIGHTS": sum(one["wgt_beats"] for one in each),
        "ACTIVATIONS": sum(one["act_beats"] for one in each),
        "SIDE": sum(one["side_beats"] for one in each),
        "WRITTEN": sum(stores),
    }
    looks = sum(one["dynamic_in"] for one in each)
    busy = {
        "LOAD": schedule.loaded[-1] - 1,
        "COMPUTE": sum(schedule.computed) - sum(schedule.begun) + 6 * looks,
        "STORE": sum(schedule.stored) - sum(ends),
    }
    return {
        "CYCLES": schedule.cycles,
        "DESCRIPTORS_DONE": len(each),
        **{f"{name}_BUSY": count for name, count in busy.items()},
        **schedule.waits,
        **{f"BYTES_{name}": count * design.beat_bytes for name, count in beats.items()},
    }
