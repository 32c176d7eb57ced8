"""One job, tried once: what every executor runs, and what it hands back."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import time
import traceback
from dataclasses import dataclass
from typing import Any, Final

from threadpoolctl import threadpool_limits

from afp_hw.errors import MismatchError, ToolError
from afp_hw.explore.jobs import Job, run

RAN, CANNOT, BROKE, DIED, HALT = "ran", "cannot", "broke", "died", "halt"
"""Measured; the point cannot be built; an error; its worker died; nothing more can be computed."""

_ENVIRONMENT: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ESTALE)
_LOG_CHARACTERS: Final = 8000


@dataclass(frozen=True)
class Outcome:
    """What came of one try.

    Attributes
    ----------
    key
        Of the job.
    state
        One of the constants above.
    result
        Where it ran: the result as JSON text, so that it is the same from whatever worker.
    reason
        One sentence where it did not.
    log
        Traceback, and the end of a tool's log.
    mismatch
        Whether two models differ.
    seconds, worker
        How long it took and where.
    """

    key: str
    state: str
    result: str = ""
    reason: str = ""
    log: str = ""
    mismatch: bool = False
    seconds: float = 0.0
    worker: str = ""


def attempt(job: Job) -> Outcome:
    """Run a job in this process; raises nothing but what ends the process.

    With one BLAS thread: as many jobs as cores run side by side, and sums in floating point do not
    depend on how many cores there are.
    """
    begun = time.perf_counter()
    where: dict[str, Any] = {"key": job.key, "worker": f"{socket.gethostname()}:{os.getpid()}"}
    try:
        with threadpool_limits(1):
            text = json.dumps(run(job), allow_nan=False)
        return Outcome(state=RAN, result=text, seconds=time.perf_counter() - begun, **where)
    except Exception as error:
        if reason := _environment(error):
            return Outcome(state=HALT, reason=reason, log=_log(error), **where)
        if isinstance(error, ValueError | TypeError | OverflowError):
            taken = time.perf_counter() - begun
            return Outcome(state=CANNOT, reason=_sentence(error), seconds=taken, **where)
        return Outcome(
            state=BROKE,
            reason=_sentence(error),
            log=_log(error),
            mismatch=isinstance(error, MismatchError),
            **where,
        )


def _environment(error: Exception) -> str:
    """What the machine lacks, where that is behind an error, however it was put; else empty."""
    behind: BaseException | None = error
    while behind is not None:
        if isinstance(behind, OSError) and behind.errno in _ENVIRONMENT:
            return _sentence(behind)
        behind = behind.__cause__ or behind.__context__
    if isinstance(error, ToolError):
        log = _log(error)
        for said in map(os.strerror, _ENVIRONMENT):
            if said in log:
                return f"{error.command[0]}: {said}"
    return ""


def _sentence(error: Exception) -> str:
    if isinstance(error, ToolError):  # where its log was differs from run to run
        return f"{error.command[0]} ended with exit status {error.status}"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(str(error).split()) or type(error).__name__


def _log(error: Exception) -> str:
    """The traceback, and behind it what the tool said last."""
    text = "".join(traceback.format_exception(error))
    if isinstance(error, ToolError) and error.log is not None:
        with contextlib.suppress(OSError):
            text += "\n" + error.log.read_text(encoding="utf-8", errors="replace")
    return text[-_LOG_CHARACTERS:]
