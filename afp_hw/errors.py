"""Errors that are not about a value the user gave."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class MismatchError(Exception):
    """Two models disagree; the message names the first difference. Exit status 1."""


class ToolError(Exception):
    """An external tool failed or is missing. Exit status 3.

    Parameters
    ----------
    command
        The command as run.
    status
        Its exit status.
    log
        File with what it printed, if one was kept.
    """

    def __init__(self, command: Sequence[str], status: int, log: Path | None = None) -> None:
        self.command = tuple(command)
        self.status = status
        self.log = log
        where = f"; its log is {log}" if log is not None else ""
        super().__init__(f"{self.command[0]} ended with exit status {status}{where}")
