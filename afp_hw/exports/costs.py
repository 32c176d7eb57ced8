"""What one layer on one array costs, circuit by circuit: the numbers that exports carry.

Each circuit is mapped to cells and run gate by gate, glitches included, on the layer's own
operands; what comes out of it is compared with the golden model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from afp_hw.design import Design
from afp_hw.energy.afp_outputs import AfpOutputs, AfpSums
from afp_hw.energy.bench import Bench, RunEnergy
from afp_hw.energy.cases import Case, afp_case
from afp_hw.energy.layer import cell_part
from afp_hw.energy.memory import MemoryTable
from afp_hw.energy.outputs import Columns
from afp_hw.energy.packing import Layout, packer, unpacker
from afp_hw.energy.tiles import Tiles
from afp_hw.formats import Number
from afp_hw.network import LoweredNetwork, problems_of
from afp_hw.schedule import LayerSchedule
from afp_hw.verilog import Part

SIDES = ("act", "wgt")
"""Operands of an array."""


@dataclass(frozen=True, slots=True)
class PartCost:
    """One circuit.

    Attributes
    ----------
    name
        Of its module.
    energy_j
        Dynamic energy of one operation, joule.
    area_um2, leakage_w
        Of one copy.
    checked
        Results that were compared with golden.
    """

    name: str
    energy_j: float
    area_um2: float
    leakage_w: float
    checked: int


@dataclass(frozen=True, eq=False)
class Costs:
    """Costs of a layer with static grids.

    Attributes
    ----------
    design
        The array.
    technology, clock_ns
        Cells, and the period that circuits are mapped for.
    memory
        Energies per access.
    layer
        Name of the layer whose operands were run.
    formats
        Of its operands as they are stored, by side.
    output
        Of its results; None where sums leave the network as they are.
    cell
        Of the array; an operation is one product.
    edges
        Skew, decoders and marks of zeros of a side, a vector at a time; an operation is a cycle.
    unpackers
        From memory to a vector of codes, by side; one for each lane.
    requantizer, packer
        Behind a column; an operation is one result. None without a format of the output.
    edge_cycles
        Cycles that an edge runs for one step of the array: more than one where tiles are short.
    """

    design: Design
    technology: str
    clock_ns: float
    memory: MemoryTable
    layer: str
    formats: Mapping[str, Number]
    output: Number | None
    cell: PartCost
    edges: Mapping[str, PartCost]
    unpackers: Mapping[str, PartCost]
    requantizer: PartCost | None
    packer: PartCost | None
    edge_cycles: float

    @property
    def mac_j(self) -> float:
        """One product in the array, and its addition."""
        return self.cell.energy_j

    def unpack_j(self, side: str) -> float:
        """What enters the array in one step, from memory to codes."""
        return self.unpackers[side].energy_j * self.design.lanes

    def feed_j(self, side: str) -> float:
        """What enters the array in one step, from codes to operands in their row or column."""
        return self.edges[side].energy_j * self.edge_cycles

    @property
    def output_j(self) -> float:
        """One result, from the sum to memory."""
        return sum(part.energy_j for part in self.column_parts)

    @property
    def column_parts(self) -> list[PartCost]:
        """What stands behind each column."""
        return [part for part in (self.requantizer, self.packer) if part is not None]

    def edge_parts(self, side: str) -> list[PartCost]:
        """What stands before the rows, or the columns."""
        return [self.edges[side], *[self.unpackers[side]] * self.design.lanes]

    @property
    def checked(self) -> int:
        """Results that were compared with golden."""
        parts = [self.cell, *self.edges.values(), *self.unpackers.values(), *self.column_parts]
        return sum(part.checked for part in parts)

    def vector_bits(self, side: str) -> int:
        """Bits of what enters the array in one step, as they are stored."""
        count = self.design.rows if side == "act" else self.design.cols
        return count * self.design.lanes * self.formats[side].width

    @property
    def widest(self) -> int:
        """Bits of the widest code that memories hold."""
        stored = [*self.formats.values(), *([] if self.output is None else [self.output])]
        return max(fmt.width for fmt in stored)


def measured_costs(
    lowered: LoweredNetwork,
    layer: str,
    images: NDArray[Any],
    design: Design,
    bench: Bench,
    memory: MemoryTable,
) -> Costs:
    """Costs of a layer of a network; results are kept, a second run takes seconds.

    Parameters
    ----------
    lowered
        The network with static grids.
    layer
        Name of a convolution or a linear layer; of a grouped one the middle group is run.
    images
        To run, [B, C, H, W].
    design, bench, memory
        The array, technology and clock, and energies per access.

    Raises
    ------
    MismatchError
        A circuit does not compute what golden does.
    ValueError
        There is no such layer, its grids are dynamic, or the design does not hold it.
    """
    problems = list(problems_of(lowered, [layer], images))
    if any("@" in problem.name for problem in problems):
        raise ValueError(f"grids of {layer!r} must be static for exports, not dynamic")
    case = afp_case([problems[len(problems) // 2]], design)  # of the groups the middle one
    meter = _Meter(bench)
    act, wgt = case.operands.act_codes, case.operands.wgt_codes
    tiles = Tiles(act, wgt, design)
    schedule = LayerSchedule(design, len(act), *wgt.shape)
    cell = cell_part(design)
    formats = {"act": case.act_fmt, "wgt": case.wgt_fmt}
    envelopes = {"act": design.acts, "wgt": design.weights}
    edges, unpackers = {}, {}
    for side in SIDES:
        job = tiles.edge(side)
        edges[side] = meter.cost(job.part, bench.run(job.part, job.stream))
        job = unpacker(tiles.codes(side), Layout.of(formats[side], envelopes[side]))
        unpackers[side] = meter.cost(job.part, bench.run(job.part, job.stream))
    requantizer, behind = meter.outputs(case, design)
    return Costs(
        design=design,
        technology=bench.technology.description,
        clock_ns=bench.clock_ns,
        memory=memory,
        layer=layer,
        formats=formats,
        output=case.out_fmt,
        cell=meter.cost(cell, bench.run_cells(cell, case.operands.for_design(design))),
        edges=edges,
        unpackers=unpackers,
        requantizer=requantizer,
        packer=behind,
        edge_cycles=schedule.spacing / schedule.steps,
    )


class _Meter:
    """Runs and areas of parts."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def cost(self, part: Part, run: RunEnergy) -> PartCost:
        (mapped,) = self._bench.map([part])
        return PartCost(part.name, run.each_j, mapped.area_um2, run.leakage_w, run.checked)

    def outputs(self, case: Case, design: Design) -> tuple[PartCost | None, PartCost | None]:
        """Requantizer and packer, if results are requantized."""
        if case.out_fmt is None or not isinstance(case.sums, AfpSums):
            return None, None
        m, n = case.sums.acc.shape
        afp = AfpOutputs(design, case.sums, Columns.of(m, n, design))
        job, run = self._bench.run_first(afp.static())
        behind = packer(afp.codes, Layout.of(case.out_fmt, design.out_envelope))
        return (
            self.cost(job.part, run),
            self.cost(behind.part, self._bench.run(behind.part, behind.stream)),
        )
