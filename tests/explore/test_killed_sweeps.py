"""Sweeps that are killed, stopped or interrupted: they go on where they were, to the same end."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from afp_hw.explore.store import Store

SMALL = """
metrics = ["cycles"]
[axes]
formats = "int8"
size = ["8x8", "16x16"]
latency = [50, 100]
"""
"""Four points, each of its own job."""

LARGE = f"""
metrics = ["area"]
[axes]
formats = "e2m1"
rows = {list(range(1, 11))}
cols = {list(range(1, 11))}
clock_ns = 40
"""
"""A hundred jobs of synthesis; circuits that they have in common are mapped once."""


def begin(folder: Path, cache: Path) -> subprocess.Popen[str]:
    """The command, in a session of its own, as from a terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "afp_hw", "explore", "run", "space.toml", "-j", "2"],
        cwd=folder,
        env=os.environ | {"AFP_HW_CACHE": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(folder: Path, cache: Path) -> None:
    process = begin(folder, cache)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert out.startswith("space.sqlite: ")


def members(cache: Path) -> list[int]:
    """Processes that live with this cache: a sweep, its workers and their tools."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            text = (entry / "environ").read_bytes() if entry.name.isdecimal() else b""
            zombie = b") Z" in (entry / "stat").read_bytes() if text else True
        except OSError:
            continue
        if not zombie and f"AFP_HW_CACHE={cache}\0".encode() in text:
            found.append(int(entry.name))
    return found


def wait_for_none(cache: Path, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while left := members(cache):
        assert time.monotonic() < deadline, f"{left} have survived"
        time.sleep(0.05)


def digest(folder: Path) -> str:
    with Store(folder / "space.sqlite", create=False) as store:
        return store.content_digest()


def results(folder: Path) -> set[str]:
    path = folder / "space.sqlite"
    if not path.exists():
        return set()
    with Store(path) as store:
        return {key for key, _, _ in store.everything()}


def killed_and_undisturbed(tmp_path: Path, text: str, pauses_s: list[float], expected: int) -> None:
    """Kill a sweep behind each of the pauses and compare what it ends with."""
    folders = [tmp_path / "killed", tmp_path / "undisturbed"]
    for folder in folders:
        folder.mkdir()
        (folder / "space.toml").write_text(text)
    caches = [tmp_path / "cache", tmp_path / "other"]
    known: set[str] = set()
    for pause_s in pauses_s:
        process = begin(folders[0], caches[0])
        time.sleep(pause_s)
        process.kill()  # it alone: its workers find out by themselves
        process.communicate()
        wait_for_none(caches[0])
        assert known <= results(folders[0])
        known = results(folders[0])
    run(folders[0], caches[0])
    run(folders[1], caches[1])
    assert known <= results(folders[0])
    assert len(results(folders[0])) == expected
    assert digest(folders[0]) == digest(folders[1])


def test_a_sweep_killed_twice_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    chosen = random.Random(5)
    pauses = [chosen.uniform(1.0, 3.0) for _ in range(2)]
    killed_and_undisturbed(tmp_path, SMALL, pauses, 5)


@pytest.mark.slow
def test_a_hundred_syntheses_killed_three_times_end_as_an_undisturbed_sweep(
    tmp_path: Path,
) -> None:
    chosen = random.Random(6)
    pauses = [chosen.uniform(10.0, 60.0) for _ in range(3)]
    killed_and_undisturbed(tmp_path, LARGE, pauses, 101)


def test_tools_of_a_killed_sweep_end_with_it(tmp_path: Path) -> None:
    """Kill it while Yosys runs: the workers' own children must go too."""
    cache = tmp_path / "cache"
    (tmp_path / "space.toml").write_text('metrics = ["area"]\n[axes]\nformats = "e3m2"\nrows = 2\n')
    process = begin(tmp_path, cache)
    deadline = time.monotonic() + 60
    while not any(b"yosys_process" in command_line(pid) for pid in members(cache)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.communicate()
    wait_for_none(cache, seconds=3)


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)],
)
def test_an_interrupt_ends_all_with_one_line_and_the_sweep_goes_on(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    (tmp_path / "space.toml").write_text(SMALL)
    cache = tmp_path / "cache"
    process = begin(tmp_path, cache)
    deadline = time.monotonic() + 60
    while len(results(tmp_path)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, number)  # as a terminal does: to all of its group
    _, err = process.communicate(timeout=20)
    assert process.returncode == status
    assert "Traceback" not in err
    said = [line for line in err.splitlines() if line.startswith("afp-hw: ")]
    assert said == (["afp-hw: interrupted"] if number is signal.SIGINT else [])
    wait_for_none(cache, seconds=3)
    with Store(tmp_path / "space.sqlite") as store:
        assert store.connection.execute("SELECT COUNT(*) FROM claims").fetchone() == (0,)
    known = results(tmp_path)
    assert 2 <= len(known) < 5
    run(tmp_path, cache)
    assert known < results(tmp_path)
    assert len(results(tmp_path)) == 5
