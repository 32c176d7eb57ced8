"""Where jobs run. The same interface for processes of this machine and for a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from afp_hw.explore.jobs import Job
from afp_hw.explore.outcomes import Outcome


class Executor(Protocol):
    """Runs jobs, hands back what came of each.

    Attributes
    ----------
    name
        For people: ``2 processes``.
    """

    name: str

    @property
    def room(self) -> int:
        """How many more jobs it takes now; a sweep claims no more than that."""
        ...

    def submit(self, job: Job) -> None:
        """Begin a job, or queue it."""
        ...

    def finished(self, timeout_s: float) -> Iterator[Outcome]:
        """What has ended; waits at most so long for the first."""
        ...

    def close(self) -> None:
        """Stop all that runs."""
        ...
