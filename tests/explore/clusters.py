"""Real Dask clusters on this machine, and sweeps of trivial jobs on them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
from distributed import Client, LocalCluster

from afp_hw.explore.cluster_executor import ClusterExecutor
from afp_hw.explore.space import Space
from afp_hw.explore.store import Store
from afp_hw.explore.sweep import Report, Sweep, Tally
from tests.explore import trivial_jobs


@contextlib.contextmanager
def workers(number: int) -> Iterator[LocalCluster]:
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1 hour"}),
        LocalCluster(
            n_workers=number, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as made,
    ):
        yield made


def executor(cluster: Any, **options: Any) -> ClusterExecutor:
    client = Client(cluster, set_as_default=False)
    return ClusterExecutor(client, name="test", **{"function": trivial_jobs.attempted} | options)


def swept_there(
    path: Path, space: Space, made: ClusterExecutor, report: Report = lambda done, total: None
) -> Tally:
    with Store(path) as store:
        return Sweep(space, store, lambda: made, report=report).run()


def digest(path: Path) -> str:
    with Store(path, create=False) as store:
        return store.content_digest()
