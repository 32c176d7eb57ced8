"""What synthesis and the gate-level run found, as JSON, Markdown and rows for a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from afp_hw.synth.energy import EnergyReport

_NOTES: Final = (
    "Energy is from a gate-level simulation of these operands in which every result equals golden.",
    "Glitches: the same run with the library's cell delays at the real loads, inertial.",
    "No wires and no clock tree in either.",
)
_ARRAY_NOTE: Final = (
    "Energy is that of a cell, run at its places in the array (256 of them at most); the edge "
    "(skew, decoders, initial values) is not in it."
)
_FLAT_NOTE: Final = (
    "Blocks are of a netlist that keeps the hierarchy; the figures above are flattened."
)

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MappedFigures:
    """One mapped netlist: its figures.

    Parameters
    ----------
    recipe
        That gave it, the best of the set.
    area_um2
        Of all cells.
    cells, flip_flops
        How many; flip-flops are cells too.
    delay_ns
        Smallest clock period.
    energy
        Of a checked run of it without delays; of an array, of one of its cells.
    timed
        The same with delays, so that glitches count.
    """

    recipe: str
    area_um2: float
    cells: int
    flip_flops: int
    delay_ns: float
    energy: EnergyReport
    timed: EnergyReport


@dataclass(frozen=True, slots=True)
class HardwareReport:
    """One piece of hardware in one technology.

    Parameters
    ----------
    name, kind
        Its module, and ``"pe"``, ``"array"`` or ``"requantizer"``.
    technology
        Name of the library.
    nand2_um2
        Area of its smallest two-input NAND.
    clock_ns
        Period at which leakage becomes an energy, and that the mapping aims at.
    recipes
        Names of all recipes tried.
    delay_source
        Which tool the critical path is from.
    whole
        The netlist whose figures are the answer: flattened; of an array the same as `kept`.
    kept
        The netlist that keeps the hierarchy.
    block_area_um2
        Area of `kept` by block.
    acc_width, sum_bound
        Bits of an accumulator, and the largest magnitude of a sum that they are for.
    """

    name: str
    kind: str
    technology: str
    nand2_um2: float
    clock_ns: float
    recipes: Sequence[str]
    delay_source: str
    whole: MappedFigures
    kept: MappedFigures
    block_area_um2: Mapping[str, float]
    acc_width: int
    sum_bound: int

    @property
    def energy(self) -> EnergyReport:
        """Energy of `whole`."""
        return self.whole.energy

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know about the figures, a sentence each."""
        return (*_NOTES, _ARRAY_NOTE if self.kind == "array" else _FLAT_NOTE)

    def as_json(self) -> dict[str, Any]:
        """All figures; keys carry their unit. Energies are those of one operation."""
        energy = self.energy
        split, timed = self.kept.energy, self.kept.timed
        return {
            "name": self.name,
            "kind": self.kind,
            "technology": self.technology,
            "clock_ns": self.clock_ns,
            "recipes": list(self.recipes),
            "recipe": self.whole.recipe,
            "acc_width": self.acc_width,
            "sum_bound": self.sum_bound,
            "area_um2": self.whole.area_um2,
            "area_nand2": self.whole.area_um2 / self.nand2_um2,
            "cells": self.whole.cells,
            "flip_flops": self.whole.flip_flops,
            "delay_ns": self.whole.delay_ns,
            "delay_source": self.delay_source,
            "energy_fj": energy.dynamic_j * 1e15,
            "energy_switching_fj": energy.part_j("switching") * 1e15,
            "energy_internal_fj": energy.part_j("internal") * 1e15,
            "energy_clock_fj": energy.part_j("clock") * 1e15,
            "energy_glitch_fj": self.whole.timed.dynamic_j * 1e15,
            "leakage_fj": energy.leakage_j * 1e15,
            "leakage_nw": energy.leakage_w * 1e9,
            "energy_per": energy.operations,
            "energy_module": energy.top,
            "delay_model": self.whole.timed.delay_model,
            "operands": energy.operands,
            "operations": energy.count,
            "simulated_cycles": energy.cycles,
            "checked": energy.checked,
            "hierarchical": {
                "recipe": self.kept.recipe,
                "area_um2": self.kept.area_um2,
                "cells": self.kept.cells,
                "flip_flops": self.kept.flip_flops,
                "energy_fj": split.dynamic_j * 1e15,
                "energy_glitch_fj": timed.dynamic_j * 1e15,
                "blocks": [
                    {
                        "block": block,
                        "area_um2": area,
                        "area_nand2": area / self.nand2_um2,
                        "energy_fj": split.block_j(block) * 1e15 if block in split.blocks else None,
                        "energy_glitch_fj": (
                            timed.block_j(block) * 1e15 if block in timed.blocks else None
                        ),
                    }
                    for block, area in self.block_area_um2.items()
                ],
            },
            "notes": list(self.notes),
        }

    def json_text(self) -> str:
        """:meth:`as_json` as text."""
        return json.dumps(self.as_json(), indent=2, ensure_ascii=False) + "\n"

    def figures(self) -> list[Row]:
        """Rows of (what, figure) for the whole."""
        energy = self.energy
        whole = self.whole
        nand2 = whole.area_um2 / self.nand2_um2
        meets = "meets" if whole.delay_ns <= self.clock_ns else "does not meet"
        own = self.delay_source == "tables"
        source = "from the library's tables, no wires" if own else self.delay_source
        late = f"{meets} the clock of {self.clock_ns:g} ns"
        return [
            ("technology", self.technology),
            ("recipe", f"{whole.recipe} (best of {', '.join(self.recipes)})"),
            ("accumulator", f"{self.acc_width} bits: no sum beyond ±{self.sum_bound:,}"),
            ("area", f"{whole.area_um2:,.1f} µm² ({nand2:,.0f} NAND2 equivalents)"),
            ("cells", f"{whole.cells:,}, of them {whole.flip_flops:,} flip-flops"),
            ("critical path", f"{whole.delay_ns:.3f} ns ({source}), {late}"),
            (f"energy per {energy.operations}", self._energy_text(energy)),
            ("with glitches", f"{whole.timed.dynamic_j * 1e15:.1f} fJ"),
            (
                "leakage",
                f"{energy.leakage_w * 1e9:.2f} nW, {energy.leakage_j * 1e15:.3f} fJ per "
                f"{energy.operations} at {self.clock_ns:g} ns",
            ),
            (
                "operands",
                f"{energy.operands}: {energy.count:,} {energy.operations}s, "
                f"{energy.checked:,} results equal to golden",
            ),
        ]

    def _energy_text(self, energy: EnergyReport) -> str:
        parts = ", ".join(
            f"{part} {energy.part_j(part) * 1e15:.1f}"
            for part in ("switching", "internal", "clock")
        )
        where = "" if energy.top == self.name else f"; of one {energy.top}"
        return f"{energy.dynamic_j * 1e15:.1f} fJ ({parts}{where})"

    def block_rows(self) -> list[Row]:
        """Rows of (block, µm², share, NAND2, fJ, fJ with glitches, its share) and their total.

        Of the netlist that keeps the hierarchy.
        """
        energy, timed = self.kept.energy, self.kept.timed
        rows = [
            self._block_row(
                block, area, (energy.block_j(block), timed.block_j(block))
                if block in energy.blocks
                else None,
            )
            for block, area in self.block_area_um2.items()
        ]  # fmt: skip
        whole = energy.dynamic_j, timed.dynamic_j
        return [*rows, self._block_row("total", self.kept.area_um2, whole)]

    def _block_row(self, block: str, area: float, energies_j: tuple[float, float] | None) -> Row:
        simulated: Row = ("–", "–", "–")
        if energies_j is not None:
            share = energies_j[1] / self.kept.timed.dynamic_j
            simulated = (*(f"{energy * 1e15:.1f}" for energy in energies_j), f"{share:.1%}")
        return (
            block,
            f"{area:,.1f}",
            f"{area / self.kept.area_um2:.1%}",
            f"{area / self.nand2_um2:,.0f}",
            *simulated,
        )

    @property
    def block_header(self) -> Row:
        """Headings of :meth:`block_rows`."""
        per = f"fJ per {self.energy.operations}"
        return ("block", "µm²", "share", "NAND2", per, "with glitches", "share")

    def markdown(self) -> str:
        """Both tables, and what to know about them."""
        lines = [f"# {self.name}", "", "| | |", "|---|---|"]
        lines += [f"| {' | '.join(row)} |" for row in self.figures()]
        lines += ["", f"By block (hierarchy kept, recipe {self.kept.recipe}):", ""]
        lines += [f"| {' | '.join(self.block_header)} |", "|---" + "|---:" * 6 + "|"]
        lines += [f"| {' | '.join(row)} |" for row in self.block_rows()]
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes), ""])
