"""A program on compiled Verilog: every bit as the interpreter's, every cycle as the schedule's.

Tolerance 0. The interpreter reads the same bytes and knows nothing of the Verilog; the schedule
knows descriptors alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import DESCRIPTOR_BYTES
from afp_hw.design.registers import ErrorCode
from afp_hw.errors import MismatchError
from afp_hw.program.interpreter import interpret
from afp_hw.program.program import Program, TensorPlace
from afp_hw.program.stored_grids import output_values
from afp_hw.rtlsim.accelerator import AcceleratorRun, AcceleratorSimulator
from afp_hw.schedule.accelerator import NetworkSchedule

_SEGMENTS = {
    "BYTES_RECORDS": "parameter",
    "BYTES_WEIGHTS": "wgt",
    "BYTES_ACTIVATIONS": "act",
    "BYTES_SIDE": "side",
}

_SLOWEST = 4
"""A run is given up behind so many times the cycles that it should take."""


@dataclass(frozen=True, eq=False)
class Checked:
    """What a run was found to be.

    Attributes
    ----------
    values
        The output: sums in the accelerator's units, or codes.
    output_bits
        Bits of the output that were compared with golden.
    stored_bits
        Those of all stored tensors, the output among them.
    times
        Clock edges that were compared with the schedule.
    counters
        Performance counters, all found to be what descriptors and schedule say.
    cpu_seconds
        Of the Verilog.
    """

    values: NDArray[Any]
    output_bits: int
    stored_bits: int
    times: int
    counters: Mapping[str, int]
    cpu_seconds: float


@dataclass(frozen=True, eq=False)
class Input:
    """An image as the accelerator gets it.

    Attributes
    ----------
    codes
        In the shape of the network.
    lsb
        Exponent of their grid: register INPUT_GRID where it is dynamic.
    """

    codes: NDArray[Any]
    lsb: int

    @property
    def key(self) -> str:
        """Hash of what it is."""
        data = np.ascontiguousarray(self.codes).tobytes()
        return sha256(f"{self.lsb} {self.codes.shape} ".encode() + data).hexdigest()


def encoded(program: Program, images: NDArray[Any]) -> list[Input]:
    """Images, [B, *input shape], as the program's input has them."""
    item = program.input.layout.item
    assert item is not None  # an input is never sums
    found = []
    for image in images:
        lsb = item.lsb
        if lsb is None:
            lsb = golden.finest_lsb(float(np.abs(image).max()), item.fmt.max_fix)
        assert isinstance(lsb, int)  # one for all channels
        found.append(Input(np.asarray(golden.encode(image, item.fmt, item.fmt.bias(lsb))), lsb))
    return found


def golden_memory(program: Program, accelerator: AcceleratorDesign, given: Input) -> bytearray:
    """Memory behind a run, by the interpreter; errors as :func:`.interpret`."""
    memory = program.memory(given.codes)
    interpret(memory, accelerator, given.lsb)
    return memory


def counters_of(
    program: Program, accelerator: AcceleratorDesign, schedule: NetworkSchedule
) -> dict[str, int]:
    """What the performance counters must say, as far as descriptors and schedule know it."""
    descriptors, beat = program.descriptors, accelerator.beat_bytes
    moved = {
        name: sum(each[f"{kind}_beats"] for each in descriptors) * beat
        for name, kind in _SEGMENTS.items()
    }
    written = sum(each["store_rows"] * each["store_row_beats"] for each in descriptors) * beat
    return {
        "CYCLES": schedule.cycles,
        "DESCRIPTORS_DONE": len(descriptors),
        **schedule.waits,
        "BYTES_DESCRIPTORS": DESCRIPTOR_BYTES * len(descriptors),
        **moved,
        "BYTES_WRITTEN": written,
    }


