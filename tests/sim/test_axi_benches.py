"""The Verilog of what is on a bus under cocotb, against the models of cocotbext-axi."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from afp_hw import AFPFormat
from afp_hw.design import Design
from afp_hw.design.accelerator import AcceleratorDesign
from sim.runner import run_bench
from tests.sim.test_benches import HAS_ICARUS, SIMULATORS

if importlib.util.find_spec("cocotbext") is None:
    pytest.skip("needs cocotbext-axi (pip install 'afp-hw[sim]')", allow_module_level=True)

ARRAY = Design(AFPFormat(3, 1), AFPFormat(3, 2), rows=4, cols=4)

# Each width of the bus; bursts and limits from one of either to those of a page.
DESIGNS = [
    AcceleratorDesign(ARRAY, data_width=128),
    AcceleratorDesign(ARRAY, data_width=64, burst=4, outstanding=2),
    AcceleratorDesign(ARRAY, data_width=256, burst=128, outstanding=3),
    AcceleratorDesign(ARRAY, data_width=128, burst=1, outstanding=64),
    AcceleratorDesign(ARRAY, data_width=64, burst=256, outstanding=1),
    AcceleratorDesign(ARRAY, data_width=256, burst=2, outstanding=5),
]


def cases(quick: int) -> list[object]:
    """Each design on each simulator; all but the first are slow on Icarus, or beyond `quick`."""
    found = []
    for index, built in enumerate(DESIGNS):
        for simulator in SIMULATORS:
            marks = [HAS_ICARUS] if simulator == "icarus" else []
            if index >= (1 if simulator == "icarus" else quick):
                marks.append(pytest.mark.slow)
            name = f"{built.data_width}x{built.burst}x{built.outstanding}-{simulator}"
            found.append(pytest.param(built, simulator, id=name, marks=marks))
    return found


@pytest.mark.parametrize(("built", "simulator"), cases(4))
@pytest.mark.parametrize(("bench", "tests"), [("read_dma", 4), ("write_dma", 5)])
def test_every_beat_is_where_it_belongs(
    bench: str, tests: int, built: AcceleratorDesign, simulator: str, tmp_path: Path
) -> None:
    assert run_bench(bench, built, simulator, tmp_path) == tests


@pytest.mark.parametrize(("built", "simulator"), cases(1)[:2])
def test_registers_are_those_of_the_table(
    built: AcceleratorDesign, simulator: str, tmp_path: Path
) -> None:
    assert run_bench("registers", built, simulator, tmp_path) == 4
