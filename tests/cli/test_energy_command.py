"""``afp-hw energy``: what it refuses, in one sentence; and what it prints of a document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from afp_hw.cli.energy_report import print_energy
from afp_hw.cli.main import main

RECIPE = '[design]\nweights = "e3m1"\nacts = "e3m2"\nrows = 2\ncols = 2\nk = 64\n'


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--clock-ns", "0"], "--clock-ns must be positive, not 0.0"),
        (["--layer", "conv9"], "conv9"),
        (["--images", "0"], "--images must be in 1..1000, not 0"),
        (["--memory", "bad.toml"], "bad.toml must have the key 'dram'"),
        (["--memory", "none.toml"], "none.toml: No such file or directory"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("design.toml").write_text(RECIPE)
    Path("bad.toml").write_text('name = "mine"\nsystem = 1\nsram = []\n')
    assert main(["energy", "--design", "design.toml", *arguments]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def scheme(name: str, array: float, requantize: float | None) -> dict[str, Any]:
    groups = dict.fromkeys(("array", "edges", "requantizer", "packing", "SRAM", "DRAM"), 1.0)
    groups["array"] = array
    return {
        "name": name,
        "total_nj": sum(groups.values()),
        "logic_nj": array + 3.0,
        "groups_nj": groups,
        "mac_fj": 10 * array,
        "requantize_fj": requantize,
    }


def test_tables_have_every_scheme_layer_and_baseline(capsys: pytest.CaptureFixture[str]) -> None:
    schemes = {"afp_static": scheme("AFP static", 5.0, 2.0), "float": scheme("FP32", 50.0, None)}
    ratios = {"MACs": 10.0, "quantization": None, "total": 9.0}
    document: dict[str, Any] = {
        "model": "mine",
        "design": "array_2x2",
        "technology": "cells",
        "clock_ns": 10.0,
        "memory": {"source": "table", "sram_pj_per_bit": 0.3125, "dram_pj_per_bit": 20.3125},
        "results_checked": 1234,
        "schemes": schemes,
        "layers": [
            {"layer": "conv1", "scheme": key, "total_nj": item["total_nj"]}
            for key, item in schemes.items()
        ],
        "comparison": {
            "paper": {"MACs": 9.3, "quantization": 13.2, "total": 11.2},
            "ratios": [{"baseline": "FP32 MACs", "against": "AFP static", **ratios}],
            "nearest": {
                "MACs": {"paper": 9.3, "baseline": "FP32 MACs", "against": "A", "ratio": 10.0}
            },
        },
        "sensitivity": [],
        "parts": [
            {"name": "quick", "meets_clock": True},
            {"name": "slow", "meets_clock": False},
        ],
    }
    print_energy(document)
    shown = capsys.readouterr().out
    for text in ("AFP static", "FP32", "conv1", "10.00×", "9.3×", "1,234 results", "0.312"):
        assert text in shown
    assert "later than the clock: slow\n" in shown