def check_program(
    program: Program,
    simulator: AcceleratorSimulator,
    schedule: NetworkSchedule,
    given: Input,
    latency: int,
    progress: Callable[[int], None] | None = None,
) -> Checked:
    """Run one input and compare everything.

    Parameters
    ----------
    program, simulator
        What runs, on the Verilog of its accelerator.
    schedule
        Of its descriptors, with the same `latency`.
    given
        The input.
    latency, progress
        As :meth:`.AcceleratorSimulator.run` takes them.

    Raises
    ------
    MismatchError
        Something differs; the message names the first tensor's element, byte, descriptor or
        counter that does.
    """
    accelerator = simulator.design
    expected = golden_memory(program, accelerator, given)
    memory = np.frombuffer(program.memory(given.codes), np.uint8).copy()
    run = simulator.run(
        memory,
        count=len(program.descriptors),
        latency=latency,
        input_grid=given.lsb,
        most_cycles=_SLOWEST * schedule.cycles,
        progress=progress,
    )
    if run.error is not ErrorCode.NONE:
        raise MismatchError(
            f"the run must end without an error, not with {run.error.name} in descriptor "
            f"{run.descriptor}"
        )
    found = memory.tobytes()
    for name, place in program.tensors.items():
        _check_tensor(name, place, found, bytes(expected))
    _check_bytes(found, bytes(expected))
    times = _check_times(run, schedule)
    counters = counters_of(program, accelerator, schedule)
    for name, value in counters.items():
        if run.counters[name] != value:
            raise MismatchError(f"counter {name} must be {value}, not {run.counters[name]}")
    stored = [place for place in program.tensors.values() if place.address != program.input.address]
    return Checked(
        output_values(program, accelerator, found, given.lsb),
        _bits(program.output),
        sum(map(_bits, stored)),
        times,
        counters,
        run.cpu_seconds,
    )


def _bits(place: TensorPlace) -> int:
    """Bits of the values of a tensor, without what fills its rows."""
    layout = place.layout
    each = layout.width if layout.item is not None else layout.sum_width
    return int(np.prod(layout.shape)) * each


def _check_tensor(name: str, place: TensorPlace, found: bytes, expected: bytes) -> None:
    """Refuse the first element, in the order of the network's axes, that differs."""
    if found[place.address : place.end] == expected[place.address : place.end]:
        return
    got, wanted = place.read(found), place.read(expected)
    different = np.argwhere(got != wanted)
    if len(different):
        at = tuple(different[0].tolist())
        raise MismatchError(
            f"tensor {name!r} at {list(at)} must be {wanted[at]}, not {got[at]} "
            f"({len(different)} of {got.size} differ)"
        )


def _check_bytes(found: bytes, expected: bytes) -> None:
    """Refuse the first byte of memory that differs: what fills rows and pixels, the image too."""
    if found == expected:
        return
    different = np.flatnonzero(np.frombuffer(found, np.uint8) != np.frombuffer(expected, np.uint8))
    at = int(different[0])
    raise MismatchError(
        f"byte {at} of memory must be {expected[at]}, not {found[at]} ({different.size} differ)"
    )


def _check_times(run: AcceleratorRun, schedule: NetworkSchedule) -> int:
    """Refuse the first descriptor, or store, that was through at another clock edge."""
    for what, number, got, wanted in (
        ("loaded", "descriptor", run.loaded, schedule.loaded),
        ("computed", "descriptor", run.computed, schedule.computed),
        ("stored", "store", run.stored, schedule.stored),
    ):
        if len(got) != len(wanted):
            raise MismatchError(f"there must be {len(wanted)} {number}s {what}, not {len(got)}")
        different = np.flatnonzero(got != np.array(wanted, np.int64))
        if different.size:
            at = int(different[0])
            raise MismatchError(
                f"{number} {at} must be {what} at clock edge {wanted[at]}, not {got[at]} "
                f"({different.size} of {len(wanted)} differ)"
            )
    return 2 * len(run.loaded) + len(run.stored)
