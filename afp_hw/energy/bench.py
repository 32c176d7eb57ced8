"""Parts mapped to cells and run on operands in one technology; every result is kept by content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

from afp_hw.compare import store
from afp_hw.compare.emission import Source, verilog_of_part
from afp_hw.compare.mapping import best_in_time, map_source, netlist_of
from afp_hw.compare.operands import content
from afp_hw.compare.point import Mapped
from afp_hw.energy.job import Job
from afp_hw.energy.stream import Stream, run_stream
from afp_hw.synth.activity import Activity
from afp_hw.synth.array_activity import DEFAULT_CYCLES
from afp_hw.synth.energy import block_energies, leakage_w
from afp_hw.synth.float_stimulus import FloatOperands
from afp_hw.synth.measure import measure_energies, timed
from afp_hw.synth.netlist import Netlist
from afp_hw.synth.recipes import RECIPES, Recipe
from afp_hw.synth.stimulus import Operands
from afp_hw.synth.technology import Technology
from afp_hw.verilog import Part

# Each is the best of the set for some part; all recipes together take four times as long.
_TRIED: Final = ("ripple", "prefix", "prefix-quick")

PART_RECIPES: Final[Sequence[Recipe]] = [recipe for recipe in RECIPES if recipe.name in _TRIED]
"""Recipes that every part is mapped with; the smallest netlist that meets the clock is taken."""


@dataclass(frozen=True, slots=True)
class RunEnergy:
    """Energy of a run of a part.

    Attributes
    ----------
    glitch_j, zero_delay_j
        Dynamic energy with and without glitches, all of the run, joule.
    clock_j
        The part of both that clock pins and gated clocks take.
    leakage_w
        Of one copy of the part, watt.
    operations
        What was done in the run: MACs, results, vectors, cycles.
    cycles
        Clock cycles of all copies.
    checked
        Results that were compared with golden.
    """

    glitch_j: float
    zero_delay_j: float
    clock_j: float
    leakage_w: float
    operations: int
    cycles: int
    checked: int

    @property
    def each_j(self) -> float:
        """Energy of one operation, glitches included, joule."""
        return self.glitch_j / self.operations

    @property
    def settled_each_j(self) -> float:
        """The same without glitches."""
        return self.zero_delay_j / self.operations


class Bench:
    """Maps parts and runs them.

    Parameters
    ----------
    technology
        Cells.
    clock_ns
        Period that mapping aims at.
    jobs
        Syntheses at once.
    cycles
        Length of the run of a cell of an array.

    Raises
    ------
    ValueError
        The clock is not positive.
    """

    def __init__(
        self,
        technology: Technology,
        clock_ns: float,
        *,
        jobs: int = 1,
        cycles: int = DEFAULT_CYCLES,
    ) -> None:
        if not clock_ns > 0:
            raise ValueError(f"Bench.clock_ns must be positive, not {clock_ns!r}")
        self.technology = technology
        self.clock_ns = clock_ns
        self.cycles = cycles
        self._pool = ThreadPoolExecutor(jobs)
        self._mapped: dict[str, Mapped] = {}
        self._netlists: dict[str, Netlist] = {}

    @property
    def known(self) -> list[Mapped]:
        """Every part that was mapped, by name."""
        return [self._mapped[name] for name in sorted(self._mapped)]

    def close(self) -> None:
        """Stop what has not begun."""
        self._pool.shutdown(cancel_futures=True)

    def map(self, parts: Sequence[Part]) -> list[Mapped]:
        """The best netlist of each part: the smallest in time, or the fastest where none is.

        Raises
        ------
        ToolError
            Yosys failed.
        """
        missing = {part.name: part for part in parts if part.name not in self._mapped}
        running = {}
        for name, part in missing.items():
            source = verilog_of_part(part)
            running[name] = [self._pool.submit(self._map, source, r) for r in PART_RECIPES]
        for name, futures in running.items():
            found = [future.result() for future in futures]
            self._mapped[name] = best_in_time(found, self.clock_ns)
        return [self._mapped[part.name] for part in parts]

    def _map(self, source: Source, recipe: Recipe) -> Mapped:
        return map_source(source, self.technology, self.clock_ns, recipe)

    def netlist(self, part: Part) -> Netlist:
        """The best netlist of a part."""
        (mapped,) = self.map([part])
        if mapped.netlist not in self._netlists:
            self._netlists[mapped.netlist] = netlist_of(mapped, self.technology)
        return self._netlists[mapped.netlist]

    def run(self, part: Part, stream: Stream) -> RunEnergy:
        """Energy of a part on a stream.

        Raises
        ------
        MismatchError
            An output is not what the stream says.
        """

        def measure() -> RunEnergy:
            netlist = self.netlist(part)
            activity = run_stream(
                netlist, stream, simulator_of=partial(timed, self.technology, brief=True)
            )
            return self._energy(netlist, activity)

        return self._kept(part, measure, *stream.parts())

    def run_cells(self, part: Part, operands: Operands) -> RunEnergy:
        """Energy of the cells of an array, `part` one of them, on a layer's operands.

        Raises
        ------
        MismatchError
            A sum is not golden's.
        """
        return self._run_operands("array", part, operands)

    def run_pe(self, part: Part, operands: Operands | FloatOperands) -> RunEnergy:
        """Energy of a processing element that takes codes; errors as :meth:`run_cells`."""
        return self._run_operands("pe", part, operands)

    def _run_operands(self, kind: str, part: Part, operands: Operands | FloatOperands) -> RunEnergy:
        def measure() -> RunEnergy:
            settled, glitching = measure_energies(
                kind, self.netlist(part), operands,
                technology=self.technology, clock_s=self.clock_ns * 1e-9, latency_cycles=0,
                cycles=self.cycles,
            )  # fmt: skip
            count = glitching.count
            return RunEnergy(
                glitch_j=glitching.dynamic_j * count,
                zero_delay_j=settled.dynamic_j * count,
                clock_j=glitching.part_j("clock") * count,
                leakage_w=glitching.leakage_w,
                operations=count,
                cycles=glitching.cycles,
                checked=glitching.checked,
            )

        return self._kept(part, measure, *content(operands))

    def _energy(self, netlist: Netlist, activity: Activity) -> RunEnergy:
        settled, glitching = (
            block_energies(
                netlist, toggles, activity.cycles, voltage_v=self.technology.voltage_v
            ).values()
            for toggles in (activity.settled, activity.toggles)
        )
        return RunEnergy(
            glitch_j=sum(block.total_j for block in glitching),
            zero_delay_j=sum(block.total_j for block in settled),
            clock_j=sum(block.clock_j for block in glitching),
            leakage_w=leakage_w(netlist),
            operations=activity.operations,
            cycles=activity.cycles,
            checked=activity.checked,
        )

    def _kept(self, part: Part, measure: Callable[[], RunEnergy], *given: bytes) -> RunEnergy:
        (mapped,) = self.map([part])
        key = store.key_of(
            "run",
            mapped.netlist,
            self.clock_ns,
            self.cycles,
            store.sources_digest("energy"),
            *given,
        )
        kept: dict[str, Any] | None = store.load(key)
        if kept is None:
            kept = asdict(measure())
            store.save(key, kept)
        return RunEnergy(**kept)

    def late(self, part: Part) -> bool:
        """Whether a part's best netlist misses the clock."""
        return self.map([part])[0].delay_ns > self.clock_ns

    def first_in_time(self, parts: Sequence[Part]) -> int:
        """Index of the first part that meets the clock; where none does, of the fastest.

        Later ones are mapped only when they are needed.
        """
        delays = []
        for index, part in enumerate(parts):
            (mapped,) = self.map([part])
            if mapped.delay_ns <= self.clock_ns:
                return index
            delays.append(mapped.delay_ns)
        return delays.index(min(delays))

    def run_first(self, jobs: Sequence[Job]) -> tuple[Job, RunEnergy]:
        """The first job whose part meets the clock: they do the same, and cost ever more.

        Raises
        ------
        MismatchError
            An output is not what the stream says.
        """
        job = jobs[self.first_in_time([job.part for job in jobs])]
        return job, self.run(job.part, job.stream)
