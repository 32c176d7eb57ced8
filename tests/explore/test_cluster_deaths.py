"""Workers that die: in mid-sweep, by their own job, before a job has begun."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from distributed import Client

from afp_hw.explore.cluster_executor import ClusterExecutor
from afp_hw.explore.jobs import Job
from afp_hw.explore.outcomes import DIED, RAN
from afp_hw.explore.store import Store
from afp_hw.explore.sweep import TRIES, Report
from tests.explore.clusters import digest, executor, swept_there, workers
from tests.explore.sweeps import space_of, swept
from tests.explore.trivial_jobs import DIES, PATIENT, REFUSED, SLOW, all_runs, runs_of


def killing(made: ClusterExecutor, moments: tuple[int, ...]) -> Report:
    """Kills all workers when so many jobs are done."""
    left = list(moments)

    def report(done: int, total: int) -> None:
        if left and done >= left[0]:
            left.pop(0)
            for process in made._client.run(os.getpid, on_error="ignore").values():
                os.kill(process, signal.SIGKILL)

    return report


def test_a_sweep_whose_workers_are_killed_ends_complete_and_equal(
    cluster: Any, tmp_path: Path
) -> None:
    there, here = tmp_path / "there.sqlite", tmp_path / "here.sqlite"
    space = space_of([SLOW, 3], cols=range(1, 5))
    made = executor(cluster)
    before = set(made._client.run(os.getpid).values())
    tally = swept_there(there, space, made, killing(made, (2, 5)))
    assert (tally.points, tally.computed, tally.failed) == (8, 9, 0)
    swept(here, space)
    assert digest(there) == digest(here)
    with Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(2)
        assert not before & set(client.run(os.getpid).values())  # they were killed indeed


@pytest.mark.parametrize(
    ("allowed_failures", "runs"),
    [(0, 3), pytest.param(3, 4, marks=pytest.mark.slow)],  # a scheduler tries again by itself
)
def test_a_job_that_kills_its_workers_fails_and_the_others_are_done(
    cluster: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    allowed_failures: int,
    runs: int,
) -> None:
    there, here = tmp_path / "there.sqlite", tmp_path / "here.sqlite"
    space = space_of([DIES, 1, REFUSED, 2, SLOW, 4, 5, 6], cols=[10 + runs])
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", allowed_failures)
    tally = swept_there(there, space, executor(cluster))
    assert (tally.computed, tally.failed, tally.refused) == (9, 1, 1)
    with Store(there) as store:
        found = {key: stored for key, _, stored in store.everything()}
        (failed,) = [key for key, stored in found.items() if stored.state == "failed"]
        assert runs_of(failed) == runs
        assert "its process died" in store.log(failed)
    swept(here, space)
    assert digest(there) == digest(here)


def test_deaths_before_a_job_begins_are_not_its_own(traces: Path) -> None:
    with workers(1) as cluster:
        cluster.scheduler.allowed_failures = TRIES - 1
        made = executor(cluster)
        made._threads = 2  # so that one job waits behind the other, which does not end
        jobs = [Job("cycles", {"axes": {"rows": PATIENT, "cols": cols}}) for cols in (1, 2)]
        for job in jobs:
            made.submit(job)
        for run in range(1, TRIES + 1):
            while len(all_runs()) < run:
                time.sleep(0.05)
            os.kill(*made._client.run(os.getpid).values(), signal.SIGKILL)
        assert {state for _, state in ends_of(made, 2)} == {DIED}
        runs = {job.key: runs_of(job.key) for job in jobs}
        assert sum(runs.values()) == TRIES
        (traces / "go").touch()
        for job in jobs:
            made.submit(job)
        expected = {key: RAN if runs[key] < TRIES else DIED for key in runs}
        assert dict(ends_of(made, 2)) == expected
        made.close()


def ends_of(made: ClusterExecutor, jobs: int) -> list[tuple[str, str]]:
    """Keys and states of so many jobs that end."""
    ended: list[tuple[str, str]] = []
    while len(ended) < jobs:
        ended += [(outcome.key, outcome.state) for outcome in made.finished(30)]
    return ended
