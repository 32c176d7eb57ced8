"""Energy of one layer in one scheme: what each circuit takes, times how often it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from afp_hw.design import Design
from afp_hw.energy.afp_outputs import AfpOutputs, AfpSums
from afp_hw.energy.bench import Bench, RunEnergy
from afp_hw.energy.cases import Case
from afp_hw.energy.int_outputs import ACC_BITS, IntOutputs, IntSums
from afp_hw.energy.job import Job
from afp_hw.energy.memory import MemoryTable
from afp_hw.energy.outputs import Columns
from afp_hw.energy.packing import Layout, packer, unpacker
from afp_hw.energy.scheme import Scheme
from afp_hw.energy.tiles import Tiles
from afp_hw.energy.traffic import LayerTraffic, Tensors, Widths, layer_traffic
from afp_hw.formats import IntFormat, Number
from afp_hw.hdl import Cell
from afp_hw.schedule import LayerSchedule
from afp_hw.verilog import Part

LOGIC: Final = ("array", "edges", "requantizer", "packing")
GROUPS: Final = (*LOGIC, "SRAM", "DRAM")
"""What the energy of a layer is split into."""


@dataclass(frozen=True, eq=False)
class LayerEnergy:
    """Energy of a layer for one image.

    Attributes
    ----------
    name
        Layer.
    scheme
        How it is computed.
    parts_j
        Dynamic energy by :data:`GROUPS`, joule.
    leakage_j
        Leakage of the circuits in the time of the layer.
    macs, outputs
        Products, and results that are requantized.
    mac_j, requantize_j
        Energy of one of each.
    parts
        Names of the parts that were run, by group, with the energy of one operation, joule.
    traffic
        Bits moved.
    checked
        Results that were compared with golden.
    """

    name: str
    scheme: Scheme
    parts_j: Mapping[str, float]
    leakage_j: float
    macs: int
    outputs: int
    mac_j: float
    requantize_j: float
    parts: Mapping[str, Mapping[str, float]]
    traffic: LayerTraffic
    checked: int

    @property
    def total_j(self) -> float:
        """Everything but leakage."""
        return sum(self.parts_j.values())


@dataclass
class Ledger:
    """Sums up runs of parts."""

    energy_j: dict[str, float] = field(default_factory=lambda: dict.fromkeys(GROUPS, 0.0))
    parts: dict[str, dict[str, float]] = field(default_factory=dict)
    leakage_w: float = 0.0
    checked: int = 0

    def add(self, group: str, name: str, run: RunEnergy, times: float, instances: int = 1) -> None:
        """`times` operations of a part that stands in `instances` places."""
        self.energy_j[group] += run.each_j * times
        self.parts.setdefault(group, {})[name] = run.each_j
        self.leakage_w += run.leakage_w * instances
        self.checked += run.checked


@dataclass(frozen=True, eq=False)
class Place:
    """Where a layer stands, whatever the scheme.

    Attributes
    ----------
    name
        Layer.
    schedule
        Of one group and image.
    groups
        How many there are.
    tensors
        Elements of its tensors.
    skip
        Whether a tensor is added to the sums.
    """

    name: str
    schedule: LayerSchedule
    groups: int
    tensors: Tensors
    skip: bool

    @property
    def outputs(self) -> int:
        """Results of an image."""
        return self.groups * self.schedule.m * self.schedule.n


class Meter:
    """Measures layers.

    Parameters
    ----------
    bench
        Technology and clock.
    memory
        Energies per access.
    """

    def __init__(self, bench: Bench, memory: MemoryTable) -> None:
        self.bench = bench
        self._memory = memory

    def cell(self, designs: Sequence[Design], case: Case) -> tuple[Design, Part, RunEnergy]:
        """The cell of least energy among designs that compute the same, in time if one is."""
        found = []
        for design in designs:
            part = cell_part(design)
            operands = case.operands.for_design(design)
            found.append((design, part, self.bench.run_cells(part, operands)))
        return min(found, key=lambda item: (self.bench.late(item[1]), item[2].each_j))

    def layer(
        self, place: Place, scheme: Scheme, case: Case, designs: Sequence[Design]
    ) -> LayerEnergy:
        """Energy of a layer in AFP or integers.

        Raises
        ------
        MismatchError
            A circuit does not compute what golden does.
        """
        design, part, cell = self.cell(designs, case)
        ledger, schedule = Ledger(), place.schedule
        macs = place.groups * schedule.macs
        ledger.add("array", part.name, cell, macs, design.rows * design.cols)
        tiles = Tiles(case.operands.act_codes, case.operands.wgt_codes, design)
        cycles = place.groups * schedule.tiles * schedule.spacing
        vectors = place.groups * schedule.tiles * schedule.steps * design.lanes
        for side, fmt, envelope in (
            ("act", case.act_fmt, design.acts),
            ("wgt", case.wgt_fmt, design.weights),
        ):
            self._run(ledger, "edges", tiles.edge(side), cycles)
            job = unpacker(tiles.codes(side), Layout.of(fmt, envelope))
            self._run(ledger, "packing", job, vectors, design.lanes)
        waiting = self._outputs(ledger, place, scheme, case, design)
        widths = Widths(
            weight=case.wgt_fmt.width,
            act=case.act_fmt.width,
            output=ACC_BITS if case.out_fmt is None else case.out_fmt.width,
            waiting=waiting,
            init=case.act_fmt.width if place.skip else 0,
        )
        return self.finished(place, scheme, ledger, widths, cell.each_j)

    def finished(
        self, place: Place, scheme: Scheme, ledger: Ledger, widths: Widths, mac_j: float
    ) -> LayerEnergy:
        """A layer's ledger with its traffic."""
        memory = self._memory
        traffic = layer_traffic(
            place.schedule, place.groups, widths, place.tensors,
            on_chip_bits=memory.on_chip_kib * 8192,
        )  # fmt: skip
        ledger.energy_j["SRAM"] = traffic.sram * memory.bank.bit_j
        ledger.energy_j["DRAM"] = traffic.dram * memory.dram.bit_j
        seconds = place.groups * place.schedule.cycles * self.bench.clock_ns * 1e-9
        requantized = ledger.energy_j["requantizer"] > 0
        return LayerEnergy(
            name=place.name,
            scheme=scheme,
            parts_j=ledger.energy_j,
            leakage_j=ledger.leakage_w * seconds,
            macs=place.groups * place.schedule.macs,
            outputs=place.outputs if requantized else 0,
            mac_j=mac_j,
            requantize_j=ledger.energy_j["requantizer"] / place.outputs,
            parts=ledger.parts,
            traffic=traffic,
            checked=ledger.checked,
        )

    def _outputs(
        self, ledger: Ledger, place: Place, scheme: Scheme, case: Case, design: Design
    ) -> int:
        """Requantizers and packers; gives the bits of a result that waits for its grid."""
        if case.sums is None or case.out_fmt is None:
            return 0
        m, n = case.sums.acc.shape
        columns = Columns.of(m, n, design)
        waiting, envelope = 0, self._envelope(design)
        if isinstance(case.sums, AfpSums):
            afp = AfpOutputs(design, case.sums, columns)
            dynamic = scheme is Scheme.AFP_DYNAMIC
            choices = afp.dynamic() if dynamic else [afp.static()]
            waiting = afp.word_width if dynamic else 0
            codes = afp.codes
        else:
            choices, codes, waiting = self._int_outputs(case, case.sums, columns, scheme)
        for jobs in choices:
            job, run = self.bench.run_first(jobs)
            ledger.add("requantizer", job.part.name, run, place.outputs, design.cols)
        self._run(
            ledger, "packing", packer(codes, Layout.of(case.out_fmt, envelope)), place.outputs,
            design.cols,
        )  # fmt: skip
        return waiting

    def _int_outputs(
        self, case: Case, sums: IntSums, columns: Columns, scheme: Scheme
    ) -> tuple[list[list[Job]], Any, int]:
        assert isinstance(case.out_fmt, IntFormat)  # of a scheme of integers
        outputs = IntOutputs(case.out_fmt, sums, columns)
        if scheme is Scheme.INT_FLOAT:
            return [[job] for job in outputs.single()], outputs.codes, 32
        if scheme is Scheme.INT_DYNAMIC:
            return [outputs.static(), [outputs.maximum()]], outputs.codes, ACC_BITS
        return [outputs.static()], outputs.codes, 0

    @staticmethod
    def _envelope(design: Design) -> Number:
        return design.acts if design.integers else design.out_envelope

    def _run(self, ledger: Ledger, group: str, job: Job, times: float, instances: int = 1) -> None:
        ledger.add(group, job.part.name, self.bench.run(job.part, job.stream), times, instances)


def cell_part(design: Design) -> Part:
    """The cell of a design's array."""
    return Part(design.module_name("cell"), lambda place: Cell(design, place))
