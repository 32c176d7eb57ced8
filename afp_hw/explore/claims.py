"""Who computes what: two sweeps that share a store do not compute one result twice.

A claim is good for a minute and is renewed while its sweep lives. One whose sweep was killed on
this machine is void at once, on another one when the minute is over.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Iterable, Sequence
from typing import Final

from afp_hw.explore.store import Store

LEASE_SECONDS: Final = 60.0
RENEWED_SECONDS: Final = 15.0


def _start_of(pid: int) -> str | None:
    """When a process of this machine began, in ticks; None where none such runs."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            state, *fields = file.read().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    return None if state in "ZX" else fields[18]  # ended, though nobody has asked how


class Claims:
    """The claims of one sweep.

    Parameters
    ----------
    store
        Where they are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._host, pid = socket.gethostname(), os.getpid()
        self.owner = f"{self._host} {pid} {_start_of(pid)} {secrets.token_hex(4)}"
        self._renewed = time.monotonic()

    def take(self, keys: Sequence[str]) -> set[str]:
        """Claim what nobody else has claimed and nobody has computed; gives what is now ours."""
        now = time.time()
        connection = self._store.connection
        with self._store.transaction():
            mine = set()
            for key in keys:
                if connection.execute("SELECT 1 FROM results WHERE key = ?", (key,)).fetchone():
                    continue
                row = connection.execute(
                    "SELECT owner, until FROM claims WHERE key = ?", (key,)
                ).fetchone()
                if row is not None and row[0] != self.owner and not self._void(row[0], row[1], now):
                    continue
                connection.execute(
                    "INSERT OR REPLACE INTO claims VALUES (?, ?, ?)",
                    (key, self.owner, now + LEASE_SECONDS),
                )
                mine.add(key)
        return mine

    def renew(self) -> None:
        """Hold on to all claims, if it is time."""
        if time.monotonic() - self._renewed < RENEWED_SECONDS:
            return
        self._renewed = time.monotonic()
        with self._store.transaction():
            self._store.connection.execute(
                "UPDATE claims SET until = ? WHERE owner = ?",
                (time.time() + LEASE_SECONDS, self.owner),
            )

    def release(self, keys: Iterable[str] | None = None) -> None:
        """Give up claims, all of them by default."""
        with self._store.transaction():
            connection = self._store.connection
            if keys is None:
                connection.execute("DELETE FROM claims WHERE owner = ?", (self.owner,))
            else:
                connection.executemany(
                    "DELETE FROM claims WHERE owner = ? AND key = ?",
                    [(self.owner, key) for key in keys],
                )

    def _void(self, owner: str, until: float, now: float) -> bool:
        """Whether another sweep's claim holds no longer."""
        if until < now:
            return True
        host, pid, start, _ = owner.split(" ")
        return host == self._host and _start_of(int(pid)) != start
