"""A sweep: walks a space, computes what its store does not have, keeps each result at once.

A job that breaks, or whose worker dies, is tried again elsewhere; after three tries it is recorded
as failed and the others go on. A killed sweep loses what was being computed, nothing else.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from afp_hw.explore.claims import Claims
from afp_hw.explore.configuration import digest_of
from afp_hw.explore.executors import Executor
from afp_hw.explore.jobs import Job
from afp_hw.explore.outcomes import CANNOT, HALT, RAN, Outcome
from afp_hw.explore.planning import Planner
from afp_hw.explore.provenance import provenance_of
from afp_hw.explore.space import Space
from afp_hw.explore.store import DONE, FAILED, REFUSED, Point, Store, Stored
from afp_hw.explore.strategies import strategy_of

TRIES: Final = 3
"""Of a job that breaks."""

_POLL_S: Final = 0.5
Report = Callable[[int, int], None]


@dataclass
class Tally:
    """What a sweep did.

    Attributes
    ----------
    points
        Looked at.
    known, computed
        Results that the store had, and those that it now has too.
    refused, failed
        Of all these, how many cannot be built, and how many failed.
    mismatch
        The first sentence that says that two models differ.
    busy_s, wall_s
        Seconds of jobs, and of the whole sweep.
    """

    points: int = 0
    known: int = 0
    computed: int = 0
    refused: int = 0
    failed: int = 0
    mismatch: str = ""
    busy_s: float = 0.0
    wall_s: float = 0.0
    seen: set[str] = field(default_factory=set)


class Sweep:
    """One sweep over a space.

    Parameters
    ----------
    space
        What is walked.
    store
        Where results are kept.
    executor
        Makes what runs jobs, when the first one is to be run.
    report
        ``report(done, total)`` in jobs.
    retry_failed
        Whether jobs that failed in an earlier sweep are tried again.
    """

    def __init__(
        self,
        space: Space,
        store: Store,
        executor: Callable[[], Executor],
        *,
        report: Report = lambda done, total: None,
        retry_failed: bool = False,
    ) -> None:
        self.space, self.store = space, store
        self._make = executor
        self._executor: Executor | None = None
        self._report, self._retry = report, retry_failed
        self._claims = Claims(store)
        self._planner = Planner(space)
        self._total = 0
        self.tally = Tally()

    def run(self) -> Tally:
        """Walk the space.

        Raises
        ------
        OSError
            A file cannot be read, or the disk is full: what was computed is kept.
        ValueError
            A network that is none.
        """
        begun = time.perf_counter()
        try:
            self._walk()
        finally:
            self._close()
            self.tally.wall_s = time.perf_counter() - begun
        return self.tally

    def _close(self) -> None:
        if self._executor is not None:
            self._executor.close()
        # On a full disk they stay: those of a process that has ended are void.
        with contextlib.suppress(OSError):
            self._claims.release()

    def _walk(self) -> None:
        facts = self._facts()
        identity, document = identified(self.space, facts)
        self.store.begin(identity, document)
        strategy = strategy_of(self.space)
        position = 0
        for batch in strategy.batches():
            jobs = [self._planner.jobs(axes, facts) for axes in batch]
            points = [
                Point(
                    position + index,
                    self._planner.point_key(axes),
                    axes,
                    {group: job.key for group, job in jobs[index].items()},
                )
                for index, axes in enumerate(batch)
            ]
            self.store.add_points(identity, points)
            position += len(batch)
            self.tally.points = position
            self._compute([job for of_point in jobs for job in of_point.values()])
            if self.space.strategy == "bayesian":
                strategy.tell([metrics_of(self.store, point) for point in points])

    def _facts(self) -> dict[str, dict[str, Any]]:
        names = self.space.axes["network"]
        jobs = {name: self._planner.network_job(name) for name in names}
        self._compute(list(jobs.values()))
        stored = self.store.results(job.key for job in jobs.values())
        found = {}
        for name, job in jobs.items():
            if stored[job.key].state != DONE:
                raise ValueError(f"network {name}: {stored[job.key].result['reason']}")
            found[name] = dict(stored[job.key].result)
        return found

    # Jobs

    def _compute(self, jobs: Sequence[Job]) -> None:
        """Have results of all jobs in the store, each computed once."""
        wanted = {job.key: job for job in jobs if job.key not in self.tally.seen}
        self.tally.seen |= wanted.keys()
        if self._retry:
            self.store.forget_failed(wanted)
        states = self.store.states(wanted)
        self._know(states)
        self._total += len(wanted)
        missing = {key: job for key, job in wanted.items() if key not in states}
        self._report(self._done, self._total)
        if missing:
            self._run(missing)

    @property
    def _done(self) -> int:
        return self.tally.known + self.tally.computed

    def _run(self, missing: dict[str, Job]) -> None:
        if self._executor is None:
            self._executor = self._make()
        executor = self._executor
        waiting = deque(missing)
        elsewhere: deque[str] = deque()  # what another sweep computes
        tries: dict[str, int] = {}
        running: set[str] = set()
        polled = 0.0
        while waiting or elsewhere or running:
            while waiting and executor.room:
                key = waiting.popleft()
                if key in tries or key in self._claims.take([key]):
                    running.add(key)
                    executor.submit(missing[key])
                else:
                    elsewhere.append(key)
            if elsewhere and time.monotonic() - polled > _POLL_S:
                polled = time.monotonic()
                waiting.extend(self._look(elsewhere))
            for outcome in executor.finished(_POLL_S) if running else self._sleep():
                running.discard(outcome.key)
                self._take(missing[outcome.key], outcome, tries, waiting)
            self._claims.renew()

    @staticmethod
    def _sleep() -> Iterator[Outcome]:
        time.sleep(_POLL_S)
        return iter(())

    def _look(self, elsewhere: deque[str]) -> list[str]:
        """Count what another sweep has computed meanwhile; gives what it has given up."""
        states = self.store.states(elsewhere)
        self._know(states)
        left = [key for key in elsewhere if key not in states]
        free = self._claims.take(left)
        elsewhere.clear()
        elsewhere.extend(key for key in left if key not in free)
        self._claims.release(free)  # they are claimed again when there is room
        self._report(self._done, self._total)
        return [key for key in left if key in free]

    def _take(self, job: Job, outcome: Outcome, tries: dict[str, int], waiting: deque[str]) -> None:
        """Keep what came of a job, or have it tried again."""
        tries[job.key] = tries.get(job.key, 0) + 1
        self.tally.busy_s += outcome.seconds
        if outcome.state == HALT:
            raise OSError(f"a worker says: {outcome.reason}")
        if outcome.state == RAN:
            stored = Stored(DONE, json.loads(outcome.result))
        elif outcome.state == CANNOT:
            stored = Stored(REFUSED, {"reason": outcome.reason})
        elif tries[job.key] < TRIES:
            waiting.append(job.key)
            return
        else:
            stored = Stored(FAILED, {"reason": outcome.reason, "mismatch": outcome.mismatch})
        self.store.record(
            job,
            stored,
            seconds=outcome.seconds,
            attempts=tries[job.key],
            worker=outcome.worker,
            log=outcome.log,
        )
        self._count(stored)
        self.tally.computed += 1
        self._report(self._done, self._total)

    def _know(self, states: Mapping[str, str]) -> None:
        """Count what the store has."""
        self.tally.known += len(states)
        others = (key for key, state in states.items() if state != DONE)
        for stored in self.store.results(others).values():
            self._count(stored)

    def _count(self, stored: Stored) -> None:
        self.tally.refused += stored.state == REFUSED
        self.tally.failed += stored.state == FAILED
        if stored.result.get("mismatch") and not self.tally.mismatch:
            self.tally.mismatch = stored.result["reason"]


def identified(space: Space, facts: dict[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    """A sweep's identity, and what its store says of it."""
    document = {"space": space.document(), "provenance": provenance_of(space, facts)}
    return digest_of(document)[:16], document


def metrics_of(store: Store, point: Point) -> dict[str, Any]:
    """All figures of a point that are there."""
    stored = store.results(point.jobs.values())
    found: dict[str, Any] = {}
    for key in point.jobs.values():
        if key in stored and stored[key].state == DONE:
            found |= stored[key].result
    return found
