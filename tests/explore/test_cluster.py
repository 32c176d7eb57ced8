"""Sweeps on a real Dask cluster: the same bytes as here, and a scheduler that goes away."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from afp_hw.explore import cluster_executor
from afp_hw.explore.cluster import connect
from afp_hw.explore.jobs import Job
from afp_hw.explore.local import LocalExecutor
from afp_hw.explore.outcomes import attempt
from afp_hw.explore.space_file import parse_space
from afp_hw.explore.store import Store
from afp_hw.explore.sweep import Sweep
from tests.explore import trivial_jobs
from tests.explore.clusters import digest, executor, swept_there, workers
from tests.explore.sweeps import space_of, swept
from tests.explore.trivial_jobs import BREAKS, SLOW

REAL = parse_space(
    'metrics = ["cycles"]\nimages = 20\n[axes]\nformats = ["e2m1", "int8"]\nsize = "8x8"\n', "real"
)


def test_real_jobs_give_the_same_bytes_there_and_here(cluster: Any, tmp_path: Path) -> None:
    there, here = tmp_path / "there.sqlite", tmp_path / "here.sqlite"
    made = executor(cluster, function=attempt)
    made._client.restart()  # workers that have run no trivial job
    tally = swept_there(there, REAL, made)
    assert (tally.points, tally.computed, tally.failed) == (2, 3, 0)
    with Store(here) as store:
        Sweep(REAL, store, lambda: LocalExecutor(1)).run()
    assert digest(there) == digest(here)
    with Store(there) as store:
        found = store.connection.execute("SELECT DISTINCT worker FROM timings").fetchall()
    assert all(int(worker.rpartition(":")[2]) != os.getpid() for (worker,) in found)


def test_a_job_that_breaks_is_tried_three_times(cluster: Any, tmp_path: Path) -> None:
    there, here = tmp_path / "there.sqlite", tmp_path / "here.sqlite"
    space = space_of([BREAKS, 6])
    assert swept_there(there, space, executor(cluster)).failed == 1
    swept(here, space)
    assert digest(there) == digest(here)


def test_a_job_that_would_have_another_key_on_a_worker_ends_the_sweep(cluster: Any) -> None:
    made = executor(cluster)
    made.submit(Job("cycles", {"axes": {"rows": 1, "cols": 1}}, key="0" * 32))
    with pytest.raises(ValueError, match=r"^workers must have the sources and tools of afp-hw "):
        list(made.finished(30))
    made.close()


def test_room_is_for_two_jobs_a_thread(cluster: Any) -> None:
    made = executor(cluster)
    made._client.wait_for_workers(2)
    made._looked = float("-inf")
    list(made.finished(0))
    assert made.room == 4
    for cols in range(5):
        made.submit(Job("cycles", {"axes": {"rows": SLOW, "cols": cols}}))
    assert made.room == 0  # not less
    ended: list[str] = []
    while len(ended) < 5:
        ended += [outcome.key for outcome in made.finished(30)]
    assert (made.room, len(set(ended))) == (4, 5)
    made.close()


def test_that_no_worker_comes_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cluster_executor, "_LOOK_S", 0.0)
    monkeypatch.setattr(cluster_executor, "_PATIENCE_S", 0.3)
    with workers(0) as cluster:
        made = executor(cluster)
        list(made.finished(0))
        assert "no worker" not in caplog.text  # they may be on their way
        time.sleep(0.4)
        for _ in range(3):
            list(made.finished(0))
        assert caplog.text.count("afp-hw: there is no worker of test; the sweep waits for one") == 1
        made.close()


# A scheduler of its own


def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def running(traces: Path) -> Iterator[tuple[str, subprocess.Popen[bytes], list[Any]]]:
    """Address and process of a scheduler, and the process of its worker."""
    address = f"tcp://127.0.0.1:{port()}"
    place = ["--host", "127.0.0.1", "--port", address.rpartition(":")[2]]
    begun = [
        subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        for arguments in (
            ["distributed.cli.dask_scheduler", *place, "--no-dashboard", "--dashboard-address=:0"],
            ["distributed.cli.dask_worker", address, "--nthreads=1", "--no-dashboard"],
        )
    ]
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", int(place[-1]))).close()
            break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    yield address, begun[0], begun[1:]
    for process in begun:
        process.terminate()
    for process in begun:
        process.wait(60)


def test_a_scheduler_that_goes_away_ends_the_sweep_and_loses_nothing(
    running: Any, tmp_path: Path
) -> None:
    address, scheduler, _ = running
    there, here = tmp_path / "there.sqlite", tmp_path / "here.sqlite"
    space = space_of([2, 3], cols=range(1, 9))
    made = connect(address)
    made._function = trivial_jobs.attempted
    assert made.room == 1  # queued, where no worker has come yet

    def report(done: int, total: int) -> None:
        if done == 6:
            scheduler.kill()

    with pytest.raises(OSError, match=r" has gone; what was computed is kept: run the command"):
        swept_there(there, space, made, report)
    with Store(there) as store:
        assert len(list(store.everything())) >= 6
        assert not store.connection.execute("SELECT * FROM claims").fetchall()
    assert swept(there, space).known >= 6
    swept(here, space)
    assert digest(there) == digest(here)


def test_what_answers_must_be_a_scheduler(cluster: Any) -> None:
    worker = next(iter(cluster.scheduler.workers))
    with pytest.raises(ValueError, match=r" must be the address of .*: a Dask Worker answers$"):
        connect(worker)


def test_a_sweep_over_the_address_of_a_scheduler(cluster: Any, tmp_path: Path) -> None:
    from afp_hw.cli.main import main

    space = tmp_path / "space.toml"
    space.write_text('metrics = ["cycles"]\n[axes]\nrows = [8]\ncols = [8]\n')
    command = ["explore", str(space), "--scheduler", cluster.scheduler_address, "--json"]
    assert main(command) == 0
    assert main(command) == 0  # all known: and nothing is left behind that hinders
