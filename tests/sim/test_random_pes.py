"""Random processing elements: linted by Verilator, exact under cocotb."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from afp_hw import AFPFormat
from afp_hw.design import Design
from afp_hw.verilog import emit_pe
from sim.runner import run_bench, verilator_environment

# A few in every run, all of them with the long tests.
SEEDS = [seed if seed < 3 else pytest.param(seed, marks=pytest.mark.slow) for seed in range(48)]


def random_format(chosen: random.Random) -> AFPFormat:
    """Any format of hardware, narrow ones more often."""
    while True:
        n_exp, n_man = chosen.randint(0, 5), min(chosen.randint(0, 10), chosen.randint(0, 10))
        if n_exp + n_man:
            return AFPFormat(n_exp, n_man, signed=chosen.random() < 0.6)


def random_pe(seed: int) -> Design:
    chosen = random.Random(seed)
    return Design(
        random_format(chosen).as_signed(),
        random_format(chosen),
        lanes=chosen.randint(1, 8),
        k=chosen.choice([1, 2, 9, 27, 64, 100, 255, 300]),
        pipeline=chosen.randint(0, 3),
        gate_zeros=chosen.random() < 0.5,
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_pe_is_clean_and_exact(seed: int, tmp_path: Path) -> None:
    design = random_pe(seed)
    source, _ = emit_pe(design).write(tmp_path)
    command = ["verilator", "--lint-only", "-Wall", str(source), "--top-module", design.pe_name]
    lint = subprocess.run(
        command, env=verilator_environment(), capture_output=True, text=True, check=False
    )
    assert (lint.returncode, lint.stderr) == (0, "")
    assert run_bench("pe", design, "verilator", tmp_path) == 6
