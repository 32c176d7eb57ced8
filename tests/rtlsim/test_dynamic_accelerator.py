"""Networks with a grid for each image on compiled Verilog: every bit, grid and cycle.

Memory behind a run is that of the interpreter, whose tensors are compared with the exact chain.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from numpy.typing import NDArray

from afp_hw import AFPFormat, embedded, golden
from afp_hw.design import AcceleratorDesign
from afp_hw.design.registers import REGISTERS, ErrorCode
from afp_hw.network import LoweredNetwork, calibrate, load_graph
from afp_hw.program import Program, compile_network
from afp_hw.program.interpreter_grids import AlignmentError
from afp_hw.rtlsim.accelerator import AcceleratorRun, AcceleratorSimulator
from afp_hw.rtlsim.program_check import check_program, encoded
from afp_hw.schedule.accelerator import schedule_network
from tests.network.models import SHARED
from tests.program.dynamic_networks import LARGE, SMALL, built, compare, dynamic
from tests.program.networks import Builder
from tests.program.random_networks import Case, cases
from tests.program.test_dynamic import apart, embedded_network, every_step
from tests.program.test_random_dynamic import compiled, network_of, spread
from tests.program.test_resnet_program import images


@lru_cache
def simulator(accelerator: AcceleratorDesign) -> AcceleratorSimulator:
    return AcceleratorSimulator(accelerator)


def check(
    network: LoweredNetwork, image: NDArray[Any], accelerator: AcceleratorDesign, **options: Any
) -> Program:
    """Interpreter against the exact chain, Verilog against interpreter and schedule."""
    program, _ = compare(network, image, accelerator, **options)
    schedule = schedule_network(program.descriptors, accelerator, 20)
    given = encoded(program, image[None])[0]
    check_program(program, simulator(accelerator), schedule, given, 20)
    return program


@pytest.fixture(scope="module", autouse=True)
def simulators_are_closed() -> Iterator[None]:
    yield
    simulator.cache_clear()


def test_the_embedded_network() -> None:
    for image in embedded.test_set()[0][:3]:
        check(embedded_network(SMALL), image, SMALL)


@pytest.mark.parametrize("exponent", [0, -12])
def test_every_step(exponent: int) -> None:
    net = every_step()
    image = np.ldexp(net.images(1)[0], exponent).astype(np.float32)
    check(built(net, SMALL), image, SMALL)


def test_a_format_without_a_sign_drops_negative_sums_but_counts_them() -> None:
    net = Builder(3, 6, 6)
    layer = net.conv(4)
    net.conv(4)
    net.add(layer)
    unsigned = AFPFormat(3, 2, signed=False)
    network = built(net, SMALL, **{layer.replace(".", "_"): unsigned})
    for image in net.images(3):
        check(network, image, SMALL)


def test_zeros_have_the_exponent_0() -> None:
    net = every_step()
    check(built(net, SMALL), np.zeros((5, 12, 12), np.float32), SMALL)


# Hypothesis would take long to shrink what a seed shows as well.
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(cases([SMALL]))
def test_random_networks(case: Case) -> None:
    case = spread(case, 4)
    if compiled(case) is None:
        reject()
    try:
        check(network_of(case), case.image, SMALL)
    except AlignmentError:
        reject()


def run(program: Program, memory: NDArray[np.uint8], lsb: int) -> AcceleratorRun:
    return simulator(SMALL).run(
        memory,
        count=len(program.descriptors),
        latency=20,
        input_grid=lsb,
        most_cycles=100_000,
    )


def test_grids_too_far_apart_end_the_run() -> None:
    """In the first descriptor of the addition that would align beyond its sums."""
    net, image = apart(24)
    program = compile_network(built(net, SMALL), SMALL)
    given = encoded(program, image[None])[0]
    memory = np.frombuffer(program.memory(given.codes), np.uint8).copy()
    found = run(program, memory, given.lsb)
    at = next(i for i, each in enumerate(program.descriptors) if each["other_grid"] == 1)
    assert (found.error, found.descriptor) == (ErrorCode.ALIGNMENT, at)
    # Nothing is left of it in the next run.
    net, image = apart(3)
    check(built(net, SMALL), image, SMALL)


def test_a_run_behind_an_aborted_one_has_seen_no_word() -> None:
    """The first tensor of a bright image is half computed, then a dim image has its own grids."""
    net = Builder(3, 12, 12)
    for _ in range(2):
        net.conv(8, bias=False)
        net.relu()
    program = compile_network(built(net, SMALL), SMALL, rows=2)
    assert program.descriptors[2]["dynamic_end"] == 0
    schedule = schedule_network(program.descriptors, SMALL, 20)
    bright = encoded(program, net.images(1))[0]
    item = program.input.layout.item
    assert item is not None
    dim = golden.encode(net.images(1)[0] / 50, item.fmt, item.fmt.bias(bright.lsb))
    wanted = np.frombuffer(program.memory(dim), np.uint8).copy()
    run(program, wanted, bright.lsb)

    memory = np.frombuffer(program.memory(bright.codes), np.uint8).copy()
    times = np.full((3, len(program.descriptors)), -1, np.int64)
    machine = simulator(SMALL)
    library, handle = machine._library, machine._handle
    library.accelerator_begin(
        handle, memory.ctypes.data, memory.size, 20, *(row.ctypes.data for row in times),
        len(program.descriptors),
    )  # fmt: skip

    def write(name: str, value: int) -> None:
        library.accelerator_write(handle, REGISTERS[name].offset, value & 0xFFF)

    def error() -> int:
        return int(library.accelerator_read(handle, REGISTERS["ERROR"].offset)) & 15

    write("INTERRUPT_ENABLE", 1)
    write("INPUT_GRID", bright.lsb)
    write("CONTROL", 1)
    assert not library.accelerator_advance(handle, schedule.computed[1] + 10)
    write("CONTROL", 2)
    assert library.accelerator_advance(handle, 10_000)
    assert error() == ErrorCode.ABORTED
    write("INTERRUPT_STATUS", 3)
    memory[:] = np.frombuffer(program.memory(dim), np.uint8)
    write("CONTROL", 1)
    assert library.accelerator_advance(handle, 4 * schedule.cycles)
    assert error() == ErrorCode.NONE
    assert memory.tobytes() == wanted.tobytes()


@pytest.mark.slow
@pytest.mark.skipif(
    not (SHARED / "resnet20-cifar10.onnx").exists(),
    reason=f"ResNet-20 and its images are not in {SHARED}",
)
def test_resnet_20() -> None:
    graph = load_graph(SHARED / "resnet20-cifar10.onnx")
    formats = calibrate(
        graph,
        images("cifar10-calibration-512.npz", 32),
        weights=AFPFormat(3, 1),
        acts=AFPFormat(3, 2),
        source="cifar10",
    )
    network = dynamic(graph, formats, LARGE)
    for image in images("cifar10-test-5000.npz", 3):
        program = check(network, image, LARGE)
    macs = sum(layer["macs"] for layer in program.manifest["layers"])
    assert macs / 256 / schedule_network(program.descriptors, LARGE).cycles > 0.85
