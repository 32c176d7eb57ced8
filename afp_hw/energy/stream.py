"""Gate-level run of a part on a stream of inputs that repeats, every output checked.

The stream is played once to settle the circuit, and counted in its second turn: what is before its
first step then is its last one, as in a circuit that does not stop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.errors import MismatchError
from afp_hw.synth.activity import Activity
from afp_hw.synth.gatesim import GateSimulator, lane_integers
from afp_hw.synth.netlist import Netlist
from afp_hw.synth.simulator import SimulatorOf


@dataclass(frozen=True, eq=False)
class Stream:
    """What goes into a part, and what must come out of it.

    Attributes
    ----------
    inputs
        For each input but clock and reset integers [cycles], the same in all lanes, or
        [cycles, lanes].
    outputs
        For each output that is checked integers [cycles, lanes], without a sign: what the inputs of
        a cycle give, `latency` clock edges later.
    latency
        Clock edges.
    operations
        What the stream is worth in all lanes: results, vectors, cycles.
    """

    inputs: Mapping[str, NDArray[Any]]
    outputs: Mapping[str, NDArray[Any]]
    latency: int
    operations: int

    def __post_init__(self) -> None:
        if not self.outputs:
            raise ValueError("Stream.outputs must name an output, not none")
        if self.operations < 1:
            raise ValueError(f"Stream.operations must be at least 1, not {self.operations}")

    @property
    def cycles(self) -> int:
        """Steps of the stream."""
        return len(next(iter(self.outputs.values())))

    @property
    def lanes(self) -> int:
        """Copies of the part, each with a stream of its own."""
        return int(next(iter(self.outputs.values())).shape[1])

    def parts(self) -> list[bytes]:
        """The content, for the key of a result."""
        found = [f"{self.latency} {self.operations}".encode()]
        for kind in (self.inputs, self.outputs):
            for name in sorted(kind):
                values = np.ascontiguousarray(kind[name], dtype=np.int64)
                found.append(f"{name} {values.shape}".encode() + values.tobytes())
        return found


def run_stream(
    netlist: Netlist, stream: Stream, *, simulator_of: SimulatorOf = GateSimulator
) -> Activity:
    """Run a part and check each of its outputs.

    Raises
    ------
    MismatchError
        An output is not what the stream says.
    """
    length = stream.cycles
    played = {name: _repeated(values, stream.latency) for name, values in stream.inputs.items()}
    if "rst" in netlist.inputs:
        played["rst"] = np.zeros(2 * length + stream.latency, dtype=np.uint8)
    simulator = simulator_of(netlist, stream.lanes)
    counts = simulator.toggles, simulator.settled_toggles
    seen: dict[str, list[NDArray[Any]]] = {name: [] for name in stream.outputs}
    for part, (low, high) in enumerate(
        pairwise([0, length, 2 * length, 2 * length + stream.latency])
    ):
        if low == high:
            continue
        simulator.clear()
        found = simulator.run({name: values[low:high] for name, values in played.items()})
        if part == 1:
            counts = simulator.toggles, simulator.settled_toggles
        for name, values in seen.items():
            values.append(lane_integers(found[name], stream.lanes, signed=False))
    checked = 0
    for name, want in stream.outputs.items():
        got = np.concatenate(seen[name])[length + stream.latency :]
        wrong = np.argwhere(got != want)
        if len(wrong):
            step, lane = wrong[0].tolist()
            raise MismatchError(
                f"{netlist.top}.{name} must be {want[step, lane]}, not {got[step, lane]}, for step "
                f"{step} of lane {lane} (gate level)"
            )
        checked += want.size
    return Activity(*counts, length * stream.lanes, stream.operations, checked)


def _repeated(values: NDArray[Any], further: int) -> NDArray[Any]:
    """Two turns, and the beginning of a third one."""
    turns = 2 + -(-further // len(values))
    return np.concatenate([values] * turns)[: 2 * len(values) + further]
