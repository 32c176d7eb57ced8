"""Jobs in processes of this machine: one pool a process, so that a death is that of one job."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Final

from afp_hw.explore.jobs import Job
from afp_hw.explore.outcomes import DIED, Outcome, attempt

_CONTEXT: Final = multiprocessing.get_context("spawn")  # no thread or lock of ours is inherited


def _leave_with_parent() -> None:
    """End when the sweep is killed: its workers would otherwise go on and wait for ever.

    A worker and the tools that it runs are a group of processes, which ends as a whole.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None  # a worker has one
    os.setpgrp()

    def watch() -> None:
        parent.join()
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def _no_interrupts() -> Iterator[None]:
    """Processes that start in here leave interrupts to the sweep, from their first moment on."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class LocalExecutor:
    """So many processes, each of which runs one job at a time.

    Parameters
    ----------
    jobs
        Processes.
    function
        What they do with a job; importable by name.
    """

    def __init__(self, jobs: int, function: Callable[[Job], Outcome] = attempt) -> None:
        self._function = function
        self.name = f"{jobs} process{'es' if jobs > 1 else ''}"
        self._idle = [self._worker() for _ in range(jobs)]
        self._running: dict[Future[Outcome], tuple[ProcessPoolExecutor, str]] = {}

    @staticmethod
    def _worker() -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, mp_context=_CONTEXT, initializer=_leave_with_parent)

    @property
    def room(self) -> int:
        """Processes without a job."""
        return len(self._idle)

    def submit(self, job: Job) -> None:
        """Begin a job; there must be room."""
        worker = self._idle.pop()
        with _no_interrupts():
            try:
                future = worker.submit(self._function, job)
            except BrokenProcessPool:  # it died while it had nothing to do
                worker = self._worker()
                future = worker.submit(self._function, job)
        self._running[future] = worker, job.key

    def finished(self, timeout_s: float) -> Iterator[Outcome]:
        """What has ended; waits at most so long for the first."""
        done, _ = wait(self._running, timeout=timeout_s, return_when=FIRST_COMPLETED)
        for future in done:
            worker, key = self._running.pop(future)
            try:
                outcome = future.result()
                self._idle.append(worker)
            except BrokenProcessPool:
                worker.shutdown(wait=False)
                self._idle.append(self._worker())
                outcome = Outcome(key, DIED, reason="its process died", log="its process died")
            yield outcome

    def close(self) -> None:
        """Stop all processes, whatever they do."""
        workers = [*self._idle, *(worker for worker, _ in self._running.values())]
        for worker in workers:
            for pid, process in list((worker._processes or {}).items()):
                try:
                    os.killpg(pid, signal.SIGTERM)
                except ProcessLookupError:  # it has not begun, or has ended
                    process.terminate()
            worker.shutdown(wait=False, cancel_futures=True)
        self._idle, self._running = [], {}
