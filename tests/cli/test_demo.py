"""``afp-hw demo``: every step runs, and what it says is there is there."""

from pathlib import Path

import pytest

from afp_hw.cli.main import main


def test_the_demo_runs_and_names_its_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "demo"
    assert main(["demo", "-o", str(out)]) == 0
    printed = capsys.readouterr().out
    steps = [line for line in printed.splitlines() if line.startswith("$ afp-hw ")]
    assert [line.split()[2] for line in steps] == [
        "quantize",
        "verilog",
        "verilog",
        "simulate",
        "synth",
    ]
    assert "PASS: 1 layer in the Verilog of array_8x8_e3m1_e3m2_k576" in printed
    listed = printed[printed.index(f"Everything is in {out}:") :]
    written = {path.name for path in out.iterdir()}
    assert {
        "demo.toml",
        "pe_e3m1_e3m2_k576.v",
        "pe_e3m1_e3m2_k576.synth.json",
        "array_8x8_e3m1_e3m2_k576.json",
    } <= written
    assert all(f"  {name}" in listed for name in written)


def test_the_demo_refuses_a_folder_that_it_cannot_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("")
    assert main(["demo", "-o", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith("afp-hw: out must be a writable folder, not ")
