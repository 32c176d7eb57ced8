"""``afp-hw verilog accelerator``: every file, the same bytes again, tools that read them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from afp_hw.cli.main import main
from afp_hw.design.registers import ErrorCode
from afp_hw.verilog.driver_files import ERROR_TEXTS
from tests.fusesoc_command import fusesoc

NAME = "accelerator_2x2_e2m1_e2m1_d64"
RECIPE = """\
[design]
weights = "e2m1"
acts = "e2m1"
rows = 2
cols = 2
k = 64
init_max = 4096

[accelerator]
data_width = 64
act_bytes = 1024
wgt_bytes = 1024
side_bytes = 1024
out_words = 64
pixels = 16
channel_tiles = 4
outstanding = 2
"""
ENDINGS = (".core", ".json", ".sdc", ".v", "_registers.h", "_registers.md")
DRIVER = ["afp_driver.c", "afp_driver.h", "afp_example.c"]
CORE = f"afp-hw:accelerator:{NAME}"


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "small.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="module")
def written(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("written")
    flags = ["--design", str(recipe), "--clock-ns", "8", "-o", str(out)]
    assert main(["verilog", "accelerator", *flags]) == 0
    return out


def manifest(written: Path) -> Any:
    return json.loads((written / f"{NAME}.json").read_text())


def test_all_files_are_there_and_begin_with_their_name(written: Path) -> None:
    assert sorted(path.name for path in written.iterdir()) == sorted(
        [*(NAME + ending for ending in ENDINGS), *DRIVER]
    )
    for file in DRIVER:
        text = (written / file).read_text()
        assert NAME in text.splitlines()[0]
        assert "@" not in text
    assert re.search(rf"^module {NAME}\(", (written / f"{NAME}.v").read_text(), re.MULTILINE)


def test_a_second_run_gives_the_same_bytes(written: Path, recipe: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "afp_hw", "verilog", "accelerator"]
    subprocess.run(
        [*command, "--design", str(recipe), "--clock-ns", "8", "-o", str(tmp_path)],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    bytes_of = [
        {path.name: path.read_bytes() for path in folder.iterdir()}
        for folder in (written, tmp_path)
    ]
    assert bytes_of[0] == bytes_of[1]


def test_constraints_name_every_port_once(written: Path) -> None:
    """As Tcl reads them: braces hold words, brackets in braces stay as they are."""
    text = (written / f"{NAME}.sdc").read_text()
    assert "set clock_period 8.0000\n" in text
    assert text.count("{") == text.count("}")
    found: dict[str, list[str]] = {"input": [], "output": []}
    command = r"set_(input|output)_delay -clock clk \$io_delay \[get_ports (?:\{([^}]*)\}|(\w+))\]"
    for direction, several, one in re.findall(command, text):
        found[direction] += [*several.split(), *one.split()]
    for direction, names in found.items():
        assert names == list(dict.fromkeys(names))
        assert set(names) == {
            f"{port['name']}[*]" if port["width"] > 1 else port["name"]
            for port in manifest(written)["ports"]
            if port["direction"] == direction and port["name"] != "clk"
        }


def test_tcl_runs_the_constraints(written: Path) -> None:
    """With commands of SDC that note what they are given."""
    tkinter = pytest.importorskip("tkinter")
    tcl = tkinter.Tcl()
    tcl.eval("proc get_ports {names} { return $names }")
    for command in ("create_clock", "set_input_delay", "set_output_delay"):
        tcl.eval(f"proc {command} {{args}} {{ global {command}; lappend {command} $args }}")
    tcl.eval((written / f"{NAME}.sdc").read_text())
    assert "-period 8.0000" in tcl.eval("set create_clock")
    assert float(tcl.eval("lindex $set_input_delay 0 2")) == pytest.approx(2.4)


def test_fusesoc_reads_the_core_file(written: Path, tmp_path: Path) -> None:
    shown = fusesoc("--cores-root", str(written), "core", "show", CORE, folder=tmp_path)
    assert f"{CORE}:0.1.0" in shown
    for target in ("default", "driver", "lint", "synth"):
        assert re.search(rf"^{target} ", shown, re.MULTILINE)


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_fusesoc_lints_the_verilog(written: Path, tmp_path: Path) -> None:
    fusesoc("--cores-root", str(written), "run", "--target", "lint", CORE, folder=tmp_path)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
@pytest.mark.parametrize("compiler", [["gcc", "-std=c99"], ["g++"]], ids=["C99", "C++"])
def test_the_driver_compiles_without_a_warning(
    written: Path, compiler: list[str], tmp_path: Path
) -> None:
    command = [*compiler, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c"]
    if compiler[0] == "gcc":
        subprocess.run([*command, str(written / "afp_driver.c")], check=True, cwd=tmp_path)
        return
    if shutil.which("g++") is None:
        pytest.skip("needs g++")
    (tmp_path / "uses.cpp").write_text('#include "afp_driver.h"\n')
    subprocess.run([*command, f"-I{written}", "uses.cpp"], check=True, cwd=tmp_path)


def test_the_driver_has_words_for_every_error() -> None:
    assert set(ERROR_TEXTS) == set(ErrorCode)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "an accelerator must be a recipe: --design FILE, not flags"),
        (["--weights", "e3m1", "--acts", "e3m2"], "must be a recipe: --design FILE, not flags"),
        (["--design", "RECIPE", "--rows", "4"], "--design must stand alone, not beside --rows"),
        (["--design", "RECIPE", "--clock-ns", "0"], "--clock-ns must be positive, not 0.0"),
        (["--design", "ARRAY"], "array.toml must have a table [accelerator], not None"),
        (["--design", "none.toml"], "No such file"),
    ],
)
def test_bad_input_is_one_sentence(
    flags: list[str],
    message: str,
    recipe: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    array = tmp_path / "array.toml"
    array.write_text(RECIPE[: RECIPE.index("[accelerator]")])
    files = {"RECIPE": str(recipe), "ARRAY": str(array)}
    out = tmp_path / "out"
    arguments = [files.get(flag, flag) for flag in flags]
    assert main(["verilog", "accelerator", *arguments, "-o", str(out)]) == 2
    text = capsys.readouterr().err
    assert message in text
    assert text.count("\n") == 1
    assert not out.exists()


def test_a_clock_is_of_an_accelerator_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--weights", "e3m1", "--acts", "ue3m2", "--clock-ns", "5", "-o", str(tmp_path / "out")]
    assert main(["verilog", "pe", *flags]) == 2
    assert "--clock-ns must be of an accelerator, not of pe" in capsys.readouterr().err
