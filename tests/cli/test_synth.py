"""``afp-hw synth``: tables, JSON, files, bad input."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from afp_hw import AFPFormat, embedded
from afp_hw.cli.main import main
from afp_hw.golden.scalar import encode_scalar, to_fix_scalar
from afp_hw.network import load_graph
from afp_hw.quantize import bias_for

SMALL = ["--weights", "e2m1", "--acts", "ue2m1", "--k", "16", "--recipe", "prefix", "--jobs", "1"]
RANDOM = ["--operands", "random:16"]


def sentence(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of an error."""
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("afp-hw: ")
    assert captured.err.count("\n") == 1
    return captured.err.removeprefix("afp-hw: ").rstrip("\n")


@pytest.mark.parametrize("kind", ["pe", "array", "requantizer"])
def test_json_has_figures_with_their_units(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = ["--rows", "2", "--cols", "3"] if kind == "array" else []
    assert main(["synth", kind, *SMALL, *size, *RANDOM, "--json", "-o", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    found = json.loads(text)
    assert found["kind"] == kind
    assert found["recipes"] == [found["recipe"]] == ["prefix"]
    for key in ("area_um2", "area_nand2", "cells", "flip_flops", "delay_ns", "energy_fj"):
        assert math.isfinite(found[key])
        assert found[key] > 0
    parts = [found[f"energy_{part}_fj"] for part in ("switching", "internal", "clock")]
    assert sum(parts) == pytest.approx(found["energy_fj"])
    kept = found["hierarchical"]
    assert sum(block["area_um2"] for block in kept["blocks"]) == pytest.approx(kept["area_um2"])
    energies = [block["energy_fj"] for block in kept["blocks"]]
    simulated = sum(energy for energy in energies if energy is not None)
    assert simulated == pytest.approx(kept["energy_fj"])
    assert (None in energies) == (kind == "array")  # the edge is not simulated
    assert found["leakage_fj"] == pytest.approx(
        found["leakage_nw"] * 10.0 * 1e-3 * found["simulated_cycles"] / found["operations"]
    )
    assert found["checked"] > 0
    names = sorted(path.name for path in tmp_path.iterdir())
    ends = ["anatomy.json"] * (kind == "pe") + ["mapped.v", "synth.json", "synth.md"]
    assert names == [f"{found['name']}.{end}" for end in ends]
    assert (tmp_path / f"{found['name']}.synth.json").read_text() == text
    markdown = (tmp_path / f"{found['name']}.synth.md").read_text()
    assert f"{found['area_um2']:,.1f} µm²" in markdown
    assert "| total |" in markdown


def test_table_names_library_blocks_and_operands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    wide = ["--weights", "e3m1", "--acts", "e3m2", "--recipe", "prefix", "--jobs", "1"]
    assert main(["synth", "pe", *wide, "--k", "144"]) == 0
    text = capsys.readouterr().out
    for words in (
        *("SKY130 high density", "best of prefix", "embedded:", "fJ per MAC", "with glitches"),
        *("decode", "exponent adder", "multiplier", "shifter", "accumulator"),
    ):
        assert words in text


def test_smallest_netlist_that_meets_the_clock_is_taken(
    capsys: pytest.CaptureFixture[str],
) -> None:
    two = ["--recipe", "ripple"]
    figures = {}
    for clock in ("1.5", "100"):
        run = ["synth", "pe", *SMALL, *two, *RANDOM, "--clock-ns", clock, "--json"]
        assert main(run) == 0
        figures[clock] = json.loads(capsys.readouterr().out)
    assert figures["100"]["area_um2"] <= figures["1.5"]["area_um2"]
    assert figures["1.5"]["recipes"] == ["prefix", "ripple"]
    assert figures["100"]["leakage_fj"] > 50 * figures["1.5"]["leakage_fj"]


def test_more_bits_cost_more_area_and_energy(capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for weights, acts in (("e2m1", "ue2m1"), ("e3m1", "ue3m2")):
        wider = ["--weights", weights, "--acts", acts]
        assert main(["synth", "pe", *SMALL, *RANDOM, "--json", *wider]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0]["area_um2"] < found[1]["area_um2"]
    assert found[0]["energy_fj"] < found[1]["energy_fj"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--recipe", "nosuch"], "--recipe must be one of"),
        (["--clock-ns", "0"], "--clock-ns must be positive, not 0.0"),
        (["--clock-ns", "nan"], "--clock-ns must be positive, not nan"),
        (["--k", "0"], "Design.k must be in"),
        (["--liberty", "nowhere.lib"], "nowhere.lib"),
        (["--liberty", "nowhere.lib", "--tech", "sky130"], "--liberty must stand alone"),
        (["--operands", "random:17"], "--operands random:K must have K in 1..16, not 17"),
        (["--operands", "nowhere.onnx:conv"], "--operands nowhere.onnx must come with --input"),
        (["--operands", "embedded:"], "--operands must be MODEL or MODEL:LAYER, not 'embedded:'"),
        (["--operands", "embedded:nosuch", "--k", "576"], "nosuch"),
        (["--operands", "embedded", "--k", "8"], "Design.acts must hold a layer of"),
        (["--operands", "embedded", "--input", "nowhere.npy"], "nowhere.npy"),
    ],
)
def test_bad_input_is_one_sentence(
    flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["synth", "pe", *SMALL, *flags]) == 2
    assert message in sentence(capsys)


def test_input_that_holds_no_images_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "labels.npy"
    np.save(file, np.arange(4))
    assert main(["synth", "pe", *SMALL, "--operands", "embedded", "--input", str(file)]) == 2
    assert sentence(capsys) == (
        "--input must have floating-point numbers, prepared as the model takes them, not int64 as "
        "'labels.npy' has"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes to read-only folders")
def test_read_only_folder_is_refused_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o500)
    assert main(["synth", "pe", *SMALL, *RANDOM, "-o", str(tmp_path)]) == 2
    assert "out must be a writable folder" in sentence(capsys)


def test_a_killed_run_leaves_nothing_behind(tmp_path: Path) -> None:
    cache, out = tmp_path / "cache", tmp_path / "out"
    environment = os.environ | {"AFP_HW_CACHE": str(cache)}
    command = [sys.executable, "-m", "afp_hw", "synth", "pe", *SMALL, *RANDOM, "-o", str(out)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(cache.glob("synth/job-*/*/script.ys")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    process.terminate()
    assert process.wait(60) == 128 + signal.SIGTERM
    assert list(cache.glob("synth/*")) == []
    assert list(out.iterdir()) == []


def test_out_that_is_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.write_text("here")
    assert main(["synth", "pe", *SMALL, *RANDOM, "-o", str(file)]) == 2
    assert "out must be a writable folder" in sentence(capsys)
    assert file.read_text() == "here"


def test_integers_are_measured_on_a_layer_and_in_32_bits(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wide = ["--weights", "int4", "--acts", "int4", "--recipe", "ripple", "--jobs", "1", "--json"]
    assert main(["synth", "pe", *wide, "--sum-max", str(2**31 - 1)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["acc_width"] == 32
    assert found["operands"].startswith("embedded:")
    assert found["checked"] > 1000


def test_a_bound_below_the_sums_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    wide = ["--weights", "e3m1", "--acts", "e3m1", "--recipe", "cells", "--jobs", "1"]
    assert main(["synth", "pe", *wide, "--sum-max", "10"]) == 2
    assert "Design.sum_max must be at least" in capsys.readouterr().err


def test_a_proven_accumulator_is_that_of_the_layers_weights(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wide = ["--weights", "e2m1", "--acts", "ue2m1", "--k", "1024", "--recipe", "ripple"]
    wide += ["--jobs", "1", "--operands", "embedded:block2.conv1", "--json"]
    assert main(["synth", "pe", *wide]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert main(["synth", "pe", *wide, "--proven"]) == 0
    proven = json.loads(capsys.readouterr().out)
    graph = load_graph(embedded.model_path())
    weight = graph.layer("block2.conv1").weight
    assert weight is not None
    fmt = AFPFormat(2, 1)
    # The definition, apart from the command: every column, each weight rounded by the scalar rule.
    bias = bias_for(float(np.abs(weight).max()), fmt)
    rows = [
        [to_fix_scalar(encode_scalar(float(w), fmt, bias), fmt) for w in row]
        for row in weight.reshape(len(weight), -1)
    ]
    bound = max(sum(map(abs, row)) for row in rows) * AFPFormat(2, 1, signed=False).max_fix
    assert proven["sum_bound"] == bound < plain["sum_bound"]
    assert proven["acc_width"] == bound.bit_length() + 1 < plain["acc_width"]
    assert proven["area_um2"] < plain["area_um2"]
