"""The generated Verilog under cocotb, against the golden model with tolerance 0.

Verilator runs every design; Icarus, which knows X, runs them where it is installed.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from afp_hw import AFPFormat
from afp_hw.design import Design
from afp_hw.formats import parse_number
from sim.runner import run_bench

SIMULATORS = ("verilator", "icarus")
HAS_ICARUS = pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="needs Icarus Verilog (apt install iverilog)"
)


def design(weights: str, acts: str, **parameters: object) -> Design:
    """A design from its formats' names."""
    return Design(parse_number(weights), parse_number(acts), **parameters)


ALL = ("significand", "product", "tree", "sum")
EDGE = {"decode": "edge"}
BUILT = {"multiplier": "compressed"}
PLAIN = {"gate_zeros": False}

# Each format of the list stands once as weight; activations differ, some are unsigned. Lanes and
# the options go round with them, so that each option meets each other one.
PES = [
    design("e0m4", "e3m2", k=96, lanes=2, registers=("product",), **EDGE, **PLAIN),
    design(
        "e0m7",
        "ue0m7",
        k=80,
        registers=("product", "sum"),
        segments=(5, 6),
        **BUILT,
        **EDGE,
        **PLAIN,
    ),
    design("e1m3", "ue1m3", k=64, lanes=3, **PLAIN),
    design("e2m1", "e2m1", k=96, lanes=4, **BUILT, registers=("product",)),
    design(
        "e2m3",
        "ue3m2",
        k=64,
        registers=("significand", "product", "sum"),
        segments=(12,),
        **EDGE,
        **PLAIN,
    ),
    design("e3m0", "e3m0", k=96, lanes=8, registers=("product", "tree"), **EDGE),
    design("e3m1", "ue3m2", k=4608, registers=("product",), **EDGE, **PLAIN),
    design("e3m1", "e3m1", k=1024, segments=(6, 7)),
    design("e3m2", "e0m5", k=64, lanes=2, registers=("significand", "sum"), **BUILT, **EDGE),
    design("e4m3", "e4m3", k=48, registers=("significand",), segments=(20,), **BUILT, **EDGE),
    design("e5m2", "ue5m2", k=40, lanes=2, registers=("product",)),
    design("e3m1", "e3m1", k=7, lanes=5, registers=ALL, segments=(9,), **EDGE),
    design("e4m3", "e3m2", k=30, lanes=7, registers=("tree",), **BUILT, **EDGE, **PLAIN),
    design("e1m0", "ue0m1", k=1, sum_max=300, **EDGE, **PLAIN),
    design("int8", "int8", k=70, registers=("product",), **EDGE, **PLAIN),
    design("int8", "uint8", k=60, segments=(14,), **BUILT, **EDGE),
    design("int4", "int8", k=33, lanes=5, registers=("tree",), **BUILT, **EDGE),
    design("int3", "uint2", k=20, lanes=16, registers=ALL, sum_max=2**31 - 1, **EDGE, **PLAIN),
    design("int5", "int6", k=44, lanes=4, segments=(3, 4), **BUILT, **EDGE, **PLAIN),
]

ARRAYS = [
    design("e3m1", "ue3m2", k=200, rows=4, cols=3, registers=("product",), **EDGE, **PLAIN),
    design(
        "e0m4", "e2m1", k=120, rows=3, cols=4, lanes=3, registers=ALL, init_max=0, **EDGE, **PLAIN
    ),
    design("e2m3", "ue4m0", k=60, rows=5, cols=2, lanes=2, **EDGE),
    design("e3m1", "e3m1", k=90, rows=3, cols=3, segments=(6, 7)),
    design("int8", "int8", k=50, rows=2, cols=3, lanes=2, **BUILT, registers=("product",), **EDGE),
    design(
        "e5m2", "e5m2", k=30, rows=1, cols=1, init_max=7, registers=("product",), **EDGE, **PLAIN
    ),
]

REQUANTIZERS = [
    design("e3m1", "ue3m2", k=200),
    design("e3m1", "e3m2", outs=AFPFormat.parse("e5m3"), k=4608),
    design("e0m4", "e0m4", outs=AFPFormat.parse("e0m7"), k=10, init_max=0),
    design("e3m1", "e3m0", outs=AFPFormat.parse("ue4m0"), k=1),
    design("e4m3", "e4m3", outs=AFPFormat.parse("e1m10"), k=33),
]

PARTS = [
    design("e3m1", "ue3m2", lanes=3, k=50),
    design("e3m1", "e3m1", lanes=1, k=50, segments=(6, 7)),
    design("e0m4", "e1m3", lanes=1, k=50, segments=(7,)),
    design("e5m2", "e3m0", lanes=8, k=9, segments=(30, 8), **BUILT),
    design("e4m3", "e4m3", lanes=5, k=9, **BUILT),
    design("int8", "uint8", lanes=4, k=21, segments=(8, 8), **BUILT),
    design("int5", "int4", lanes=1, k=21),
]


def cases(designs: list[Design], name: str, quick: int) -> list[object]:
    """Each design on each simulator; slow tests are all but the first few, and many lanes.

    `quick` designs run on Icarus in every run, and four times as many on Verilator.
    """
    found = []
    for index, built in enumerate(designs):
        for simulator in SIMULATORS:
            marks = [HAS_ICARUS] if simulator == "icarus" else []
            many = built.lanes > 3
            if many or index >= (quick if simulator == "icarus" else 4 * quick):
                marks.append(pytest.mark.slow)
            name_of_case = f"{getattr(built, name)}-{simulator}"
            found.append(pytest.param(built, simulator, id=name_of_case, marks=marks))
    return found


def run(bench: str, built: Design, simulator: str, folder: Path, tests: int) -> None:
    assert run_bench(bench, built, simulator, folder) == tests


@pytest.mark.parametrize(("built", "simulator"), cases(PES, "pe_name", 3))
def test_pe_is_exact(built: Design, simulator: str, tmp_path: Path) -> None:
    run("pe", built, simulator, tmp_path, 6)


@pytest.mark.parametrize(("built", "simulator"), cases(ARRAYS, "array_name", 2))
def test_array_is_exact(built: Design, simulator: str, tmp_path: Path) -> None:
    run("array", built, simulator, tmp_path, 5)


@pytest.mark.parametrize(("built", "simulator"), cases(REQUANTIZERS, "requantizer_name", 2))
def test_requantizer_is_exact(built: Design, simulator: str, tmp_path: Path) -> None:
    run("requantizer", built, simulator, tmp_path, 4)


@pytest.mark.parametrize(("built", "simulator"), cases(PARTS, "pe_name", 1))
@pytest.mark.parametrize(
    ("part", "tests"),
    [
        ("decoder", 1),
        ("exponent_adder", 1),
        ("multiplier", 1),
        ("shifter", 1),
        ("lane_sum", 1),
        ("accumulator", 1),
    ],
)
def test_part_is_exact(
    part: str, tests: int, built: Design, simulator: str, tmp_path: Path
) -> None:
    if part in ("exponent_adder", "shifter") and built.integers:
        pytest.skip("integers have no such part")
    if part == "exponent_adder" and built.shift_excess < 2:
        pytest.skip("one operand has no shift")
    run(part, built, simulator, tmp_path, tests)
