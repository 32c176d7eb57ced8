"""Dask workers as jobs of a batch system, through dask-jobqueue and its configuration file."""

from __future__ import annotations

import shutil
import time
from queue import Empty, SimpleQueue
from typing import Any, Final

import dask
import dask_jobqueue
from distributed.core import Status

_CLUSTERS: Final = {
    "slurm": "SLURMCluster",
    "lsf": "LSFCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
}
_SUBMIT_S: Final = 60.0
_GRACE_S: Final = 60.0
"""A batch job without workers for so long has ended: a worker that died is back much earlier."""

_LOOK_S: Final = 10.0


class Batch:
    """A scheduler in this process, and batch jobs whose workers connect to it.

    Parameters
    ----------
    kind
        ``slurm lsf pbs sge``.
    jobs
        How many; one that ends, as when its time is up, is replaced.

    Raises
    ------
    ValueError
        The batch system is not here, its configuration is incomplete, or it refuses a job.
    """

    def __init__(self, kind: str, jobs: int) -> None:
        self._command = str(_class_of(kind).job_cls.submit_command)
        if shutil.which(self._command) is None:
            raise ValueError(f"--cluster {kind} must be used where {self._command} is, not here")
        # Dask would end a batch job whose only worker has died twice within this time.
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1000 days"})
        self._answers: SimpleQueue[str] = SimpleQueue()
        self.cluster = cluster_of(kind, self._answers)
        self._asked = 0
        self._seen: dict[str, float] = {}
        self._looked = time.monotonic()
        try:
            self._ask(jobs)
        except BaseException:
            self.close()
            raise

    def _ask(self, jobs: int) -> None:
        """Submit so many batch jobs more."""
        self._asked += jobs
        self.cluster.scale(jobs=self._asked)
        for _ in range(jobs):
            try:
                refusal = self._answers.get(timeout=_SUBMIT_S)
            except Empty:
                refusal = f"no answer in {_SUBMIT_S:.0f} s"
            if refusal:
                raise ValueError(
                    f"{self._command} must take the job of a worker, not say: {refusal}"
                )

    def replace_ended(self) -> None:
        """Submit a batch job for each one whose workers have gone for good."""
        now = time.monotonic()
        if now - self._looked < _LOOK_S:
            return
        self._looked = now
        workers = list(self.cluster.scheduler_info["workers"].values())
        names = [str(worker["name"]) for worker in workers]
        for job in self.cluster.worker_spec:
            # Of several workers of a job, each has the job's name and a number.
            if any(name == job or name.startswith(f"{job}-") for name in names):
                self._seen[job] = now
        ended = [job for job, seen in self._seen.items() if now - seen > _GRACE_S]
        for job in ended:
            del self._seen[job]
        if ended:
            self._ask(len(ended))

    def close(self) -> None:
        """End all batch jobs."""
        self.cluster.close()


def _class_of(kind: str) -> Any:
    return getattr(dask_jobqueue, _CLUSTERS[kind])


def cluster_of(kind: str, answers: SimpleQueue[str]) -> Any:
    """A scheduler, and what its batch jobs will be; none is submitted yet.

    Parameters
    ----------
    kind
        ``slurm lsf pbs sge``.
    answers
        Gets what is said when a batch job is submitted: nothing where it was taken.

    Raises
    ------
    ValueError
        The configuration is incomplete.
    """
    made = _class_of(kind)
    taken: Any = made.job_cls

    class Reporting(taken):  # type: ignore[misc]
        """A batch job that says whether it was taken."""

        async def start(self) -> None:
            refusal = ""
            try:
                await super().start()
            except Exception as error:  # not raised: Dask would drop it, and then fail to close
                refusal = _said(error) or type(error).__name__
                self.status = Status.running
            answers.put(refusal)

        async def close(self) -> None:
            await super().close()
            self.status = Status.closed

    cores, options = settings(kind)
    # A death counts as a try at once: the sweep does the counting.
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        return made(
            job_cls=Reporting,
            cores=cores,
            processes=cores,  # one thread each
            scheduler_options=options,
        )


def settings(kind: str) -> tuple[int, dict[str, Any]]:
    """Cores of a batch job, and options of the scheduler.

    Raises
    ------
    ValueError
        The configuration file lacks what a batch job must ask for.
    """
    found = {name: dask.config.get(f"jobqueue.{kind}.{name}") for name in ("cores", "memory")}
    for name, value in found.items():
        if value is None:
            raise ValueError(
                f"jobqueue.{kind}.{name} must be set in ~/.config/dask/jobqueue.yaml "
                "(docs/cluster.md has an example)"
            )
    # Without a port of its own for pages about the cluster, unless the site wants them.
    options = {"dashboard": False, "dashboard_address": ":0"}
    return int(found["cores"]), options | dask.config.get(f"jobqueue.{kind}.scheduler-options", {})


def _said(error: Exception) -> str:
    """What a command of the batch system said, in one line."""
    text = str(error)
    _, marked, said = text.partition("stderr:")
    return " ".join((said if marked else text).split())
