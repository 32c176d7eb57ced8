"""``afp-hw costs``: rows are those of ``afp-hw synth``, and are measured once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from afp_hw.cli.main import main
from afp_hw.formats import AFPFormat
from afp_hw.search.costs import CostTable
from afp_hw.synth import cost_table
from afp_hw.synth.cost_table import Conditions, default_pairs, splits

SMALL = ["--k", "16", "--jobs", "1", "--recipe", "prefix"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFP_HW_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Pairs that are measured, in order; the measuring itself is the real one."""
    pairs: list[str] = []
    real = cost_table.measure_pair

    def recorded(pair: tuple[AFPFormat, AFPFormat], *rest: Any) -> cost_table.PairCost:
        pairs.append(f"{pair[0]} {pair[1]}")
        return real(pair, *rest)

    monkeypatch.setattr(cost_table, "measure_pair", recorded)
    return pairs


def costs(out: Path, weights: str, acts: str, *more: str) -> int:
    return main(["costs", "--weights", weights, "--acts", acts, *SMALL, *more, "-o", str(out)])


def sentence(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of an error."""
    captured = capsys.readouterr()
    assert captured.err.startswith("afp-hw: ")
    assert captured.err.count("\n") == 1
    return captured.err.removeprefix("afp-hw: ").rstrip("\n")


def test_a_row_has_the_figures_of_synth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "costs.json"
    assert costs(out, "e2m1", "ue2m1") == 0
    capsys.readouterr()
    formats = ["--weights", "e2m1", "--acts", "ue2m1"]
    assert main(["synth", "pe", *formats, *SMALL, "--operands", "random:16", "--json"]) == 0
    synth = json.loads(capsys.readouterr().out)
    table = CostTable.load(out)
    (cost,) = table.rows.values()
    assert cost.area_um2 == pytest.approx(synth["area_um2"], abs=1e-4)
    assert cost.energy_fj == pytest.approx(synth["energy_fj"], abs=1e-3)
    assert cost.delay_ns == pytest.approx(synth["delay_ns"], rel=2e-3)  # that may be OpenSTA's
    assert table.conditions["technology"] == "sky130_fd_sc_hd"
    assert (table.conditions["k"], table.conditions["recipe"]) == (16, "prefix")


def test_rows_that_are_there_are_not_measured_again(
    tmp_path: Path, measured: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    assert costs(one, "e1m1", "ue1m1") == 0
    assert costs(one, "e1m1,e1m0", "ue1m1") == 0
    assert "one.json: 2 rows, 1 measured, 1 were there" in capsys.readouterr().out
    assert measured == ["e1m1 ue1m1", "e1m0 ue1m1"]
    before = one.read_bytes()
    assert costs(one, "e1m0", "ue1m1") == 0
    assert (len(measured), one.read_bytes()) == (2, before)
    assert costs(two, "e1m0,e1m1,e1m0", "ue1m1") == 0
    assert (len(measured), two.read_bytes()) == (4, before)


def test_an_interrupt_keeps_the_rows_that_are_done(tmp_path: Path) -> None:
    out = tmp_path / "costs.json"
    arguments = ["--weights", "e1m1,e2m1,e3m1,e4m1", "--acts", "ue1m1,ue2m1,ue3m1", *SMALL]
    command = [sys.executable, "-m", "afp_hw", "costs", *arguments, "-o", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        limit = time.monotonic() + 60
        while not out.exists() and process.poll() is None and time.monotonic() < limit:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        printed = process.stderr.read()
    assert process.returncode == 130
    assert printed.strip() == "afp-hw: interrupted"
    assert 1 <= len(CostTable.load(out).rows) < 12


def test_a_table_of_other_conditions_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "costs.json"
    text = '{"schema": "afp-hw costs 1", "conditions": %s, "columns": ["weights", "acts", ' \
        '"area_um2", "energy_fj", "delay_ns"], "rows": []}'  # fmt: skip
    described = Conditions(k=17, recipe="prefix").described(cost_table.Technology.sky130())
    out.write_text(text % json.dumps(described))
    before = out.read_bytes()
    assert costs(out, "e1m1", "ue1m1") == 2
    assert sentence(capsys) == (
        "costs.json.conditions.k must be 16, not 17: -o another FILE starts a new table"
    )
    assert out.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--weights", "e2m1"], "--weights must come with --acts, and --acts with --weights"),
        (["--weights", "e6m1", "--acts", "ue1m1"], "Design.weights must have n_exp in 0..5"),
        (["--weights", "e2m1,x", "--acts", "ue1m1"], "AFPFormat must be written like 'e3m1'"),
        (["--recipe", "none"], "Conditions.recipe must be one of cells, ripple, prefix"),
        (["--clock-ns", "0"], "Conditions.clock_ns must be positive, not 0.0"),
        (["--k", "0"], "Invalid value for '--k'"),
    ],
)
def test_bad_arguments_are_one_sentence(
    arguments: list[str],
    expected: str,
    tmp_path: Path,
    measured: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["costs", *arguments, "-o", str(tmp_path / "costs.json")]) == 2
    assert expected in sentence(capsys)
    assert measured == []


def test_the_packaged_rows_are_the_start_of_a_new_file(
    tmp_path: Path, measured: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    packaged = CostTable.load()
    if (
        packaged.conditions["yosys"]
        != Conditions().described(cost_table.Technology.sky130())["yosys"]
    ):
        pytest.skip("another Yosys is installed than the packaged table's")
    out = tmp_path / "costs.json"
    assert main(["costs", "-o", str(out)]) == 0
    assert measured == []
    assert out.read_text("utf-8") == packaged.json_text()
    printed = " ".join(capsys.readouterr().out.split())
    assert f"{len(packaged.rows)} rows, 0 measured" in printed
    assert "fit of energy_fj for other pairs: residual " in printed


def test_the_default_pairs_have_every_format_and_the_corners() -> None:
    pairs = default_pairs()
    weights, unsigned, signed = (splits(range(2, 9), signed=sign) for sign in (True, False, True))
    assert len(set(pairs)) == len(pairs) < 300
    assert {pair[0] for pair in pairs} == set(weights)
    assert {pair[1] for pair in pairs} == {*unsigned, *signed}
    assert {(weights[-1], unsigned[-1]), (weights[0], signed[0])} <= set(pairs)
    assert [str(fmt) for fmt in splits([3], signed=True)] == ["e0m2", "e1m1", "e2m0"]
