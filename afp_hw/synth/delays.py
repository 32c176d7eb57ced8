"""Delays of a mapped netlist from the library's tables, in ticks: what timed simulation needs.

The model: inertial delay, one rise and one fall delay per cell output. Each is the mean over the
arcs of that output of the table's value at the net's load and at the transition time that static
timing finds at the arc's start. What the model leaves out: that arcs of one output differ, that
transition times differ from one event to the next, wires.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.synth.cells import Cell
from afp_hw.synth.netlist import Netlist
from afp_hw.synth.simulator import input_nets
from afp_hw.synth.timing import CLOCK_SLEW_S, FALL, RISE, Times, causes

# Ticks in the mean delay where no tick is given. Half the tick changes the energy of an element by
# 0.3 % at most, whatever the recipe; with 16 by 1.1 %, where a carry chain repeats one near tie.
DEFAULT_TICKS: Final = 24


@dataclass(frozen=True, eq=False)
class Delays:
    """Delay of what drives each net.

    Parameters
    ----------
    tick_s
        What a tick is, second.
    rise, fall
        From the change of a cell's function to that of its output, ticks, at least 1, int64 [nets];
        of a flip-flop's output and of an input, from the clock edge.

    Raises
    ------
    ValueError
        A delay of less than a tick, or unequal lengths.
    """

    tick_s: float
    rise: NDArray[np.int64]
    fall: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.rise.shape != self.fall.shape:
            raise ValueError(f"Delays.fall must be of {len(self.rise)} nets, not {len(self.fall)}")
        smallest = min(self.rise.min(), self.fall.min())
        if smallest < 1:
            raise ValueError(f"Delays.rise and Delays.fall must be at least 1, not {smallest}")


def _mean_delays_s(
    cell: Cell, pin: str, load_f: float, slews_s: Mapping[str, tuple[float, float]]
) -> tuple[float, float]:
    """Mean over the arcs of an output, of rise and of fall, second; 0 where there is none.

    `slews_s` has the transition times of rise and fall of each input pin.
    """
    kind = "combinational" if cell.flip_flop is None else "rising_edge"
    found: tuple[list[float], list[float]] = ([], [])
    for arc in cell.arcs:
        if arc.pin == pin and arc.kind == kind:
            for edge, table in ((RISE, arc.rise), (FALL, arc.fall)):
                if table is not None:
                    found[edge].extend(
                        table.at(slews_s[arc.related][cause], load_f) for cause in causes(arc, edge)
                    )
    rise, fall = (sum(delays) / len(delays) if delays else 0.0 for delays in found)
    return rise, fall


def delays_s(netlist: Netlist, driver: Cell | None) -> NDArray[np.float64]:
    """Rise and fall delay of each net, second, float64 [2, nets]; 0 of what no arc drives.

    Parameters
    ----------
    netlist
        Its loads and transition times are what the tables are read at.
    driver
        The flip-flop that drives each input, at that input's load; None for inputs that come with
        the clock edge.
    """
    times = Times(netlist)
    load_f = netlist.load_f.tolist()
    found = np.zeros((2, len(netlist.net_names)))
    for instance in netlist.combinational + netlist.flip_flops:
        slews_s = {
            pin: (times.slew[RISE][net], times.slew[FALL][net])
            for pin, net in instance.nets.items()
        }
        for pin in instance.cell.outputs:
            net = instance.nets.get(pin.name)
            if net is not None:
                found[:, net] = _mean_delays_s(instance.cell, pin.name, load_f[net], slews_s)
    if driver is not None:
        slews_s = {pin.name: (CLOCK_SLEW_S, CLOCK_SLEW_S) for pin in driver.inputs}
        for net in input_nets(netlist):
            found[:, net] = _mean_delays_s(driver, driver.outputs[0].name, load_f[net], slews_s)
    return found


def library_delays(netlist: Netlist, driver: Cell | None, *, tick_s: float | None = None) -> Delays:
    """The delays of :func:`delays_s` in ticks.

    Parameters
    ----------
    netlist, driver
        As there.
    tick_s
        Second; by default the mean delay, of rise and fall of every output that has arcs, divided
        by :data:`DEFAULT_TICKS`.

    Raises
    ------
    ValueError
        `tick_s` is not positive.
    """
    exact_s = delays_s(netlist, driver)
    if tick_s is None:
        known_s = exact_s[exact_s > 0]
        # Without arcs all delays are one tick, and any tick will do.
        tick_s = float(known_s.mean()) / DEFAULT_TICKS if known_s.size else 1e-12
    if not tick_s > 0:
        raise ValueError(f"Delays.tick_s must be positive, not {tick_s!r}")
    ticks = np.maximum(1, np.rint(exact_s / tick_s)).astype(np.int64)
    return Delays(tick_s, ticks[RISE], ticks[FALL])
