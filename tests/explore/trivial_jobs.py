"""Jobs that take no time, and some that go wrong, by the rows of a point: for workers to import."""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path
from typing import Any

from afp_hw.errors import MismatchError, ToolError
from afp_hw.explore import outcomes
from afp_hw.explore.jobs import Job
from afp_hw.explore.outcomes import Outcome

FOLDER = "AFP_HW_TEST_FOLDER"
"""Environment: where every run of a job leaves a line, and what a job waits for."""

BREAKS, DIES, DIFFERS, FULL, REFUSED, TOOL, THIRD, SLOW, PATIENT = range(101, 110)
"""Rows of points that go wrong, in what way, or take their time."""

FACTS = {
    "name": "trivial",
    "sums": [9, 0],
    "layers": [],
    "weights": 1,
    "images": 1,
    "data": "none",
    "calibration": "none",
    "float32_accuracy": None,
}


def runs_of(key: str) -> int:
    """How often a job was run."""
    return (Path(os.environ[FOLDER]) / "runs").read_text().split().count(key)


def all_runs() -> list[str]:
    """Keys of all that was run, in order."""
    path = Path(os.environ[FOLDER]) / "runs"
    return path.read_text().split() if path.exists() else []


def attempted(job: Job) -> Outcome:
    """As the real jobs are tried."""
    outcomes.run = measured  # type: ignore[assignment]  # a worker does nothing else
    return outcomes.attempt(job)


def measured(job: Job) -> dict[str, Any]:
    """A result, or what a point's rows say."""
    with (Path(os.environ[FOLDER]) / "runs").open("a") as file:
        file.write(f"{job.key}\n")
    if job.kind == "network":
        return FACTS
    rows, cols = job.given["axes"]["rows"], job.given["axes"]["cols"]
    if rows == BREAKS:
        raise RuntimeError("it broke\nin two lines")
    if rows == DIES:
        os.kill(os.getpid(), signal.SIGKILL)
    if rows == DIFFERS:
        raise MismatchError("sum 3 is 4, not 5")
    if rows == FULL:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "cache")
    if rows == REFUSED:
        raise ValueError("Design.rows must be smaller, not 105")
    if rows == TOOL:
        log = Path(os.environ[FOLDER]) / "tool.log"
        log.write_text("ERROR: it was the tool\n")
        raise ToolError(["yosys", "-q"], 7, log)
    if rows == THIRD and runs_of(job.key) < 3:
        raise RuntimeError("not yet")
    if rows == SLOW:
        time.sleep(0.3)
    if rows == PATIENT:
        while not (Path(os.environ[FOLDER]) / "go").exists():
            time.sleep(0.02)
    return {
        "cycles": 1000 // rows + cols,
        "utilisation": 100.0 / cols,
        "time_ms": rows / 3,
        "bytes_moved": rows * cols,
        "traffic_bytes": {"weights": rows * cols},
        "layers": [],
    }
