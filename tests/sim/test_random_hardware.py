"""Random hardware: linted by Verilator; processing elements exact under cocotb too."""

from __future__ import annotations

import random
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from afp_hw import AFPFormat
from afp_hw.design import Design
from afp_hw.verilog import EMITTERS
from sim.runner import run_bench, verilator_environment

# A few in every run, all of them with the long tests.
SEEDS = [seed if seed < 2 else pytest.param(seed, marks=pytest.mark.slow) for seed in range(48)]


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
        **random_options(chosen),
    )


def random_options(chosen: random.Random) -> dict[str, Any]:
    """Micro-architecture: every option half of the time."""
    half = [chosen.random() < 0.5 for _ in range(6)]
    names = ("significand", "product", "sum")
    return {
        "registers": tuple(name for name, taken in zip(names, half, strict=False) if taken),
        "gate_zeros": half[3],
        "decode": "pe" if half[4] else "edge",
        "multiplier": "compressed" if half[5] else "operator",
        "segments": tuple(chosen.randint(1, 3) for _ in range(chosen.choice([0, 0, 1]))),
    }


def lint(kind: str, design: Design, folder: Path) -> tuple[int, str]:
    """Exit status and messages of Verilator's linter, all warnings on."""
    emitted = EMITTERS[kind](design)
    source, _ = emitted.write(folder)
    command = ["verilator", "--lint-only", "-Wall", str(source), "--top-module", emitted.name]
    run = subprocess.run(
        command, env=verilator_environment(), capture_output=True, text=True, check=False
    )
    return run.returncode, run.stderr


@pytest.mark.parametrize("seed", SEEDS[:12])
@pytest.mark.parametrize("kind", EMITTERS)
def test_random_hardware_is_clean(kind: str, seed: int, tmp_path: Path) -> None:
    chosen = random.Random(seed)
    size = {"rows": chosen.randint(1, 4), "cols": chosen.randint(1, 4)}
    init_max = chosen.choice([None, 0, 1000])
    assert lint(kind, replace(random_pe(seed), **size, init_max=init_max), tmp_path) == (0, "")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_pe_is_clean_and_exact(seed: int, tmp_path: Path) -> None:
    design = random_pe(seed)
    assert lint("pe", design, tmp_path) == (0, "")
    assert run_bench("pe", design, "verilator", tmp_path) == 6
