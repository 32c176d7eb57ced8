"""What is proven of a processing element's Verilog, for every input sequence."""

from __future__ import annotations

from pathlib import Path

from afp_hw.certify.check import Check
from afp_hw.certify.induction import Outcome, Prover
from afp_hw.certify.reference import TOP, Reference
from afp_hw.certify.solver import Solver
from afp_hw.certify.system import transition_system
from afp_hw.design import Design


def _claims(design: Design) -> dict[str, str]:
    latency = design.pe_latency
    if design.sum_max is None:
        within = f"of at most {design.k} products that are not zero"
    else:
        within = f"that stay within {design.sum_max}"
    return {
        "reset": f"o_valid is 0 until {latency} clock edges after a reset",
        "tags": f"o_valid comes with latency {latency} of every step that has i_valid and i_last, "
        "unless a reset came since, and at no other time",
        "sum_low": "from the first step on o_acc is the sum of the products, modulo its width",
        "bound": f"the sum of n products is at most n * {design.max_product} in magnitude",
        "exact": f"o_acc is the sum itself in all reductions {within}: it never overflows",
    }


def proof_checks(design: Design, verilog: str, solver: Solver | None, folder: Path) -> list[Check]:
    """Properties of :mod:`afp_hw.certify.reference`, each proven, refuted or as far as it went.

    Raises
    ------
    ToolError
        Yosys or the solver failed.
    """
    claims = _claims(design)
    reference = Reference(design)
    if not reference.proven_bound:
        del claims["bound"]
    if solver is None:
        return skipped(claims, "z3-solver must be installed (pip install 'afp-hw[formal]')")
    system = transition_system(verilog + reference.verilog(), TOP, folder)
    prover = Prover(system, solver, folder, "assumed")
    depth = design.pe_latency + 1
    lemmas = [name for name in ("sum_low", "bound") if name in claims]
    checks = []
    held = set()
    for name, claim in claims.items():
        if name == "exact":
            method = f"SAT: follows from {' and '.join(f'proof-{lemma}' for lemma in lemmas)}"
            lacking = [lemma for lemma in lemmas if lemma not in held]
            outcome = (
                Outcome("open", f"proof-{lacking[0]} does not hold", 0)
                if lacking
                else prover.consequence(name, lemmas)
            )
        else:
            method = "k-induction"
            outcome = prover.induction(name, depth, by_kind=name == "sum_low")
        if outcome.state == "holds":
            held.add(name)
        checks.append(proof_check(f"proof-{name}", claim, method, outcome, solver))
    return checks


def proof_check(key: str, claim: str, method: str, outcome: Outcome, solver: Solver) -> Check:
    """A check from what a proof came to."""
    figures = (("depth", outcome.depth), ("limit", solver.limit))
    return Check(key, claim, method, solver.engine, outcome.state, outcome.reason, figures)


def skipped(claims: dict[str, str], reason: str) -> list[Check]:
    """All of them as not done."""
    return [
        Check(f"proof-{name}", claim, "none", "none", "skipped", reason)
        for name, claim in claims.items()
    ]
