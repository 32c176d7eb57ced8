"""Clusters that are not there are refused in a sentence, before anything is computed."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from afp_hw.cli.main import main


@pytest.fixture
def space(tmp_path: Path) -> str:
    path = tmp_path / "space.toml"
    path.write_text('metrics = ["cycles"]\n[axes]\nrows = [8]\ncols = [8]\n')
    return str(path)


@pytest.fixture
def silent() -> Iterator[str]:
    """Address of a server that listens and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The sentence, which is all that is printed."""
    assert main(["explore", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    return line.removeprefix("afp-hw: ")


ADDRESSES = {
    "": "it must read tcp://host:port",
    "node7": "it must read tcp://host:port",
    "tcp://": "it must read tcp://host:port",
    "tcp://:8786": "it must read tcp://host:port",
    "tcp://node7:port": "it must read tcp://host:port",
    "http://node7:8786": "it must read tcp://host:port",
    "tcp://127.0.0.1:1": "Connection refused",
}


@pytest.mark.parametrize(("address", "reason"), ADDRESSES.items())
def test_an_address_without_a_scheduler_is_refused(
    capsys: pytest.CaptureFixture[str], space: str, address: str, reason: str
) -> None:
    assert refusal(capsys, space, "--scheduler", address) == (
        f"--scheduler must be the address of a running Dask scheduler, not {address!r}: {reason}"
    )
    assert not Path(space).with_suffix(".sqlite").exists()


def test_a_server_that_does_not_answer_is_refused(
    capsys: pytest.CaptureFixture[str], space: str, silent: str
) -> None:
    assert refusal(capsys, space, "--scheduler", silent).endswith(": no answer in 5 s")


@pytest.mark.parametrize(
    ("kind", "command"), [("slurm", "sbatch"), ("lsf", "bsub"), ("pbs", "qsub"), ("sge", "qsub")]
)
def test_a_batch_system_that_is_not_here_is_refused(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    space: str,
    kind: str,
    command: str,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refusal(capsys, space, "--cluster", kind) == (
        f"--cluster {kind} must be used where {command} is, not here"
    )


def test_dask_that_is_not_installed_is_named(space: str) -> None:
    program = (
        "import sys; sys.modules['dask'] = sys.modules['distributed'] = None\n"
        "from afp_hw.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, "explore", space, "--scheduler", "tcp://a:1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("afp-hw: the Python package ")
    assert "must be installed for this" in done.stderr
    assert len(done.stderr.splitlines()) == 1
