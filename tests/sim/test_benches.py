"""The generated Verilog under cocotb, against the golden model with tolerance 0.

Verilator runs every design; Icarus, which knows X, runs them where it is installed.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from afp_hw import AFPFormat
from afp_hw.design import Design
from sim.runner import run_bench

SIMULATORS = [
    "verilator",
    pytest.param(
        "icarus",
        marks=pytest.mark.skipif(
            shutil.which("iverilog") is None, reason="needs Icarus Verilog (apt install iverilog)"
        ),
    ),
]


def design(weights: str, acts: str, **parameters: object) -> Design:
    """A design from its formats' names."""
    return Design(AFPFormat.parse(weights), AFPFormat.parse(acts), **parameters)


# Each format of the list stands once as weight; activations differ, some are unsigned. Lanes,
# pipeline depth and gating go round with them.
PES = [
    design("e0m4", "e3m2", k=96, lanes=2),
    design("e0m7", "ue0m7", k=80, pipeline=2),
    design("e1m3", "ue1m3", k=64, lanes=3, pipeline=0),
    design("e2m1", "e2m1", k=96, lanes=4, gate_zeros=True),
    design("e2m3", "ue3m2", k=64, pipeline=3),
    design("e3m0", "e3m0", k=96, lanes=8, pipeline=2, gate_zeros=True),
    design("e3m1", "ue3m2", k=4608),
    design("e3m2", "e0m5", k=64, lanes=2, pipeline=3, gate_zeros=True),
    design("e4m3", "e4m3", k=48),
    design("e5m2", "ue5m2", k=40, lanes=2, pipeline=1),
    design("e3m1", "e3m1", k=7, lanes=5, pipeline=1, gate_zeros=True),
    design("e1m0", "ue0m1", k=1, pipeline=0),
]

ARRAYS = [
    design("e3m1", "ue3m2", k=200, rows=4, cols=3),
    design("e0m4", "e2m1", k=120, rows=3, cols=4, lanes=3, pipeline=3, init_max=0),
    design("e2m3", "ue4m0", k=60, rows=5, cols=2, lanes=2, pipeline=0, gate_zeros=True),
    design("e5m2", "e5m2", k=30, rows=1, cols=1, init_max=7),
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
    design("e0m4", "e1m3", lanes=1, k=50, gate_zeros=True),
    design("e5m2", "e3m0", lanes=8, k=9),
]


def run(bench: str, built: Design, simulator: str, folder: Path, tests: int) -> None:
    assert run_bench(bench, built, simulator, folder) == tests


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("built", PES, ids=lambda built: built.pe_name)
def test_pe_is_exact(built: Design, simulator: str, tmp_path: Path) -> None:
    run("pe", built, simulator, tmp_path, 6)


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("built", ARRAYS, ids=lambda built: built.array_name)
def test_array_is_exact(built: Design, simulator: str, tmp_path: Path) -> None:
    run("array", built, simulator, tmp_path, 5)


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("built", REQUANTIZERS, ids=lambda built: built.requantizer_name)
def test_requantizer_is_exact(built: Design, simulator: str, tmp_path: Path) -> None:
    run("requantizer", built, simulator, tmp_path, 4)


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("built", PARTS, ids=lambda built: built.pe_name)
@pytest.mark.parametrize(
    ("part", "tests"),
    [
        ("decoder", 2),
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
    run(part, built, simulator, tmp_path, tests)
