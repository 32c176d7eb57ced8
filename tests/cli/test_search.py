"""``afp-hw search``: budgets, files that other commands read, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from afp_hw.cli.main import main
from afp_hw.network import load_assignment
from tests.network.models import floats, residual_network


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFP_HW_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def model(tmp_path: Path) -> list[str]:
    np.savez(tmp_path / "c.npz", images=floats(1, 24, 2, 8, 8))
    np.savez(tmp_path / "d.npz", images=floats(2, 40, 2, 8, 8), labels=np.arange(40) % 5)
    return [str(residual_network(tmp_path / "net.onnx")), "--calibration", str(tmp_path / "c.npz")]


def searched(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main(["search", *arguments, "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return json.loads(captured.out)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["search", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err.removeprefix("afp-hw: ").strip()


def test_a_budget_of_bits(
    capsys: pytest.CaptureFixture[str], model: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "f.json"
    found = searched(capsys, *model, "--bits", "4.5,5", "-o", str(out))
    assert found["average_bits"]["weights"] <= 4.5
    assert found["average_bits"]["acts"] <= 5
    assert found["accuracy"] is None  # calibration images have no labels
    formats = load_assignment(out)
    assert formats.provenance["weight_bits"] == 4.5
    data = str(tmp_path / "d.npz")
    assert main(["evaluate", model[0], "--formats", str(out), "--data", data, "--json"]) == 0
    evaluated = json.loads(capsys.readouterr().out)
    assert evaluated["average_bits"] == found["average_bits"]
    first = out.read_bytes(), [p.read_bytes() for p in tmp_path.glob("f.parameters-*.npz")]
    searched(capsys, *model, "--bits", "4.5,5", "-o", str(out))
    assert first == (
        out.read_bytes(),
        [p.read_bytes() for p in tmp_path.glob("f.parameters-*.npz")],
    )


@pytest.mark.parametrize(
    "options",
    [
        ["--bits", "4", "--dynamic", "--no-mixed"],
        ["--bits", "4", "--channel", "--bias-rule", "absmax"],
        ["--bits", "4", "--equalize", "0.5", "--no-compensate"],
        ["--bits", "4", "--no-compensate", "--no-bias-correction"],
        ["--lambda", "0.5", "--measure", "kl"],
        ["--lambda", "0.5", "--measure", "released", "--cost", "area"],
        ["--lambda", "1", "--cost", "energy", "--widths", "3:6"],
    ],
    ids=" ".join,
)
def test_every_option(
    capsys: pytest.CaptureFixture[str], model: list[str], tmp_path: Path, options: list[str]
) -> None:
    out = tmp_path / "f.json"
    found = searched(capsys, *model, *options, "-o", str(out))
    formats = load_assignment(out)
    assert any(item.dynamic for item in formats.acts.values()) == ("--dynamic" in options)
    channels = any(isinstance(item.lsb, tuple) for item in formats.weights.values())
    assert channels == ("--channel" in options)
    assert found["tensors"] == len(formats.weights) + len(formats.acts)
    if "--bits" in options:
        assert found["average_bits"]["weights"] <= 4


def test_a_budget_of_energy(
    capsys: pytest.CaptureFixture[str], model: list[str], tmp_path: Path
) -> None:
    out = str(tmp_path / "f.json")
    rich = searched(capsys, *model, "--bits", "8", "-o", out)["energy_nj"]
    found = searched(capsys, *model, "--energy", f"{rich * 0.7}", "-o", out)
    assert found["energy_nj"] <= rich * 0.7
    sentence = refused(capsys, *model, "--energy", "0.001", "-o", out)
    assert sentence.startswith("energy must be at least ")
    assert sentence.endswith("nJ an image, the nearest that can be met, not 0.001")


def test_an_accuracy_budget_resumes(
    capsys: pytest.CaptureFixture[str], model: list[str], tmp_path: Path
) -> None:
    out, data = str(tmp_path / "f.json"), str(tmp_path / "d.npz")
    arguments = [*model, "--max-loss", "15", "--data", data, "--tuning-images", "8", "-o", out]
    short = searched(capsys, *arguments, "--trials", "3")
    files = {p: p.read_text() for p in (tmp_path / "cache" / "search").iterdir()}
    assert sum(text.count("trial ") for text in files.values()) == 3
    longer = searched(capsys, *arguments, "--trials", "7")
    assert longer["loss"] <= 15

    def bits(found: dict) -> float:
        return found["average_bits"]["weights"] + found["average_bits"]["acts"]

    assert bits(longer) <= bits(short)
    trials = sum(p.read_text().count("trial ") for p in (tmp_path / "cache" / "search").iterdir())
    assert trials <= 7
    assert searched(capsys, *arguments, "--trials", "7") == longer


def test_a_loss_that_cannot_be_met_names_the_nearest(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "f.json"
    narrow = ("--widths", "2:2", "--splits", "1", "--tuning-images", "16")
    sentence = refused(capsys, "embedded", "--max-loss", "0", *narrow, "-o", str(out))
    assert sentence.startswith("max-loss must be at least ")
    assert "the nearest that was reached (2.00 bits a weight" in sentence
    assert not out.exists()


def test_refusals(capsys: pytest.CaptureFixture[str], model: list[str], tmp_path: Path) -> None:
    assert refused(capsys, *model) == (
        "a budget must be given: --bits, --max-loss or --energy; or --lambda"
    )
    assert refused(capsys, *model, "--bits", "4", "--energy", "3") == (
        "--bits must stand alone, not beside --max-loss or --energy"
    )
    assert refused(capsys, *model, "--max-loss", "1") == "--data must be given with --max-loss"
    assert "must be one number of bits or two, not '4,5,6'" in refused(
        capsys, *model, "--bits", "4,5,6"
    )
    assert refused(capsys, *model, "--bits", "1.5") == (
        "weight bits must be at least 2 on average, the nearest that can be met, not 1.5"
    )
    (tmp_path / "file").write_text("")
    nowhere = str(tmp_path / "file" / "f.json")
    assert "out must be a writable folder" in refused(capsys, *model, "--bits", "4", "-o", nowhere)
    assert refused(capsys, model[0], "--bits", "4") == (
        "--calibration must be given for another model than 'embedded'"
    )
