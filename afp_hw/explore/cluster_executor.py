"""Jobs on the workers of a Dask scheduler.

Every worker thread has one job at a time, so that a death is that of one job. What is to run next
waits in this process: it is handed on the moment that a job ends, while the sweep still writes.

Dask counts a worker's death against all that was to run there, begun or not: when a machine goes
down, a job is given to one dead worker after the other. So workers tell what they begin, and only
deaths of runs that had begun count.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any, Final

import distributed
from distributed.scheduler import KilledWorker

from afp_hw import __version__
from afp_hw.explore.batch import Batch
from afp_hw.explore.jobs import Job
from afp_hw.explore.outcomes import DIED, Outcome, attempt
from afp_hw.explore.sweep import TRIES

_LOOK_S: Final = 1.0
_PATIENCE_S: Final = 15.0
_LOST: Final = "scheduler-connection-lost"
_BEGUN: Final = "afp-hw-begun"
"""Topic of the scheduler's events: ``[sweep, key of the job]``."""

Function = Callable[[Job], Outcome]


def as_planned(function: Function, job: Job, planned_with: str, sweep: str) -> Outcome:
    """Run a job on a worker, if it would have the same key there, and tell that it begins.

    Raises
    ------
    ValueError
        Sources or tools are others than those of the sweep.
    """
    if Job(job.kind, job.given).key != job.key:
        raise ValueError(
            f"workers must have the sources and tools of afp-hw {planned_with} as the sweep has "
            f"them, not others: {socket.gethostname()} has afp-hw {__version__} and would give "
            f"the {job.kind} job another key"
        )
    worker = distributed.get_worker()
    with contextlib.suppress(OSError):  # that nobody hears of it is no reason not to run
        # Waits until it is said: what is only to be sent would be lost if the job kills its worker.
        distributed.utils.sync(
            worker.loop, worker.scheduler.log_event, topic=_BEGUN, msg=[sweep, job.key]
        )
    return function(job)


class ClusterExecutor:
    """Runs jobs on the workers of a Dask scheduler, however many there are at the moment.

    Parameters
    ----------
    client
        Connected; closed with this.
    name
        For people.
    function
        What workers run.
    batch
        Batch jobs that were started for this, and end with it.
    """

    def __init__(
        self,
        client: Any,
        *,
        name: str,
        function: Function = attempt,
        batch: Batch | None = None,
    ) -> None:
        self.name = name
        self._client, self._function, self._batch = client, function, batch
        self._sweep, self._numbers = secrets.token_hex(4), count()
        self._threads, self._looked = 0, float("-inf")
        self._alone_since: float | None = time.monotonic()
        self._in_hand = 0  # submitted, and not handed back
        self._ended: SimpleQueue[Outcome | Exception] = SimpleQueue()
        # The rest belongs to the thread of the client's event loop.
        self._waiting: deque[Job] = deque()
        self._running: dict[str, Any] = {}
        self._begun: Counter[str] = Counter()
        self._closed = False
        client.subscribe_topic(_BEGUN, self._count)
        self._look()

    @property
    def room(self) -> int:
        """One job for each thread and one that waits for it; one while there is no worker yet."""
        return max(0, max(1, 2 * self._threads) - self._in_hand)

    def submit(self, job: Job) -> None:
        """Begin a job, or queue it."""
        self._in_hand += 1
        self._client.loop.add_callback(self._enqueue, job)

    def finished(self, timeout_s: float) -> Iterator[Outcome]:
        """What has ended; waits at most so long for the first.

        Raises
        ------
        OSError
            The scheduler has gone.
        ValueError
            A worker's afp-hw is another one.
        """
        self._look()
        ended: list[Outcome | Exception] = []
        with contextlib.suppress(Empty):
            ended.append(self._ended.get(timeout=timeout_s))
            while True:
                ended.append(self._ended.get_nowait())
        self._in_hand -= len(ended)
        yield from (one for one in ended if isinstance(one, Outcome))
        for one in ended:  # after all that was computed is kept
            if isinstance(one, Exception):
                raise one

    def close(self) -> None:
        """Give up what runs: a worker ends the job that it has, nobody waits for it."""
        self._closed = True
        with contextlib.suppress(OSError, RuntimeError, CancelledError):  # it may have gone
            self._client.cancel(list(self._running.values()), force=True)
            self._client.unsubscribe_topic(_BEGUN)
        self._client.close()
        if self._batch is not None:
            self._batch.close()

    def _look(self) -> None:
        """See how many workers there are: they come and go."""
        if time.monotonic() - self._looked < _LOOK_S:
            return
        self._looked = time.monotonic()
        self._threads = self._client.scheduler_info(n_workers=0)["total_threads"]
        self._client.loop.add_callback(self._begin)
        self._tell_of_none()
        if self._batch is not None:
            self._batch.replace_ended()

    def _tell_of_none(self) -> None:
        """Say, once each time, that there is no worker: the sweep waits, however long it takes."""
        if self._threads:
            self._alone_since = self._looked
        elif self._alone_since is not None and self._looked - self._alone_since > _PATIENCE_S:
            self._alone_since = None
            logging.getLogger(__name__).warning(
                "afp-hw: there is no worker of %s; the sweep waits for one", self.name
            )

    # In the event loop

    def _enqueue(self, job: Job) -> None:
        self._waiting.append(job)
        self._begin()

    def _begin(self) -> None:
        """Have a job on every thread."""
        while self._waiting and not self._closed and len(self._running) < max(1, self._threads):
            job = self._waiting.popleft()
            if self._begun[job.key] >= TRIES:  # its scheduler has tried it that often already
                self._ended.put(_death(job, "tried before"))
                continue
            # Two sweeps, or two tries, of one key are two tasks.
            key = f"{job.kind}-{job.key}-{self._sweep}-{next(self._numbers)}"
            future = self._client.submit(
                as_planned, self._function, job, __version__, self._sweep, key=key, pure=False
            )
            self._running[job.key] = future
            self._client.loop.add_callback(self._follow, job, future)

    def _count(self, event: tuple[float, tuple[str, str]]) -> None:
        _, (sweep, key) = event
        self._begun[key] += sweep == self._sweep

    async def _follow(self, job: Job, future: Any) -> None:
        """Wait for one job."""
        ended: Outcome | Exception
        try:
            ended = await self._client.gather(future, asynchronous=True)
        except KilledWorker as error:
            self._threads -= error.last_worker.nthreads  # or the next job waits behind another
            ended = _death(job, str(error))
        except CancelledError as error:
            ended = _death(job, str(error))
            if getattr(error, "reason", None) == _LOST:
                ended = self._gone()
        except OSError:
            ended = self._gone()
        except Exception as error:
            ended = error if isinstance(error, ValueError) else _unfit(error)
        del self._running[job.key]
        self._ended.put(ended)
        self._begin()

    def _gone(self) -> OSError:
        self._closed = True
        return OSError(
            f"{self.name} must run until the sweep ends, but it has gone; what was computed is "
            "kept: run the command again"
        )


def _death(job: Job, log: str) -> Outcome:
    """In the words of processes of this machine: a failure is the same bytes, too."""
    return Outcome(job.key, DIED, reason="its process died", log=f"its process died\n{log}")


def _unfit(error: Exception) -> ValueError:
    """A worker, or the scheduler, that cannot even begin a job."""
    cause = error.__cause__ or error
    said = " ".join(str(cause).split())
    return ValueError(
        f"scheduler and workers must have afp-hw {__version__} and what it needs, not fail with "
        f"{type(cause).__name__}: {said}"
    )
