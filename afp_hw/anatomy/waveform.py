"""The busiest cycle of a gate-level run, and the cycles around it: measured, then checked.

The run is that of the energy figures, with delays, so that glitches count; each bit lane counts its
own toggles. The lane with the busiest cycle is then run once more alone, cycle by cycle, so that
the toggles of each block are known; it must toggle as often as it did among the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.design import Design
from afp_hw.errors import MismatchError
from afp_hw.golden import fix_of_codes
from afp_hw.synth import (
    BLOCKS,
    Netlist,
    PeStimulus,
    Round,
    Simulator,
    Technology,
    TimedSimulator,
    lane_integers,
    library_delays,
    run_pe,
)
from afp_hw.synth.activity import busy_steps, idle_steps
from afp_hw.synth.energy import block_energies, driver_blocks

BEFORE: Final = 8
AFTER: Final = 7
INPUT: Final = "input"
"""Stands for a block where nets are driven from outside."""


@dataclass(frozen=True, slots=True)
class Busiest:
    """The cycle of one lane in which most nets toggled.

    Parameters
    ----------
    toggles
        How many, glitches included, of all nets but those of the clock.
    round, cycle, lane
        Where: the round, its cycle, the lane.
    mean
        Toggles of a cycle and lane, over the whole run.
    cycles, checked
        Cycles of all lanes, and sums that were compared with golden.
    """

    toggles: int
    round: int
    cycle: int
    lane: int
    mean: float
    cycles: int
    checked: int


def find_busiest(netlist: Netlist, stimulus: PeStimulus, technology: Technology) -> Busiest:
    """Run a processing element on all its operands and find the busiest cycle; the first of equals.

    Raises
    ------
    MismatchError
        A sum is not that of golden.
    """
    delays = library_delays(netlist, technology.flip_flop)
    best, where, total = -1, (0, 0, 0), 0

    def observe(index: int, simulator: Simulator) -> None:
        nonlocal best, where, total
        assert isinstance(simulator, TimedSimulator)  # made below
        counts = simulator.lane_toggles
        total += int(counts.sum())
        if counts.max() > best:
            best = int(counts.max())
            cycle, lane = divmod(int(counts.argmax()), counts.shape[1])
            where = index, cycle, lane

    activity = run_pe(
        netlist,
        stimulus,
        simulator_of=lambda of, lanes: TimedSimulator(of, lanes, delays, count_lanes=True),
        observe=observe,
    )
    return Busiest(best, *where, total / activity.cycles, activity.cycles, activity.checked)


@dataclass(frozen=True, eq=False)
class _Lane:
    """What one lane gets around the busiest cycle, and what must come of it, cycle by cycle.

    Parameters
    ----------
    inputs
        Of the ports, one lane.
    products
        Sum of the products of a step.
    running
        Golden sum so far, this step's included.
    last
        1 where it is finished.
    peak
        Index of the busiest cycle.
    """

    inputs: dict[str, NDArray[Any]]
    products: list[int]
    running: list[int]
    last: list[int]
    peak: int


def _lane(stimulus: PeStimulus, busiest: Busiest, after: int) -> _Lane:
    """The rounds around the busiest cycle, of its lane alone.

    As many before it as it takes until nothing that came earlier is left in a register.
    """
    design = stimulus.operands.design
    assert isinstance(design, Design)  # one sum at a time
    rounds, steps = list(stimulus), stimulus.steps
    # As in the whole run: the first round has run once before it counts.
    order = [rounds[0], *rounds]
    number = busiest.round + 1
    low = max(0, number - -(-(design.pe_latency + 1) // steps))
    alone = [_only(one, busiest.lane) for one in order[low : number + 1 + -(-after // steps)]]
    parts = [busy_steps([one]) for one in alone]
    inputs = {port: np.concatenate([part[port] for part in parts]) for port in parts[0]}
    acts = fix_of_codes(inputs["i_act"][..., 0], design.acts).astype(object)
    weights = fix_of_codes(inputs["i_wgt"][..., 0], design.weights).astype(object)
    products = (acts * weights).sum(axis=1).tolist()
    running: list[int] = []
    for index, product in enumerate(products):
        running.append(product if index % steps == 0 else running[-1] + product)
    for index, one in enumerate(alone):
        found = running[(index + 1) * steps - 1]
        if found != one.sums[0]:
            raise MismatchError(f"products must add up to {one.sums[0]}, not {found}")
    peak = (number - low) * steps + busiest.cycle
    return _Lane(inputs, products, running, inputs["i_last"].tolist(), peak)


def _only(one: Round, lane: int) -> Round:
    """A round of one lane."""
    kept = slice(lane, lane + 1)
    return Round(
        one.act[..., kept], one.wgt[..., kept], one.sums[kept], one.rows[kept], one.cols[kept]
    )


def waveform(
    netlist: Netlist,
    stimulus: PeStimulus,
    busiest: Busiest,
    technology: Technology,
    *,
    before: int = BEFORE,
    after: int = AFTER,
) -> dict[str, Any]:
    """The cycles around the busiest one, from a gate-level run of its lane.

    Parameters
    ----------
    netlist, stimulus, technology
        As given to :func:`find_busiest`.
    busiest
        Its answer.
    before, after
        How many cycles to show on either side.

    Returns
    -------
    ``cycles``, one document each. Codes, ``act``, ``wgt`` and their numbers on the grid are those
    at the ports; ``product`` is what they add to the sum, whose turn comes ``latency`` cycles
    later. ``acc`` and ``valid_out`` are what the netlist shows in this cycle. ``toggles`` and
    ``settled`` are by block, with glitches and without; ``energy_fj`` too, the clock included.

    Raises
    ------
    MismatchError
        A sum so far, or the number of toggles, is not what it must be.
    """
    operands, lane = stimulus.operands, _lane(stimulus, busiest, after)
    design = operands.design
    assert isinstance(design, Design)  # checked with the lane
    latency = design.pe_latency
    delays = library_delays(netlist, technology.flip_flop)
    simulator = TimedSimulator(netlist, 1, delays, count_lanes=True)
    simulator.run(idle_steps(1, latency + 2, design.lanes, reset=True))
    peak = lane.peak
    low, high = max(latency, peak - before), min(len(lane.products), peak + after + 1)
    simulator.run(_cut(lane.inputs, 0, low))
    blocks = _Blocks(netlist, technology.voltage_v)
    cycles = []
    for at in range(low, high):
        simulator.clear()
        outputs = simulator.run(_cut(lane.inputs, at, at + 1))
        acc = int(lane_integers(outputs["o_acc"], 1, signed=True)[0, 0])
        valid = int(outputs["o_valid"][0, 0, 0]) & 1
        due = at - latency
        want = lane.running[due], lane.last[due]
        if (acc, valid) != want:
            raise MismatchError(
                f"{netlist.top}.o_acc and o_valid must be {want}, not {(acc, valid)}, in cycle "
                f"{at - peak} from the busiest (gate level)"
            )
        measured = int(simulator.lane_toggles.sum())
        if at == peak and measured != busiest.toggles:
            raise MismatchError(
                f"{netlist.top} must toggle {busiest.toggles} times in its busiest cycle alone "
                f"too, not {measured}"
            )
        acts, weights = (lane.inputs[port][at, :, 0] for port in ("i_act", "i_wgt"))
        cycles.append(
            {
                "cycle": at - peak,
                "valid": int(lane.inputs["i_valid"][at]),
                "first": int(lane.inputs["i_first"][at]),
                "last": lane.last[at],
                "act": acts.tolist(),
                "wgt": weights.tolist(),
                "act_fix": fix_of_codes(acts, design.acts).tolist(),
                "wgt_fix": fix_of_codes(weights, design.weights).tolist(),
                "product": lane.products[at],
                "acc": acc,
                "valid_out": valid,
                **blocks.of(simulator),
            }
        )
    return {
        "operands": operands.name,
        "latency_cycles": latency,
        "output": _output(stimulus, busiest),
        "cycle_of_sum": busiest.cycle,
        "toggles": busiest.toggles,
        "mean_toggles": busiest.mean,
        "simulated_cycles": busiest.cycles,
        "checked": busiest.checked,
        "cycles": cycles,
    }


def _cut(inputs: dict[str, NDArray[Any]], low: int, high: int) -> dict[str, NDArray[Any]]:
    return {port: values[low:high] for port, values in inputs.items()}


def _output(stimulus: PeStimulus, busiest: Busiest) -> list[int]:
    """Row and column of the output that the lane computes."""
    number = busiest.round * stimulus.lanes + busiest.lane
    return [*divmod(number, stimulus.operands.wgt_codes.shape[1])]


class _Blocks:
    """Splits the counts of one cycle by the block that drives each net."""

    def __init__(self, netlist: Netlist, voltage_v: float) -> None:
        self._netlist, self._voltage_v = netlist, voltage_v
        drivers = [block or INPUT for block in driver_blocks(netlist)]
        clocks = netlist.clocks
        self._nets = {
            block: [
                net for net, driver in enumerate(drivers) if driver == block and net not in clocks
            ]
            for block in (INPUT, *BLOCKS)
            if block in drivers
        }

    def of(self, simulator: Simulator) -> dict[str, dict[str, float]]:
        """Toggles by block, with glitches and without, and energy by block, femtojoule."""
        toggles, settled = simulator.toggles, simulator.settled_toggles
        energies = block_energies(self._netlist, toggles, 1, voltage_v=self._voltage_v)
        return {
            "toggles": {block: int(toggles[nets].sum()) for block, nets in self._nets.items()},
            "settled": {block: int(settled[nets].sum()) for block, nets in self._nets.items()},
            "energy_fj": {block: energy.total_j * 1e15 for block, energy in energies.items()},
        }
