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
    except (ValueError, TypeError, OverflowError) as error:
        return Outcome(
            state=CANNOT, reason=_sentence(error), seconds=time.perf_counter() - begun, **where
        )
    except OSError as error:
        state = HALT if error.errno in _ENVIRONMENT else BROKE
        return Outcome(state=state, reason=_sentence(error), log=_log(error), **where)
    except Exception as error:
        return Outcome(
            state=BROKE,
            reason=_sentence(error),
            log=_log(error),
            mismatch=isinstance(error, MismatchError),
            **where,
        )


def _sentence(error: Exception) -> str:
    if isinstance(error, ToolError):  # where its log was differs from run to run
        return f"{error.command[0]} ended with exit status {error.status}"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


def _log(error: Exception) -> str:
    """The traceback, and behind it what the tool said last."""
    text = "".join(traceback.format_exception(error))
    if isinstance(error, ToolError) and error.log is not None:
        with contextlib.suppress(OSError):
            text += "\n" + error.log.read_text(encoding="utf-8", errors="replace")
    return text[-_LOG_CHARACTERS:]
