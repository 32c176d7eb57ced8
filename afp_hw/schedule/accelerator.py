"""Every cycle of an accelerator, from descriptors: which engine is through with which, and when.

Source: ``docs/accelerator.md`` and the timing of :class:`.LoadEngine`, :class:`.Sequencer`,
:class:`.ComputeCore`, :class:`.OutBuffer`. Cycle 0 is that in which the run is started. A loop over
descriptors, none over cycles or beats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import DESCRIPTOR_BYTES, Operation
from afp_hw.schedule.memory_time import MemoryTime

Descriptor = Mapping[str, int]

WAITS: Final = (
    "COMPUTE_WAITS_LOAD",
    "COMPUTE_WAITS_STORE",
    "LOAD_WAITS_COMPUTE",
    "LOAD_WAITS_STORE",
)
"""Names of the performance counters of waiting: who waits for whom."""

_SUM_AT = 3  # from an event at a column edge to the sum of the array that it takes
_PATH = 4  # from a step to the operands, from an event to its side operand: both
_EDGE = 6  # from an event at a column edge to its code
_LOOK = 6  # for the grids of dynamic operands


@dataclass(frozen=True, slots=True)
class CoreTiming:
    """Cycles of one computation."""

    design: AcceleratorDesign

    def delays(self) -> tuple[int, int]:
        """From a step to its event: weights stationary, outputs stationary."""
        array = self.design.array
        latency = array.rows + array.pe_latency
        stationary = latency - _SUM_AT, latency + 1 - _SUM_AT
        waits = max(0, -min(stationary))
        return stationary[0] + waits, stationary[1] + waits

    def cycles(self, descriptor: Descriptor) -> int:
        """From the start of a computation to the cycle in which it says that it is done."""
        array = self.design.array
        d = descriptor
        weights_stay, outputs_stay = self.delays()
        chunks = d["ky_count"] * d["kx_count"] * d["cj_count"] + d["extra_chunks"]
        tiles = d["n_tiles"] * -(-d["pixels"] // d["tile_pixels"])
        steps = (tiles * chunks - 1) * d["slots"]  # up to the last chunk
        drain = _PATH + _EDGE + array.cols
        if d["dynamic_end"]:  # the largest word of each column, one after the other
            drain += array.cols + 1
        if d["operation"] == Operation.OUTPUTS_STATIONARY:
            return 1 + steps + outputs_stay + 2 * (array.rows - 1) + drain
        last = steps + d["pixels"] - 1
        if d["operation"] == Operation.SIDE:
            return 1 + last + drain
        return 1 + array.rows + last + weights_stay + drain


@dataclass(frozen=True, slots=True)
class NetworkSchedule:
    """When each descriptor is loaded, computed and stored.

    Attributes
    ----------
    loaded, computed
        By descriptor: the first cycle in which the engine is seen to be through with it.
    begun
        By descriptor: the cycle in which its computation starts.
    stored
        By store, likewise.
    cycles
        Of the run.
    core_cycles
        By descriptor: those of the computation itself.
    waited
        By descriptor: cycles in which an engine waits ahead of it, by the names of the performance
        counters.
    """

    loaded: tuple[int, ...]
    begun: tuple[int, ...]
    computed: tuple[int, ...]
    stored: tuple[int, ...]
    cycles: int
    core_cycles: tuple[int, ...]
    waited: tuple[Mapping[str, int], ...]

    @property
    def waits(self) -> dict[str, int]:
        """Cycles in which an engine waits, of all descriptors."""
        return {name: sum(each[name] for each in self.waited) for name in WAITS}


class _Run:
    """The three engines, one descriptor after the other."""

    def __init__(self, design: AcceleratorDesign, latency: int) -> None:
        self.memory = MemoryTime(design, latency)
        self.core = CoreTiming(design)
        self.descriptor_beats = DESCRIPTOR_BYTES // design.beat_bytes
        self.word_codes = design.array.cols
        self.loaded: list[int] = []
        self.taken: list[int] = []
        self.begun: list[int] = []
        self.computed: list[int] = []
        self.stored: list[int] = []
        self.core_cycles: list[int] = []
        self.load_at = 1  # cycle in which the next descriptor is asked for
        self.store_free = 0
        self.waited: list[dict[str, int]] = []

    def _after(self, times: list[int], count: int, what: str) -> int:
        """Cycle from which so many of `times` are over."""
        if count > len(times):
            raise ValueError(
                f"descriptor {len(self.loaded)} must wait for what comes before it, not for "
                f"{what} {count} of {len(times)}"
            )
        return times[count - 1] if count else 0

    def _wait(self, at: int, until: int, counter: str) -> int:
        self.waited[-1][counter] += max(until - at, 0)
        return max(at, until)

    def load(self, d: Descriptor) -> None:
        self.waited.append(dict.fromkeys(WAITS, 0))
        at = self.load_at + self.memory.read(self.descriptor_beats) + 2
        # Records wait for the grid of the activations, where that is dynamic.
        segments = (("wgt", 0), ("parameter", d["dynamic_in"]), ("act", 1), ("side", 1))
        for segment, late in segments:
            beats = d[f"{segment}_beats"]
            if not beats:
                at += 1
                continue
            computed = self._after(self.computed, d["wait_computed"], "computation")
            at = self._wait(at, computed, "LOAD_WAITS_COMPUTE")
            if late:
                stored = self._after(self.stored, d["wait_stored"], "store")
                at = self._wait(at, stored, "LOAD_WAITS_STORE")
            at += self.memory.read(beats) + 1
        # One loaded descriptor waits at a time.
        free = self.taken[-1] + 1 if self.taken else 0
        self.loaded.append(max(at, free) + 1)
        self.load_at = self.loaded[-1]

    def compute(self, d: Descriptor) -> None:
        idle = self.computed[-1] if self.computed else 1
        at = self._wait(idle, self.loaded[-1], "COMPUTE_WAITS_LOAD")
        bank = self._after(self.stored, d["wait_bank"], "store")
        at = self._wait(at, bank, "COMPUTE_WAITS_STORE")
        self.taken.append(at)
        start = at + 1 + (_LOOK if d["dynamic_in"] else 0)
        self.begun.append(start)
        self.core_cycles.append(self.core.cycles(d))
        ends = start + self.core_cycles[-1] + 1
        if d["store"]:
            ends = max(ends, self.store_free)  # the store before it has begun and ended
        self.computed.append(ends + 1)
        if d["store"]:
            self.store(d, ends + 1)

    def store(self, d: Descriptor, at: int) -> None:
        last = at + self.memory.written(
            d["store_row_words"], d["store_rows"], self.word_codes * d["out_bits"]
        )
        self.stored.append(last + self.memory.latency + 2)
        self.store_free = self.stored[-1]


def schedule_network(
    descriptors: Sequence[Descriptor], design: AcceleratorDesign, latency: int = 64
) -> NetworkSchedule:
    """All times of a run.

    Parameters
    ----------
    descriptors
        Fields by name, see :mod:`afp_hw.design.descriptor`.
    design
        The accelerator.
    latency
        Of the memory, clock edges: see :mod:`afp_hw.schedule.memory_time`.

    Raises
    ------
    ValueError
        As :class:`.MemoryTime`; or a descriptor waits for what comes behind it.
    """
    run = _Run(design, latency)
    for d in descriptors:
        run.load(d)
        run.compute(d)
    return NetworkSchedule(
        tuple(run.loaded),
        tuple(run.begun),
        tuple(run.computed),
        tuple(run.stored),
        run.stored[-1] - 1,
        tuple(run.core_cycles),
        tuple(run.waited),
    )
