"""Toggle counts of every net, glitches included, from a bit-parallel simulation with delays.

The netlist of :mod:`afp_hw.synth.gatesim`, its clock and its lanes, in ticks. Inertial delay, one
rise and one fall delay per cell output, from the library's tables at the net's load and at the
transition times of static timing (:mod:`afp_hw.synth.delays`). With f the function of what drives a
net, its net takes the value v at tick t if it was not v and f was v at all ticks from t - d to
t - 1, d the delay of a rise or a fall to v: a pulse of f that is as wide as the delay passes, a
narrower one is swallowed. At tick 0 inputs and flip-flops get their new values, and their nets
follow after their own delays. Then nothing enters until all nets have settled, which they do:
there are no loops. Every transition counts as a whole one, however short the pulse.
"""

from __future__ import annotations

import ctypes
from typing import Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.synth.delays import Delays
from afp_hw.synth.gatesim import lane_integers
from afp_hw.synth.netlist import Netlist
from afp_hw.synth.simulator import Planes, Simulator, aligned, pointer
from afp_hw.synth.timedsim_source import timed_source

# Binary digits of a lane's count in one cycle: a million toggles.
_DIGITS: Final = 20

# Cells from which compiling at full effort takes longer than a short run.
_LARGE: Final = 600


class TimedSimulator(Simulator):
    """The simulator with delays: a toggle is every transition of a net.

    Settled values, and so outputs and states, are those of :class:`.GateSimulator`. Parameters,
    errors and what to do first: :class:`.Simulator`, and

    Parameters
    ----------
    delays
        Of the netlist.
    count_lanes
        Also count the toggles of each lane in each cycle: :attr:`lane_toggles`.
    brief
        Whether the run is short: compiling the code of a large netlist at full effort would take
        minutes, running it as it is takes seconds.

    Raises
    ------
    ValueError
        `delays` is of another netlist.
    """

    def __init__(
        self,
        netlist: Netlist,
        lanes: int,
        delays: Delays,
        *,
        count_lanes: bool = False,
        brief: bool = False,
    ) -> None:
        super().__init__(netlist, lanes)
        nets = len(netlist.net_names)
        if len(delays.rise) != nets:
            raise ValueError(
                f"TimedSimulator.delays must be of {nets} nets, not {len(delays.rise)}"
            )
        self.delays = delays
        self._digits = _DIGITS if count_lanes else 0
        source = timed_source(netlist, delays, words=self._vector, digits=self._digits)
        self._load(source, "-O0" if brief and len(netlist.cells) > _LARGE else "-O2")
        self._state = aligned((2 * nets + len(netlist.flip_flops)) * self._words)
        size = ctypes.c_int64.in_dll(self._library, "events_bytes").value
        self._events = aligned(-(-size // 8))
        self._count = aligned(2 * nets)
        self._first = 1
        self._lane_counts: Planes | None = None

    @property
    def toggles(self) -> NDArray[np.int64]:
        """As :attr:`.Simulator.toggles`, glitches included."""
        return self._counts(0)

    @property
    def settled_toggles(self) -> NDArray[np.int64]:
        """As :attr:`.Simulator.settled_toggles`: what :class:`.GateSimulator` counts."""
        return self._counts(1)

    @property
    def lane_toggles(self) -> NDArray[np.int64]:
        """Toggles in each cycle of the last :meth:`run` and each lane, int64 [cycles, lanes].

        Of all nets but those of the clock, glitches included.

        Raises
        ------
        ValueError
            The simulator does not count lanes, or has not run.
        """
        if not self._digits or self._lane_counts is None:
            raise ValueError("TimedSimulator.count_lanes must be True, and a run be done")
        counts: NDArray[np.int64] = lane_integers(self._lane_counts, self.lanes, signed=False)
        return counts

    def _counts(self, row: int) -> NDArray[np.int64]:
        counts: NDArray[np.int64] = self._count.view(np.int64).reshape(2, -1)[row].copy()
        return counts

    def _cycles(self, planes: Planes, out: Planes) -> None:
        counts = np.empty((len(planes), self._digits, self._words), dtype=np.uint64)
        self._library.run(
            pointer(self._state), pointer(self._count), pointer(self._mask), pointer(self._events),
            ctypes.c_int64(self._first), pointer(planes), pointer(out), pointer(counts),
            ctypes.c_int64(len(planes)), ctypes.c_int64(self._words),
        )  # fmt: skip
        self._first, self._lane_counts = 0, counts
