"""Disks that are full where tools write: nothing false is kept, and the sweep goes on later."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from afp_hw.explore.store import DONE, Store
from tests.explore.small_disks import on_a_small_disk


def explore(folder: Path, cache: Path, before: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*before, sys.executable, "-m", "afp_hw", "explore", "space.toml", "-j", "1"],
        cwd=folder,
        env=os.environ | {"AFP_HW_CACHE": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )


def states(folder: Path) -> set[str]:
    with Store(folder / "space.sqlite") as store:
        return {stored.state for _, _, stored in store.everything()}


@pytest.mark.parametrize(
    ("metric", "kibibytes"),
    [
        ("area", 300),
        pytest.param("area", 700, marks=pytest.mark.slow),
        pytest.param("energy", 500, marks=pytest.mark.slow),
        pytest.param("energy", 900, marks=pytest.mark.slow),
        pytest.param("accuracy", 40, marks=pytest.mark.slow),
    ],
)
def test_what_tools_write_on_a_full_disk_is_not_taken_for_a_result(
    tmp_path: Path, metric: str, kibibytes: int
) -> None:
    (tmp_path / "space.toml").write_text(
        f'metrics = ["{metric}"]\nimages = 20\n[axes]\nformats = "e2m1"\nsize = "8x8"\n'
    )
    cache = tmp_path / "cache"
    cache.mkdir()
    done = explore(tmp_path, cache, on_a_small_disk(cache, kibibytes))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("afp-hw: a worker says: ")
    assert done.stderr.endswith("No space left on device\n")
    assert states(tmp_path) <= {DONE}
    assert explore(tmp_path, cache, []).returncode == 0
    assert states(tmp_path) == {DONE}
