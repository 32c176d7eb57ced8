"""How many jobs a space has, and how long they take: for ``--dry-run``."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from afp_hw.explore.planning import Planner
from afp_hw.explore.space import Space
from afp_hw.explore.store import Store
from afp_hw.explore.strategies import random_points

_SECONDS: Final = {"network": 1.0, "accuracy": 5.0, "area": 6.0, "energy": 20.0, "cycles": 1.0}
"""Of a job on one core of 2020 and the embedded network, where a store has no better figure."""


def estimate(space: Space, store: Store, jobs: int) -> dict[str, Any]:
    """Jobs by kind, how many of them the store has, and seconds for the others.

    Bayesian search chooses its points as it goes: as many others stand for them. Networks that the
    store does not know are loaded, for their longest sums.

    Parameters
    ----------
    space, store
        What is to be explored, and what is known.
    jobs
        Processes.

    Raises
    ------
    ValueError, OSError
        A network that is none, or a file that cannot be read.
    """
    planner = Planner(space)
    facts: dict[str, dict[str, Any]] = {}
    wanted = {}
    for name in space.axes["network"]:
        job = planner.network_job(name)
        wanted[job.key] = job
        known = store.results([job.key]).get(job.key)
        if known is not None and "sums" in known.result:
            facts[name] = dict(known.result)
        else:
            from afp_hw.explore.inputs import load_network

            loaded = load_network(job.files["network"], job.given["network"])
            facts[name] = {"sums": loaded.sums}
    points = list(space.grid()) if space.strategy == "grid" else random_points(space)
    for point in points:
        for job in planner.jobs(point, facts).values():
            wanted[job.key] = job
    states = store.states(wanted)
    measured = store.seconds_by_kind()
    kinds: dict[str, dict[str, Any]] = {}
    for kind, count in Counter(job.kind for job in wanted.values()).items():
        known_jobs = sum(wanted[key].kind == kind for key in states)
        mean = measured[kind]["seconds"] / measured[kind]["jobs"] if kind in measured else None
        kinds[kind] = {
            "jobs": count,
            "known": known_jobs,
            "seconds": _SECONDS[kind] if mean is None else mean,
            "source": "a guess" if mean is None else "measured here",
        }
    seconds = sum((item["jobs"] - item["known"]) * item["seconds"] for item in kinds.values())
    return {
        "points": len(points),
        "jobs": len(wanted),
        "kinds": kinds,
        "seconds": seconds / jobs,
        "processes": jobs,
    }
