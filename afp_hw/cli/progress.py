"""Bars with the remaining time, for whatever takes a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Report = Callable[[int, int], None]
"""``report(done, total)``."""


@contextmanager
def progress_bars(*, hidden: bool = False) -> Iterator[Callable[[str], Report]]:
    """A function that starts a bar with a title; on stderr, and only where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    if hidden or not console.is_terminal:
        yield lambda title: lambda done, total: None
        return
    with Progress(*columns, console=console, transient=True) as bars:

        def start(title: str) -> Report:
            bar = bars.add_task(title, total=None)
            return lambda done, total: bars.update(bar, completed=done, total=total)

        yield start
