"""The root of the command line: help, errors in one sentence, exit statuses, signals."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from afp_hw import __version__
from afp_hw.cli import main as cli
from afp_hw.cli.main import main
from afp_hw.errors import MismatchError, ToolError

COMMANDS = [
    "quantize",
    "verilog",
    "search",
    "evaluate",
    "compile",
    "simulate",
    "synth",
    "rivals",
    "plot",
    "costs",
    "demo",
    "doctor",
]
AFP_HW = [sys.executable, "-m", "afp_hw"]


def one_sentence(text: str) -> str:
    """The message, which must be one line after the command's name and no traceback."""
    assert text.startswith("afp-hw: ")
    assert text.endswith("\n")
    assert text.count("\n") == 1
    assert "Traceback" not in text
    return text.removeprefix("afp-hw: ").rstrip("\n")


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    words = capsys.readouterr().out.split()
    assert all(name in words for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"Usage: afp-hw {name} ")
    assert len(text.splitlines()) > 5


def test_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"afp-hw, version {__version__}\n"


def test_no_arguments_give_help_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("Usage: afp-hw [OPTIONS] COMMAND")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["verlog"], "No such command 'verlog'; did you mean 'verilog'? (see afp-hw --help)"),
        (["--nope"], "No such option '--nope' (see afp-hw --help)"),
        (
            ["verilog", "pe", "--weigths", "e3m1"],
            "No such option '--weigths'; did you mean '--weights'? (see afp-hw verilog --help)",
        ),
        (["verilog"], "Missing argument '{pe|array|requantizer|accelerator}'"),
        (["doctor", "more"], "Got unexpected extra argument (more) (see afp-hw doctor --help)"),
    ],
)
def test_misuse_is_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert one_sentence(capsys.readouterr().err).startswith(sentence)


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (ValueError("X.y must be 1, not 2"), 2, "X.y must be 1, not 2"),
        (TypeError("X.y must be an integer,\nnot 'a'"), 2, "X.y must be an integer, not 'a'"),
        (FileNotFoundError(2, "No such file", "a.onnx"), 2, "a.onnx: No such file"),
        (OSError(28, "No space left on device"), 2, "No space left on device"),
        (OSError("odd"), 2, "odd"),
        (MismatchError("first at (0, 1): 3, not 4"), 1, "first at (0, 1): 3, not 4"),
        (
            ToolError(["yosys", "-q"], 5, Path("a.log")),
            3,
            "yosys ended with exit status 5; its log is a.log",
        ),
        (KeyboardInterrupt(), 130, "interrupted"),
        (
            ModuleNotFoundError("No module named 'onnx'", name="onnx.helper"),
            2,
            "the Python package onnx must be installed for this (see afp-hw doctor)",
        ),
    ],
)
def test_an_error_is_a_sentence_and_a_status(
    error: BaseException,
    status: int,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    @click.command()
    def failing() -> None:
        raise error

    monkeypatch.setattr(cli.root, "get_command", lambda ctx, name: failing)
    assert main(["verilog"]) == status
    # After ^C on a terminal's line click begins a new one.
    assert one_sentence(capsys.readouterr().err.removeprefix("\n")) == sentence


def test_a_traceback_comes_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AFP_HW_TRACEBACK", "1")
    assert main(["verilog", "pe", "--design", str(tmp_path / "no.toml"), "-o", str(tmp_path)]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_help_loads_neither_numpy_nor_amaranth() -> None:
    script = (
        "import sys; from afp_hw.cli.main import main; main(['--help']); main(['--version']);"
        "sys.exit(bool({'numpy', 'amaranth', 'rich', 'onnx'} & sys.modules.keys()))"
    )
    subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.DEVNULL)


def test_a_closed_pipe_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        run = subprocess.run(
            [*AFP_HW, "doctor", "--json"], stdout=pipe, stderr=subprocess.PIPE, check=False
        )
    assert (run.returncode, run.stderr) == (128 + signal.SIGPIPE, b"")


def test_doctor_prints_every_tool(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["doctor", "--json"])
    entries = json.loads(capsys.readouterr().out)
    assert status == any(entry["needed"] and not entry["good"] for entry in entries)
    assert main(["doctor"]) == status
    table = capsys.readouterr().out
    assert all(entry["name"] in table for entry in entries)


def test_doctor_says_what_is_lost_and_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert (
        "make: missing, needed (4 or newer will do). "
        "Lost without it: compiling simulations of RTL. To get it: apt install make\n"
    ) in printed
    assert "afp-hw demo lacks g++, make." in printed


def test_a_mistake_of_ours_is_not_a_mismatch(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise KeyError("h")

    monkeypatch.setattr("afp_hw.cli.doctor.survey", broken)
    assert main(["doctor"]) == 70
    captured = capsys.readouterr()
    assert "internal error, please report it" in captured.err
    assert "Traceback" in captured.err
