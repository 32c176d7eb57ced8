"""The floating-point PE's Verilog under cocotb, against the golden model with tolerance 0."""

from __future__ import annotations

from pathlib import Path

import pytest

from afp_hw.design.float_design import FloatDesign
from afp_hw.formats import FloatFormat
from sim.runner import run_bench


def design(
    weights: str, acts: str, stages: int, *, gate_zeros: bool, bank_sums: bool = False
) -> FloatDesign:
    """A design from its formats' names."""
    formats = FloatFormat.parse(weights), FloatFormat.parse(acts)
    return FloatDesign(*formats, stages, gate_zeros, bank_sums)


# Each format with a narrow loop and a wide one; stages and gating go round with them. The mixture
# of FP8 runs through its pairs with and without interleaved sums.
DESIGNS = [
    design("fp8e4m3", "fp8e4m3", 6, gate_zeros=True, bank_sums=True),
    design("fp8e4m3", "fp8e5m2", 3, gate_zeros=False),
    design("fp8e5m2", "fp8e4m3", 1, gate_zeros=True),
    design("fp8e5m2", "fp8e5m2", 5, gate_zeros=True),
    design("fp16", "fp16", 2, gate_zeros=True),
    design("fp16", "fp16", 6, gate_zeros=False),
    design("bf16", "bf16", 4, gate_zeros=True),
    design("bf16", "bf16", 5, gate_zeros=True, bank_sums=True),
    design("bf16", "bf16", 1, gate_zeros=False),
    design("tf32", "tf32", 3, gate_zeros=True),
    design("bf16", "bf16", 7, gate_zeros=False),
    design("tf32", "tf32", 6, gate_zeros=False),
    design("fp32", "fp32", 7, gate_zeros=True, bank_sums=True),
    design("fp32", "fp32", 4, gate_zeros=False),
]


# One of FP8 and one with a rank more, always; the others take minutes.
QUICK = {"fp8e5m2 fp8e4m3 1", "bf16 bf16 4"}


def cases() -> list[object]:
    """All designs, slow ones marked."""
    marked = []
    for built in DESIGNS:
        quick = f"{built.weights} {built.acts} {built.stages}" in QUICK
        marks = () if quick else (pytest.mark.slow,)
        marked.append(pytest.param(built, id=built.pe_name, marks=marks))
    return marked


@pytest.mark.parametrize("built", cases())
def test_floating_point_pe_is_exact(built: FloatDesign, tmp_path: Path) -> None:
    assert run_bench("float_pe", built, "verilator", tmp_path) == 8
