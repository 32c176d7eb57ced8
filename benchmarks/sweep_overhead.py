"""What the engine of sweeps adds to a job, against pools that keep nothing.

300 jobs that take no time, on two processes: each is claimed, tried, put into the store and synced
to the disk. Rivals run the same function on as many processes and forget what it gave:
``concurrent.futures.ProcessPoolExecutor``, and a Dask ``LocalCluster`` where it is installed.
Workers are started, and have imported what they need, before the clock. Limit: 50 ms a job.

Then ``afp-hw explore`` as a whole, its start included, over 1,000 points that its store has. Limit:
2 s. On a machine with other work CPU seconds say more: they stand beside.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

from afp_hw.explore import outcomes
from afp_hw.explore.jobs import Job
from afp_hw.explore.local import LocalExecutor
from afp_hw.explore.outcomes import Outcome
from afp_hw.explore.planning import Planner
from afp_hw.explore.space_file import load_space
from afp_hw.explore.store import DONE, Store, Stored
from afp_hw.explore.sweep import Sweep

JOBS, PROCESSES, POINTS = 300, 2, 1000
LIMIT_MS, LIMIT_S = 50.0, 2.0

CYCLES = {
    "cycles": 1,
    "utilisation": 1.0,
    "time_ms": 1.0,
    "bytes_moved": 1,
    "traffic_bytes": {},
    "layers": [],
}
FACTS = {"sums": [9, 0], "images": 1, "data": "none", "float32_accuracy": None}


def trivial(job: Job) -> Outcome:
    """As a job is tried, but for what it computes."""
    outcomes.run = lambda job: FACTS if job.kind == "network" else CYCLES
    return outcomes.attempt(job)


def space_text(points: int) -> str:
    return f'metrics = ["cycles"]\n[axes]\nformats = "int8"\nrows = {list(range(1, points + 1))}\n'


def timed(run: Callable[[], object]) -> float:
    """Milliseconds a job."""
    begun = time.perf_counter()
    run()
    return 1e3 * (time.perf_counter() - begun) / JOBS


def jobs_of(folder: Path) -> list[Job]:
    space = load_space(folder / "space.toml")
    planner = Planner(space)
    return [planner.jobs(point, {"embedded": FACTS})["cycles"] for point in space.grid()]


def engine_ms(folder: Path) -> float:
    executor = LocalExecutor(PROCESSES, trivial)
    for number in range(PROCESSES):  # started before the clock
        executor.submit(Job("network", {"warm": number}, key=f"warm{number}"))
    ended = 0
    while ended < PROCESSES:
        ended += len(list(executor.finished(1.0)))
    with Store(folder / "engine.sqlite") as store:
        sweep = Sweep(load_space(folder / "space.toml"), store, lambda: executor)
        found = timed(sweep.run)
        if len(list(store.everything())) != JOBS + 1:
            raise SystemExit("the sweep has lost results")
    return found


def pool_ms(jobs: list[Job]) -> float:
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        list(pool.map(trivial, jobs[: 2 * PROCESSES]))
        return timed(lambda: list(pool.map(trivial, jobs)))


def dask_ms(jobs: list[Job]) -> float:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=PROCESSES, threads_per_worker=1, dashboard_address=":0", silence_logs=50
        ) as cluster,
        Client(cluster) as client,
    ):
        client.gather(client.map(trivial, jobs[: 2 * PROCESSES], pure=False))
        return timed(lambda: client.gather(client.map(trivial, jobs, pure=False)))


def known_seconds(folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds of the command over points that are all known."""
    path = folder / "known.toml"
    path.write_text(space_text(POINTS))
    space = load_space(path)
    planner = Planner(space)
    network = planner.network_job("embedded")
    with Store(folder / "known.sqlite") as store:
        store.connection.execute("PRAGMA synchronous = OFF")  # filled, not measured
        store.record(network, Stored(DONE, FACTS))
        for point in space.grid():
            (job,) = planner.jobs(point, {"embedded": FACTS}).values()
            store.record(job, Stored(DONE, {"cycles": 1}))
    walls, cpus = [], []
    for _ in range(3):
        before, begun = os.times(), time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "afp_hw", "explore", str(path)],
            capture_output=True,
            text=True,
            check=True,
        )
        walls.append(time.perf_counter() - begun)
        after = os.times()
        cpus.append(
            after.children_user + after.children_system
            - before.children_user - before.children_system
        )  # fmt: skip
        if f"{POINTS} points, {POINTS + 1} results, 0 of them computed" not in done.stdout:
            raise SystemExit(f"the command did not find what is known: {done.stdout}")
    return min(walls), min(cpus)


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "space.toml").write_text(space_text(JOBS))
        jobs = jobs_of(folder)
        engine, pool = engine_ms(folder), pool_ms(jobs)
        print(f"{JOBS} jobs that take no time, {PROCESSES} processes, ms a job:")
        print(f"  afp-hw, claimed, stored and synced  {engine:7.2f}; limit {LIMIT_MS:.0f}")
        rivals = {"ProcessPoolExecutor, nothing kept": pool}
        if find_spec("distributed") is not None:
            rivals["Dask LocalCluster, nothing kept"] = dask_ms(jobs)
        for rival, value in rivals.items():
            print(f"  {rival:<34}  {value:7.2f}; ours is {engine / value:.2f} times that")
        wall, cpu = known_seconds(folder)
    print(
        f"afp-hw explore over {POINTS:,} known points: {wall:.2f} s, {cpu:.2f} CPU s; "
        f"limit {LIMIT_S:.0f}"
    )
    return int(engine > LIMIT_MS or wall > LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
