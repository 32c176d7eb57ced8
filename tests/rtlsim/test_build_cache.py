"""The cache of compiled arrays: found again, repaired, and safe against two builders at once."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from afp_hw.design import Design
from afp_hw.files import cache_dir
from afp_hw.formats import AFPFormat
from afp_hw.rtlsim import ArraySimulator, find_toolchain

TINY = Design(AFPFormat.parse("e2m1"), AFPFormat.parse("ue1m1"), rows=2, cols=2, k=5, init_max=0)

RUN_TINY = """
from afp_hw.design import Design
from afp_hw.formats import AFPFormat
from afp_hw.rtlsim import ArraySimulator
tiny = Design(
    AFPFormat.parse("e2m1"), AFPFormat.parse("ue1m1"), rows=2, cols=2, k=5, init_max=0
)
print(ArraySimulator(tiny).run([[3, 3, 1]], [[1], [7], [9]]).acc.tolist())
"""
# acts 3, 3, 1: hidden one: 3, 3, 1; weights 1, 7, 9: 1, (2 + 1) * 4, -1
SUM = "[[38]]"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache but for Verilator's runtime, which takes long to compile."""
    home = tmp_path / "rtlsim"
    home.mkdir()
    ArraySimulator(TINY).close()  # makes sure that there is a runtime to copy
    for runtime in (cache_dir() / "rtlsim").glob("runtime-*.a"):
        shutil.copy(runtime, home)
    monkeypatch.setenv("AFP_HW_CACHE", str(tmp_path))
    return home


def built(home):
    return sorted(home.glob("*.so"))


def test_a_damaged_entry_is_built_again(cache):
    ArraySimulator(TINY).close()
    (entry,) = built(cache)
    whole = entry.read_bytes()
    entry.unlink()
    entry.write_bytes(whole[: len(whole) // 2])
    with ArraySimulator(TINY) as simulator:
        assert simulator.run([[3]], [[7]]).acc.tolist() == [[36]]
    (entry,) = built(cache)
    assert len(entry.read_bytes()) > len(whole) // 2
    assert not list(cache.glob(".*"))


def test_an_entry_is_found_again(cache):
    ArraySimulator(TINY).close()
    (entry,) = built(cache)
    first = entry.stat()
    ArraySimulator(TINY).close()
    assert [path.stat().st_ino for path in built(cache)] == [first.st_ino]
    assert entry.stat().st_mtime_ns == first.st_mtime_ns
    assert not list(cache.glob(".*"))
    assert {path.suffix for path in cache.iterdir()} == {".so", ".a"}


def test_two_processes_may_build_the_same_array_at_once(cache):
    command = [sys.executable, "-c", RUN_TINY]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [run.communicate(timeout=300)[0].strip() for run in runs] == [SUM, SUM]
    assert built(cache)
    assert not list(cache.glob(".*"))


def test_a_missing_tool_is_one_sentence(monkeypatch):
    find_toolchain.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(FileNotFoundError, match=r"^Verilator must be installed for a simulation"):
        find_toolchain()
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(Path("/nonexistent")))
    with pytest.raises(FileNotFoundError, match=r"^A C\+\+ compiler must be installed"):
        find_toolchain()
    find_toolchain.cache_clear()
