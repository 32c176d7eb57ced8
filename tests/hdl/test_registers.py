"""Registers, cycle by cycle: when a write takes effect, and what meets at one clock edge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from amaranth.lib import wiring

from afp_hw import AFPFormat
from afp_hw.design import Design
from afp_hw.design.accelerator import AcceleratorDesign
from afp_hw.design.registers import COUNTERS, REGISTERS, constants
from afp_hw.hdl import Registers
from afp_hw.hdl.axi import REGISTER_ADDRESS_WIDTH, register_slave
from tests.hdl.component_run import ports
from tests.hdl.test_dma_timing import simulate

DESIGN = AcceleratorDesign(Design(AFPFormat(3, 1), AFPFormat(3, 2)))
OFFSET = {name: register.offset for name, register in REGISTERS.items()}


def write(name: str, data: int, strobes: int = 15) -> dict[str, int]:
    """Address and data in one cycle."""
    return address(name) | data_of(data, strobes)


def address(name: str) -> dict[str, int]:
    return {"s_axil_awvalid": 1, "s_axil_awaddr": OFFSET[name]}


def data_of(data: int, strobes: int = 15) -> dict[str, int]:
    return {"s_axil_wvalid": 1, "s_axil_wdata": data, "s_axil_wstrb": strobes}


def read(name: str) -> dict[str, int]:
    return {"s_axil_arvalid": 1, "s_axil_araddr": OFFSET[name]}


def run(steps: Sequence[Mapping[str, int]]) -> list[Callable[[str], int]]:
    """What can be seen in each cycle; inputs that a step does not give are 0, answers are taken."""
    dut = Registers(DESIGN)
    found = ports(dut)
    inputs = [name for name in found if name.startswith("i_")]
    inputs += [name for name, member in register_slave().items() if member.flow == wiring.In]
    seen: list[Callable[[str], int]] = []

    async def bench(ctx: Any) -> None:
        for step in steps:
            values = {"s_axil_bready": 1, "s_axil_rready": 1, **step}
            for name in inputs:
                ctx.set(found[name], values.get(name, 0))
            outputs = {name: ctx.get(found[name]) for name in found if name not in inputs}
            seen.append(outputs.__getitem__)
            await ctx.tick()

    simulate(dut, bench)
    return seen


def test_a_write_takes_effect_one_edge_behind_its_later_half() -> None:
    together = [write("CONTROL", 1), {}, {}, {}]
    address_first = [address("CONTROL"), {}, {}, data_of(1), {}, {}, {}]
    data_first = [data_of(1), {}, address("CONTROL"), {}, {}, {}]
    for steps, at in ((together, 0), (address_first, 3), (data_first, 2)):
        seen = run(steps)
        assert [out("o_start") for out in seen] == [
            int(edge == at + 2) for edge in range(len(seen))
        ]
        assert [out("s_axil_bvalid") for out in seen] == [out("o_start") for out in seen]


def test_an_answer_stays_until_it_is_taken_and_holds_the_next_write() -> None:
    late = {"s_axil_bready": 0}
    steps = [
        write("IMAGE_LOW", 5),
        {**late, **write("CONTROL", 1)},
        late,
        late,
        late,
        {},
        {},
        {},
        {},
    ]
    steps[2] = {**late, **write("CONTROL", 1)}
    seen = run(steps)
    assert [out("s_axil_awready") for out in seen] == [1, 0, 1, 0, 0, 0, 0, 1, 1]
    assert [out("s_axil_bvalid") for out in seen] == [0, 0, 1, 1, 1, 1, 0, 1, 0]
    assert [out("o_start") for out in seen] == [0, 0, 0, 0, 0, 0, 0, 1, 0]
    assert seen[7]("o_image") == 5


def test_a_read_gives_what_stands_there_in_the_cycle_of_its_address() -> None:
    counts = [{"i_cycles": index} for index in range(6)]
    steps = [
        *counts[:3],
        counts[3] | read("CYCLES"),
        counts[4] | {"s_axil_rready": 0},
        counts[5],
        {},
    ]
    seen = run(steps)
    assert [out("s_axil_rvalid") for out in seen] == [0, 0, 0, 0, 1, 1, 0]
    assert [out("s_axil_arready") for out in seen] == [1, 1, 1, 1, 0, 0, 1]
    assert seen[4]("s_axil_rdata") == seen[5]("s_axil_rdata") == 3


def test_an_event_is_not_lost_where_it_is_cleared_at_the_same_edge() -> None:
    done = {"i_done": 1, "i_error_code": 2, "i_error_descriptor": 9}
    clear = write("INTERRUPT_STATUS", 3)
    for gap, left in ((0, 3), (1, 3), (2, 0)):
        # The clearing takes effect at the edge of cycle 4 + 1.
        steps = [
            write("INTERRUPT_ENABLE", 3),
            {},
            {},
            {},
            clear,
            {},
            {},
            {},
            read("INTERRUPT_STATUS"),
        ]
        steps[6 - gap] = {**steps[6 - gap], **done}
        seen = run([*steps, {}, {}])
        assert seen[9]("s_axil_rdata") == left, gap
        assert seen[10]("o_interrupt") == int(left != 0)


def test_a_run_that_ends_as_the_next_is_ordered_is_still_busy() -> None:
    start = write("CONTROL", 1)
    done = {"i_done": 1, "i_busy": 1}
    for at, starts in ((1, 0), (0, 1)):
        steps = [start, {"i_busy": 1}, {}, {}]
        steps[at] = {**steps[at], **done}
        if at == 0:
            steps[1] = {}
        assert sum(out("o_start") for out in run(steps)) == starts


def test_a_second_start_right_behind_the_first_has_no_effect() -> None:
    steps = [write("CONTROL", 1), {}, write("CONTROL", 1), {"i_busy": 1}, {"i_busy": 1}, {}]
    assert [out("o_start") for out in run(steps)] == [0, 0, 1, 0, 0, 0]


def test_abort_is_passed_on_while_a_run_is_busy() -> None:
    for busy in (0, 1):
        steps = [{**step, "i_busy": busy} for step in (write("CONTROL", 2), {}, {}, {})]
        assert [out("o_abort") for out in run(steps)] == [0, 0, busy, 0]


def test_settings_change_for_a_run_when_it_starts() -> None:
    writes = [write("DESCRIPTORS", 64), write("INPUT_GRID", 0x801), write("IMAGE_HIGH", 7)]
    steps = [step for order in (*writes, write("CONTROL", 1)) for step in (order, {}, {})]
    steps += [write("DESCRIPTORS", 128), {}, {}, {}]
    seen = run(steps)
    started = [index for index, out in enumerate(seen) if out("o_start")]
    assert started == [11]
    assert all(out("o_descriptors") == 0 for out in seen[:11])
    for out in seen[11:]:
        settings = out("o_image"), out("o_descriptors"), out("o_input_grid")
        assert settings == (7 << 32, 64, -0x7FF)


def test_what_is_only_read_has_its_place() -> None:
    counts = {f"i_{counter.lower()}": 1000 + index for index, counter in enumerate(COUNTERS)}
    expected = constants(DESIGN) | {name: counts[f"i_{name.lower()}"] for name in COUNTERS}
    seen = run([counts | step for name in expected for step in (read(name), {})])
    assert [out("s_axil_rdata") for out in seen[1::2]] == [*expected.values()]


def test_addresses_reach_every_register() -> None:
    assert max(OFFSET.values()) < 1 << REGISTER_ADDRESS_WIDTH
