"""``afp-hw synth --fpga``: table, JSON, files, what it excludes, a machine without nextpnr."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from afp_hw.cli.main import main
from afp_hw.synth import fpga_devices
from afp_hw.synth.fpga_place import find_placer

SMALL = ["--weights", "e2m1", "--acts", "ue2m1", "--k", "16"]


@pytest.fixture
def without_placer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without nextpnr, native or packaged."""
    found = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> Any:
        return None if name.startswith("yowasp") else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


def sentence(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of an error."""
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("afp-hw: ")
    assert captured.err.count("\n") == 1
    return captured.err.removeprefix("afp-hw: ").rstrip("\n")


@pytest.mark.parametrize("kind", ["pe", "array", "requantizer"])
@pytest.mark.usefixtures("without_placer")
def test_json_has_the_counts_of_every_kind(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["synth", kind, *SMALL, "--fpga", "ice40", "--json", "-o", str(out)]) == 0
    text = capsys.readouterr().out
    found = json.loads(text)
    assert (found["family"], found["device"], found["part"]) == ("ice40", "up5k", "iCE40UP5K")
    for key in ("luts", "flip_flops", "carries"):
        assert found[key] > 0
    assert (found["dsps"], found["fmax_mhz"], found["logic_cells"]) == (0, None, None)
    assert found["luts"] == found["cell_counts"]["SB_LUT4"]
    name = found["name"]
    names = sorted(path.name for path in out.iterdir())
    assert names == [f"{name}.{end}" for end in ("fpga.json", "fpga.md", "fpga.v")]
    assert (out / f"{name}.fpga.json").read_text() == text
    assert f"module {name}(" in (out / f"{name}.fpga.v").read_text()
    assert f"| flip-flops | {found['flip_flops']:,} |" in (out / f"{name}.fpga.md").read_text()


@pytest.mark.usefixtures("without_placer")
def test_table_without_nextpnr_says_what_would_give_the_rest(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["synth", "pe", *SMALL, "--fpga", "ecp5", "--device", "45k"]) == 0
    text = capsys.readouterr().out
    assert "LFE5U-45F (CABGA381, speed grade 6)" in text
    assert (
        "Fmax and packed logic cells need nextpnr-ecp5, which is not installed (pip install "
        "'afp-hw[fpga]')."
    ) in text


@pytest.mark.skipif(
    find_placer("ice40") is None, reason="needs nextpnr-ice40 (pip install 'afp-hw[fpga]')"
)
def test_table_has_the_clock_frequency(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    flags = ["--fpga", "ice40", "--device", "hx8k", "--clock-ns", "1000", "--seed", "3"]
    assert main(["synth", "pe", *SMALL, *flags]) == 0
    text = capsys.readouterr().out
    for words in ("MHz, meets the clock of 1000 ns", "of 7,680 (", ", seed 3", "three pins"):
        assert words in text


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--fpga", "xilinx"], "'xilinx' is not one of 'ecp5', 'ice40'"),
        (["--fpga", "ecp5", "--device", "up5k"], "device must be one of 25k, 45k, 85k for ecp5"),
        (["--fpga", "ecp5", "--clock-ns", "0"], "--clock-ns must be positive, not 0.0"),
        (["--fpga", "ecp5", "--k", "0"], "Design.k must be in"),
        (["--fpga", "ecp5", "--seed", "-1"], "-1 is not in the range 0<=x<=2147483647"),
        (["--device", "25k"], "--device must come with --fpga"),
        (["--seed", "2"], "--seed must come with --fpga"),
        *(
            (["--fpga", "ecp5", option, value], f"--fpga must stand alone, not beside {option}")
            for option, value in (
                ("--tech", "sky130"),
                ("--liberty", "cells.lib"),
                ("--recipe", "prefix"),
                ("--operands", "random"),
                ("--input", "images.npy"),
                ("--jobs", "1"),
            )
        ),
    ],
)
def test_bad_input_is_one_sentence(
    flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["synth", "pe", *SMALL, *flags]) == 2
    assert message in sentence(capsys)


@pytest.mark.usefixtures("without_placer")
def test_a_design_that_is_too_large_leaves_nothing_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFP_HW_CACHE", str(tmp_path / "cache"))
    small = replace(fpga_devices.find_device("ice40"), logic_cells=20)
    monkeypatch.setattr(fpga_devices, "DEVICES", (small,))
    assert main(["synth", "pe", *SMALL, "--fpga", "ice40", "-o", str(tmp_path / "out")]) == 2
    assert "not 20 as up5k has; no ice40 here has enough" in sentence(capsys)
    assert list((tmp_path / "out").iterdir()) == []
    assert list((tmp_path / "cache" / "synth").iterdir()) == []
