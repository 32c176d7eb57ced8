"""What a design needs of an FPGA, as JSON, Markdown and rows for a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from afp_hw.synth.fpga_devices import find_device

Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class FpgaReport:
    """One piece of hardware on one FPGA.

    Parameters
    ----------
    family, device
        ``"ecp5"`` or ``"ice40"``, and the device as nextpnr calls it.
    name
        Of the design's module.
    luts
        Four-input LUTs: those of logic, and on an ECP5 two for each carry cell and four for each
        small memory made of LUTs, which occupy them.
    flip_flops
        Of the design alone, as all counts are.
    carries
        Carry cells: of two bits each on an ECP5, of one on an iCE40.
    dsps, brams
        Multiplier blocks and block RAMs.
    cell_counts
        Cells by kind, sorted.
    logic_cells
        LUTs with their flip-flops that the packed design occupies, carries included; None without
        nextpnr.
    fmax_mhz
        Highest clock frequency after place and route, inputs and outputs registered; None without
        nextpnr.
    fmax_of_design
        Whether the path that limits `fmax_mhz` touches the design; otherwise it is one of the
        harness, and the design alone is faster. None without nextpnr.
    clock_ns
        Period that place and route aimed at.
    seed
        Of place and route.
    mapper, placer
        Tools and their versions; no `placer` where nextpnr is not installed.
    """

    family: str
    device: str
    name: str
    luts: int
    flip_flops: int
    carries: int
    dsps: int
    brams: int
    cell_counts: Mapping[str, int]
    logic_cells: int | None
    fmax_mhz: float | None
    fmax_of_design: bool | None
    clock_ns: float
    seed: int
    mapper: str
    placer: str | None

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know about the figures, a sentence each."""
        counts = "Counts are those of the design alone"
        if self.fmax_mhz is None:
            return (
                f"{counts}. Fmax and packed logic cells need nextpnr-{self.family}, which is not "
                "installed (pip install 'afp-hw[fpga]').",
            )
        around = (
            f"{counts}. For Fmax its inputs come from flip-flops and its outputs go into some: a "
            "harness with three pins stands around it."
        )
        seeds = "Another seed places otherwise and moves Fmax by some percent."
        if self.fmax_of_design:
            return (around, seeds)
        slow = "The slowest path is one of that harness: the design alone is faster."
        return (around, slow, seeds)

    def as_json(self) -> dict[str, Any]:
        """All figures; keys carry their unit."""
        device = find_device(self.family, self.device)
        return {
            "name": self.name,
            "family": self.family,
            "device": self.device,
            "part": device.part,
            "package": device.package,
            "speed_grade": device.speed or None,
            "luts": self.luts,
            "flip_flops": self.flip_flops,
            "carries": self.carries,
            "dsps": self.dsps,
            "brams": self.brams,
            "logic_cells": self.logic_cells,
            "device_logic_cells": device.logic_cells,
            "device_dsps": device.dsps,
            "device_brams": device.brams,
            "cell_counts": dict(self.cell_counts),
            "fmax_mhz": self.fmax_mhz,
            "fmax_of_design": self.fmax_of_design,
            "clock_ns": self.clock_ns,
            "seed": self.seed,
            "mapper": self.mapper,
            "placer": self.placer,
            "notes": list(self.notes),
        }

    def json_text(self) -> str:
        """:meth:`as_json` as text."""
        return json.dumps(self.as_json(), indent=2, ensure_ascii=False) + "\n"

    def figures(self) -> list[Row]:
        """Rows of (what, figure)."""
        device = find_device(self.family, self.device)
        return [
            ("device", device.description),
            ("LUTs", f"{self.luts:,} of four inputs; {self.carries:,} carry cells"),
            ("flip-flops", f"{self.flip_flops:,}"),
            ("DSPs", f"{self.dsps:,} of {device.dsps:,}"),
            ("block RAMs", f"{self.brams:,} of {device.brams:,}"),
            ("logic cells", self._packed_text(device.logic_cells)),
            ("Fmax", self._fmax_text()),
            ("tools", self._tools_text()),
        ]

    def _packed_text(self, available: int) -> str:
        if self.logic_cells is None:
            return "–"
        share = self.logic_cells / available
        return f"{self.logic_cells:,} of {available:,} ({share:.1%}), packed"

    def _fmax_text(self) -> str:
        if self.fmax_mhz is None:
            return "–"
        meets = "meets" if self.fmax_mhz * self.clock_ns >= 1000 else "does not meet"
        return f"{self.fmax_mhz:.1f} MHz, {meets} the clock of {self.clock_ns:g} ns"

    def _tools_text(self) -> str:
        return f"{self.mapper}; {self.placer}, seed {self.seed}" if self.placer else self.mapper

    def markdown(self) -> str:
        """The table, and what to know about it."""
        lines = [f"# {self.name}", "", "| | |", "|---|---|"]
        lines += [f"| {' | '.join(row)} |" for row in self.figures()]
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes), ""])
