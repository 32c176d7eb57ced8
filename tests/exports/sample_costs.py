"""Costs that a test can name: made up, each a different number, on arrays of every kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from afp_hw import AFPFormat
from afp_hw.design import Design
from afp_hw.energy.memory import MemoryTable
from afp_hw.exports.costs import Costs, PartCost

E3M1, E3M2, UE3M2 = AFPFormat(3, 1), AFPFormat(3, 2), AFPFormat(3, 2, signed=False)
DESIGN = Design(E3M1, E3M2, rows=4, cols=8, k=64)


def part(name: str, energy_pj: float, area_um2: float) -> PartCost:
    return PartCost(name, energy_pj * 1e-12, area_um2, area_um2 * 1e-12, 10)


def sample(lanes: int = 1, **changed: Any) -> Costs:
    """Costs on 4 rows and 8 columns."""
    costs = Costs(
        design=replace(DESIGN, lanes=lanes),
        technology="cells of a test",
        clock_ns=5.0,
        memory=MemoryTable.embedded(),
        layer="conv",
        formats={"act": UE3M2, "wgt": E3M1},
        output=E3M2,
        cell=part("cell", 4.0, 3000.0),
        edges={"act": part("act edge", 8.0, 500.0), "wgt": part("wgt edge", 12.0, 700.0)},
        unpackers={"act": part("act in", 2.0, 100.0), "wgt": part("wgt in", 3.0, 200.0)},
        requantizer=part("requantizer", 1.5, 900.0),
        packer=part("packer", 0.5, 300.0),
        edge_cycles=1.25,
    )
    return replace(costs, **changed)
