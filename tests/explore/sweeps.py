"""Small sweeps of trivial jobs, for tests."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from afp_hw.explore.local import LocalExecutor
from afp_hw.explore.space import Space
from afp_hw.explore.space_file import parse_space
from afp_hw.explore.store import Store
from afp_hw.explore.sweep import Sweep, Tally
from tests.explore import trivial_jobs


def space_of(rows: Sequence[int], cols: Sequence[int] = (1,), top: str = "") -> Space:
    """A space of cycles in which rows say what becomes of a job."""
    text = f'metrics = ["cycles"]\n{top}\n[axes]\nrows = {list(rows)}\ncols = {list(cols)}\n'
    return parse_space(text, "trivial")


def executor(processes: int = 1) -> LocalExecutor:
    """Processes that run trivial jobs."""
    return LocalExecutor(processes, trivial_jobs.attempted)


def swept(path: Path, space: Space, processes: int = 1, **options: Any) -> Tally:
    """Run a sweep."""
    with Store(path) as store:
        return Sweep(space, store, lambda: executor(processes), **options).run()


def meet(folder: Path, processes: int) -> None:
    """Wait until so many processes have come here."""
    (folder / f"here-{os.getpid()}").touch()
    while len(list(folder.glob("here-*"))) < processes:
        time.sleep(0.01)
