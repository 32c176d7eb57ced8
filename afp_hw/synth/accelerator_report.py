"""What synthesis found of an accelerator, as JSON, Markdown and rows for a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from afp_hw.verilog.memories import Memory

_NOTES: Final = (
    "Area is that of the logic: memories are boxes, for macros of the technology; their bits are "
    "listed.",
    "Paths end at what goes into a memory and begin with what comes out of it, at the clock edge: "
    "a macro's access time comes on top of the path behind it.",
    "Parts are of a netlist that keeps the hierarchy; the figures above are flattened.",
    "No wires and no clock tree. Energy is not measured: afp-hw synth array has that of the cells, "
    "afp-hw energy that of layers, memories included.",
)
_PARTS: Final = {
    "array": "array",
    "edge": "column edges",
    "feed": "activations and weights",
    "side": "side operand",
    "load": "load engine",
    "read": "read DMA",
    "write": "write DMA",
    "out": "output buffer",
    "core": "compute core, other",
    "top": "counters, other",
}

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AcceleratorReport:
    """An accelerator in one technology.

    Parameters
    ----------
    name
        Its module.
    technology
        Name of the library.
    nand2_um2
        Area of its smallest two-input NAND.
    clock_ns
        Period for which gates were sized.
    recipes, recipe
        Those tried, and the best.
    area_um2, cells, flip_flops
        Of the logic, flattened.
    delay_ns
        Smallest clock period with memories that take no time, from the library's tables.
    into_memories_ns
        When the last input of a memory is there, behind the clock edge.
    out_of_memories_ns
        Longest path that begins at the output of a memory, the memory's own time not included.
    parts_um2
        Area by part, the largest first, of a netlist that keeps the hierarchy.
    memories
        As :func:`.memories_of` finds them.
    """

    name: str
    technology: str
    nand2_um2: float
    clock_ns: float
    recipes: tuple[str, ...]
    recipe: str
    area_um2: float
    cells: int
    flip_flops: int
    delay_ns: float
    into_memories_ns: float
    out_of_memories_ns: float
    parts_um2: Mapping[str, float]
    memories: tuple[Memory, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know about the figures, a sentence each."""
        return _NOTES

    @property
    def memory_bits(self) -> int:
        """Bits of all memories."""
        return sum(memory.bits for memory in self.memories)

    def as_json(self) -> dict[str, Any]:
        """All figures; keys carry their unit."""
        return {
            "name": self.name,
            "kind": "accelerator",
            "technology": self.technology,
            "clock_ns": self.clock_ns,
            "recipes": list(self.recipes),
            "recipe": self.recipe,
            "area_um2": self.area_um2,
            "area_nand2": self.area_um2 / self.nand2_um2,
            "cells": self.cells,
            "flip_flops": self.flip_flops,
            "delay_ns": self.delay_ns,
            "delay_source": "tables",
            "into_memories_ns": self.into_memories_ns,
            "out_of_memories_ns": self.out_of_memories_ns,
            "parts": [
                {"part": part, "area_um2": area, "area_nand2": area / self.nand2_um2}
                for part, area in self.parts_um2.items()
            ],
            "memory_bits": self.memory_bits,
            "memories": [
                {
                    "module": memory.module,
                    "words": memory.words,
                    "width": memory.width,
                    "count": len(memory.places),
                    "bits": memory.bits,
                    "places": list(memory.places),
                }
                for memory in self.memories
            ],
            "notes": list(self.notes),
        }

    def json_text(self) -> str:
        """:meth:`as_json` as text."""
        return json.dumps(self.as_json(), indent=2, ensure_ascii=False) + "\n"

    def figures(self) -> list[Row]:
        """Rows of (what, figure) for the whole."""
        meets = "meets" if self.delay_ns <= self.clock_ns else "does not meet"
        return [
            ("technology", self.technology),
            ("recipe", f"{self.recipe} (best of {', '.join(self.recipes)})"),
            (
                "area of logic",
                f"{self.area_um2:,.0f} µm² ({self.area_um2 / self.nand2_um2:,.0f} NAND2 "
                "equivalents)",
            ),
            ("cells", f"{self.cells:,}, of them {self.flip_flops:,} flip-flops"),
            (
                "critical path",
                f"{self.delay_ns:.3f} ns (from the library's tables, no wires), {meets} the clock "
                f"of {self.clock_ns:g} ns",
            ),
            (
                "around memories",
                f"inputs {self.into_memories_ns:.3f} ns behind the clock edge; longest path behind "
                f"an output {self.out_of_memories_ns:.3f} ns",
            ),
            ("memories", f"{self.memory_bits:,} bits ({self.memory_bits / 8192:,.1f} KiB)"),
        ]

    part_header: ClassVar[Row] = ("part", "µm²", "share", "NAND2")

    def part_rows(self) -> list[Row]:
        """Rows of (part, µm², share, NAND2) and their total."""
        whole = sum(self.parts_um2.values())
        rows = {_PARTS.get(part, part): area for part, area in self.parts_um2.items()}
        return [
            (part, f"{area:,.0f}", f"{area / whole:.1%}", f"{area / self.nand2_um2:,.0f}")
            for part, area in [*rows.items(), ("total", whole)]
        ]

    memory_header: ClassVar[Row] = ("memory", "words", "bits of a word", "count", "bits")

    def memory_rows(self) -> list[Row]:
        """Rows of (module, words, bits of a word, count, bits) and their total."""
        rows: list[Row] = [
            (
                memory.module,
                f"{memory.words:,}",
                str(memory.width),
                str(len(memory.places)),
                f"{memory.bits:,}",
            )
            for memory in self.memories
        ]
        count = sum(len(memory.places) for memory in self.memories)
        return [*rows, ("total", "", "", str(count), f"{self.memory_bits:,}")]

    def markdown(self) -> str:
        """The tables, and what to know about them."""
        lines = [f"# {self.name}", "", "| | |", "|---|---|"]
        lines += [f"| {' | '.join(row)} |" for row in self.figures()]
        for title, header, rows in (
            ("By part", self.part_header, self.part_rows()),
            ("Memories", self.memory_header, self.memory_rows()),
        ):
            lines += ["", f"{title}:", "", f"| {' | '.join(header)} |"]
            lines += ["|---" + "|---:" * (len(header) - 1) + "|"]
            lines += [f"| {' | '.join(row)} |" for row in rows]
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes), ""])
