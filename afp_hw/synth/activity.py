"""Gate-level runs on operands: toggle counts of a netlist whose every result was checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.errors import MismatchError
from afp_hw.synth.gatesim import GateSimulator, lane_bits, lane_integers
from afp_hw.synth.netlist import Netlist
from afp_hw.synth.simulator import Planes, Simulator, SimulatorOf
from afp_hw.synth.stimulus import PeStimulus, Round

Progress = Callable[[int, int], None]
# Called with the number of a round and the simulator that has just run it.
Observe = Callable[[int, Simulator], None]


@dataclass(frozen=True, eq=False)
class Activity:
    """What a checked run counted.

    Parameters
    ----------
    toggles
        Toggles of each net over all lanes, int64 [nets].
    settled
        The same without glitches.
    cycles
        Clock cycles over all lanes.
    operations
        Operations (MACs, results) in these cycles.
    checked
        Results that were compared with golden.
    """

    toggles: NDArray[np.int64]
    settled: NDArray[np.int64]
    cycles: int
    operations: int
    checked: int


class _Checker:
    """Compares a stream of results, over calls, with what golden expects and when."""

    def __init__(self, netlist: Netlist, lanes: int, names: tuple[str, str], latency: int) -> None:
        self._top = netlist.top
        self._valid, self._value = names
        self._lanes = lanes
        self._latency = latency
        self._expected: list[tuple[int, Round]] = []
        self._cycle = 0
        self.checked = 0

    def expect(self, last_step: int, round_: Round) -> None:
        """Results that must be there `latency` cycles after the `last_step` of the coming call."""
        self._expected.append((self._cycle + last_step + self._latency, round_))

    def watch(self, outputs: dict[str, Planes]) -> None:
        """Check one call's outputs.

        Raises
        ------
        MismatchError
            A result is wrong, missing, or there where none should be.
        """
        valid = outputs[self._valid][:, 0]
        length = len(valid)
        bits = lane_bits(valid, self._lanes)
        due = np.zeros(length, dtype=np.uint8)
        now = [
            (at - self._cycle, round_) for at, round_ in self._expected if at < self._cycle + length
        ]
        for index, _ in now:
            due[index] = 1
        wrong = np.argwhere(bits != due[:, None])
        if len(wrong):
            cycle, lane = wrong[0].tolist()
            raise MismatchError(
                f"{self._top}.{self._valid} must be {due[cycle]}, not {bits[cycle, lane]}, "
                f"in cycle {self._cycle + cycle} of lane {lane} (gate level)"
            )
        for index, round_ in now:
            self._compare(outputs[self._value][index], round_)
        self._expected = self._expected[len(now) :]
        self._cycle += length

    def _compare(self, planes: Planes, round_: Round) -> None:
        found = lane_integers(planes, self._lanes, signed=True)
        wrong = np.flatnonzero(found != round_.sums)
        if len(wrong):
            lane = int(wrong[0])
            raise MismatchError(
                f"{self._top}.{self._value} must be {round_.sums[lane]}, not {found[lane]}, for "
                f"output ({round_.rows[lane]}, {round_.cols[lane]}) (gate level)"
            )
        self.checked += self._lanes

    def finish(self) -> None:
        """Check that nothing is missing and something was checked."""
        if self._expected or not self.checked:
            raise MismatchError(f"{self._top} must give results, not none (gate level)")


def run_pe(
    netlist: Netlist,
    stimulus: PeStimulus,
    *,
    simulator_of: SimulatorOf = GateSimulator,
    progress: Progress | None = None,
    observe: Observe | None = None,
) -> Activity:
    """Run a processing element (``emit_pe``, ``emit_float_pe``) and check every sum.

    The first round runs twice: once uncounted, so that the counts begin in a busy circuit. Tiles
    follow one another without a bubble.

    Parameters
    ----------
    netlist
        Mapped netlist of the element.
    stimulus
        Its operands.
    simulator_of
        Makes the simulator, with delays or without.
    progress
        Called with the rounds done and in all; those that run at once count as one.
    observe
        Called after each round that counts; those that run at once are one.

    Raises
    ------
    MismatchError
        A sum is not that of golden, or does not come when it should.
    """
    design = stimulus.operands.design
    lanes, steps = stimulus.lanes, stimulus.steps
    simulator = simulator_of(netlist, lanes)
    checker = _Checker(netlist, lanes, ("o_valid", "o_acc"), design.pe_latency)
    checker.watch(simulator.run(idle_steps(lanes, design.pe_latency + 2, design.lanes, reset=True)))
    rounds, turns = list(stimulus), stimulus.interleave
    groups = [rounds[start : start + turns] for start in range(0, len(rounds), turns)]
    for index, group in enumerate([groups[0], *groups]):
        if index == 1:
            simulator.clear()
        for turn, round_ in enumerate(group):
            checker.expect(turns * (steps - 1) + turn, round_)
        checker.watch(simulator.run(busy_steps(group)))
        if observe is not None and index:
            observe(index - 1, simulator)
        if progress is not None:
            progress(index, len(groups))
    counts = simulator.toggles, simulator.settled_toggles
    checker.watch(
        simulator.run(idle_steps(lanes, design.pe_latency + 1, design.lanes, reset=False))
    )
    checker.finish()
    return Activity(*counts, lanes * steps * len(rounds), stimulus.macs, checker.checked)


def busy_steps(group: Sequence[Round]) -> dict[str, NDArray[Any]]:
    """Inputs for the steps of some rounds, which take turns, one after the other."""
    turns = len(group)
    act, wgt = (
        np.stack(codes, axis=1).reshape(-1, *codes[0].shape[1:])
        for codes in ([round_.act for round_ in group], [round_.wgt for round_ in group])
    )
    cycles = len(act)
    first, last = np.zeros(cycles, dtype=np.uint8), np.zeros(cycles, dtype=np.uint8)
    first[:turns] = last[-turns:] = 1
    return {
        "rst": np.zeros(cycles, dtype=np.uint8),
        "i_valid": np.ones(cycles, dtype=np.uint8),
        "i_first": first,
        "i_last": last,
        "i_act": act,
        "i_wgt": wgt,
    }


def idle_steps(lanes: int, cycles: int, fields: int, *, reset: bool) -> dict[str, NDArray[Any]]:
    """Inputs for cycles without a step, `fields` codes of each operand."""
    zeros = np.zeros(cycles, dtype=np.uint8)
    codes = np.zeros((cycles, fields, lanes), dtype=np.uint8)
    return {
        "rst": zeros + reset,
        "i_valid": zeros,
        "i_first": zeros,
        "i_last": zeros,
        "i_act": codes,
        "i_wgt": codes,
    }
