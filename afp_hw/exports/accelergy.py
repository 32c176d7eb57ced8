"""Energy and area reference tables of Accelergy, version 0.4: ``ERT.yaml`` and ``ART.yaml``.

A table has a name, ``TOP.COMPONENT[1..COUNT]``, and actions with their energy in picojoule; an area
is in square micrometres, of one copy. Source: Y. N. Wu, J. S. Emer, V. Sze, "Accelergy", ICCAD
2019; files ``timeloop-mapper.ERT.yaml`` and ``.ART.yaml`` of
github.com/Accelergy-Project/timeloop-accelergy-exercises, and ``src/model/topology.cpp`` of
github.com/NVlabs/timeloop, which finds a level by the last part of the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from afp_hw.exports.costs import Costs, PartCost
from afp_hw.exports.notes import provenance
from afp_hw.exports.yaml_text import rounded, yaml_text

VERSION: Final = "0.4"
TOP: Final = "system_top_level"
"""First part of each name, as Timeloop 4 has it."""

COMPONENT_NOTES: Final = (
    "mac: one product and its addition, accumulator and operand registers included; "
    "accumulator has no cost of its own, therefore.",
    "act_edge, wgt_edge: an access is the vector that enters the array in one step. write is the "
    "unpacker, from memory to codes; read is skew, decoders and marks of zeros.",
    "out_edge: one behind each column. update is one result, requantized and packed.",
    "leak is the leakage of a cycle.",
)


@dataclass(frozen=True, eq=False)
class Component:
    """A level of the hierarchy.

    Attributes
    ----------
    name
        Without what stands above it.
    count
        Copies.
    actions_pj
        Energy of each action of a copy, picojoule.
    area_um2
        Of a copy.
    """

    name: str
    count: int
    actions_pj: Mapping[str, float]
    area_um2: float

    @property
    def path(self) -> str:
        """As tables name it."""
        return f"{TOP}.{self.name}[1..{self.count}]"


def word_bits(costs: Costs) -> tuple[int, int]:
    """Bits of an access to a memory, and of a bank's: as many whole codes as fit."""
    return (
        costs.memory.dram.access_bits // costs.widest * costs.widest,
        costs.memory.bank.access_bits // costs.widest * costs.widest,
    )


def components(costs: Costs) -> list[Component]:
    """All levels, from memory to multiplier."""
    design = costs.design
    dram_bits, bank_bits = word_bits(costs)
    dram = costs.memory.dram.bit_j * dram_bits
    bank = costs.memory.bank.bit_j * bank_bits
    macs = design.rows * design.cols * design.lanes
    edges = [
        _component(
            f"{side}_edge", 1, costs, costs.edge_parts(side),
            read=costs.feed_j(side), write=costs.unpack_j(side), update=0.0,
        )
        for side in ("act", "wgt")
    ]  # fmt: skip
    return [
        _component("DRAM", 1, costs, [], read=dram, write=dram, update=dram),
        _component("sram", 1, costs, [], read=bank, write=bank, update=bank),
        *edges,
        _component(
            "out_edge", design.cols, costs, costs.column_parts,
            read=0.0, write=0.0, update=costs.output_j,
        ),
        _component(
            "accumulator", design.rows * design.cols, costs, [], read=0.0, write=0.0, update=0.0
        ),
        _component("mac", macs, costs, [costs.cell], lanes=design.lanes, compute=costs.mac_j),
    ]  # fmt: skip


def _component(
    name: str,
    count: int,
    costs: Costs,
    parts: list[PartCost],
    *,
    lanes: int = 1,
    **actions_j: float,
) -> Component:
    cycle_s = costs.clock_ns * 1e-9
    actions_j["leak"] = sum(part.leakage_w for part in parts) * cycle_s / lanes
    return Component(
        name,
        count,
        {action: rounded(energy * 1e12) for action, energy in actions_j.items()},
        rounded(sum(part.area_um2 for part in parts) / lanes),
    )


def tables(costs: Costs, model: str, images: int) -> dict[str, str]:
    """Texts of both tables by file name; `model` and `images` are what was run."""
    found = components(costs)
    ert = {
        "version": VERSION,
        "tables": [
            {
                "name": item.path,
                "actions": [
                    {"name": action, "arguments": {}, "energy": energy}
                    for action, energy in item.actions_pj.items()
                ],
            }
            for item in found
        ],
    }
    art = {
        "version": VERSION,
        "tables": [{"name": item.path, "area": item.area_um2} for item in found],
    }
    return {
        name: yaml_text(
            {key: document}, [*provenance(what, costs, model, images), *COMPONENT_NOTES]
        )
        for name, key, document, what in (
            ("ERT.yaml", "ERT", ert, "Accelergy energy reference table, pJ an action"),
            ("ART.yaml", "ART", art, "Accelergy area reference table, um^2 a copy"),
        )
    }
