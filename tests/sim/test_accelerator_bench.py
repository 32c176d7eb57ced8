"""The whole accelerator's Verilog under cocotb, between the bus models of cocotbext-axi."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from afp_hw import AFPFormat
from afp_hw.design import AcceleratorDesign, Design
from sim.runner import run_bench
from tests.sim.test_benches import HAS_ICARUS

if importlib.util.find_spec("cocotbext") is None:
    pytest.skip("needs cocotbext-axi (pip install 'afp-hw[sim]')", allow_module_level=True)

ARRAY = Design(AFPFormat(3, 1), AFPFormat(3, 2), rows=2, cols=2, k=1 << 10, init_max=1 << 22)

SMALL = AcceleratorDesign(
    ARRAY,
    data_width=64,
    act_bytes=512,
    wgt_bytes=1024,
    side_bytes=512,
    out_words=64,
    pixels=32,
    channel_tiles=4,
    outstanding=3,
    burst=4,
)
# Records of two beats, bursts of one; grids of each image's own on a wide bus.
WIDE = replace(SMALL, array=replace(ARRAY, init_max=1 << 40), burst=1, outstanding=1)
DYNAMIC = replace(
    SMALL,
    array=replace(ARRAY, rows=4, lanes=2, cols=4, registers=("product", "sum"), gate_zeros=False),
    data_width=256,
    act_bytes=1024,
    wgt_bytes=2048,
    side_bytes=1024,
    burst=16,
    outstanding=8,
    dynamic=True,
)

# Icarus knows no product of 0 and X, which is what a gated operand is before it is first loaded.
PLAIN = replace(SMALL, array=replace(ARRAY, gate_zeros=False))

SLOW = pytest.mark.slow
CASES = [
    pytest.param(SMALL, "verilator", id="small-verilator"),
    pytest.param(PLAIN, "icarus", id="plain-icarus", marks=[SLOW, HAS_ICARUS]),
    pytest.param(WIDE, "verilator", id="wide-verilator", marks=SLOW),
    pytest.param(DYNAMIC, "verilator", id="dynamic-verilator", marks=SLOW),
    pytest.param(DYNAMIC, "icarus", id="dynamic-icarus", marks=[SLOW, HAS_ICARUS]),
]


@pytest.mark.parametrize(("built", "simulator"), CASES)
def test_every_run_ends_as_it_should(
    built: AcceleratorDesign, simulator: str, tmp_path: Path
) -> None:
    assert run_bench("accelerator", built, simulator, tmp_path) == 7
