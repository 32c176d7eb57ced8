"""Whether the netlist of mapped cells does what the Verilog does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from afp_hw import tools
from afp_hw.certify.check import Check
from afp_hw.certify.gates import TOP, gates_verilog, miter_verilog
from afp_hw.certify.induction import Prover
from afp_hw.certify.proofs import proof_check
from afp_hw.certify.simulation import Device, gate_run, pairs_checks, sums_checks
from afp_hw.certify.solver import Solver
from afp_hw.certify.system import transition_system
from afp_hw.design import Design
from afp_hw.synth.flow import synthesize
from afp_hw.synth.netlist import Netlist, read_netlist
from afp_hw.synth.recipes import RECIPES, Recipe
from afp_hw.synth.technology import Technology

CLAIMS: Final = {
    "same_valid": "o_valid of the netlist is that of the Verilog in every cycle after a reset",
    "same_sum": "o_acc of the netlist is that of the Verilog from the first step on",
}


def recipe_of(name: str) -> Recipe:
    """The synthesis recipe `name`.

    Raises
    ------
    ValueError
        There is none.
    """
    known = {recipe.name: recipe for recipe in RECIPES}
    if name not in known:
        raise ValueError(f"--recipe must be one of {', '.join(known)}, not {name!r}")
    return known[name]


@dataclass(frozen=True, eq=False)
class Mapped:
    """What synthesis made of the Verilog: the netlist, and its Verilog text."""

    netlist: Netlist
    verilog: str


def mapped(
    design: Design,
    verilog: str,
    technology: Technology,
    recipe: Recipe,
    clock_ns: float,
    work: Path,
) -> Mapped:
    """Synthesise the Verilog of a PE, flattened, in the folder `work`.

    Raises
    ------
    ToolError
        Yosys failed.
    """
    work.mkdir(parents=True, exist_ok=True)
    source = work / "source.v"
    source.write_text(verilog, encoding="utf-8")
    report = synthesize(
        [source], design.pe_name, technology, recipe, clock_ns=clock_ns, work_dir=work
    )
    netlist = read_netlist(report.netlist_json, technology.cells, top=design.pe_name)
    return Mapped(netlist, report.netlist_verilog.read_text(encoding="utf-8"))


def formal_checks(
    design: Design, verilog: str, netlist: Netlist, solver: Solver, folder: Path
) -> list[Check]:
    """Netlist and Verilog side by side, for every input sequence, by induction."""
    text = verilog + gates_verilog(netlist) + miter_verilog(design)
    prover = Prover(transition_system(text, TOP, folder), solver, folder)
    return [
        proof_check(
            f"netlist-{name}",
            claim,
            "k-induction on both side by side",
            prover.induction(name, design.pe_latency + 1, by_kind=name == "same_sum"),
            solver,
        )
        for name, claim in CLAIMS.items()
    ]


def netlist_checks(
    design: Design, verilog: str, netlist: Netlist, solver: Solver | None, folder: Path, seed: int
) -> list[Check]:
    """Formal where that finishes, and in any other case simulation of the netlist as well."""
    if solver is not None:
        checks = formal_checks(design, verilog, netlist, solver, folder)
        if {check.state for check in checks} <= {"holds", "fails"}:
            return checks
    else:
        missing = "z3-solver must be installed (pip install 'afp-hw[formal]')"
        checks = [
            Check(f"netlist-{name}", claim, "none", "none", "skipped", missing)
            for name, claim in CLAIMS.items()
        ]
    yosys = tools.require("pyosys").version
    engine = f"gate-level simulation of the netlist of pyosys {yosys}"
    device = Device("netlist", "the netlist", engine, gate_run(netlist))
    return checks + pairs_checks(design, device, seed) + sums_checks(design, device, seed)
