"""The store of sweeps: results by key in an SQLite file, in write-ahead mode.

Only the process that runs a sweep writes; workers hand their results to it. Several sweeps may
share a file: :mod:`.claims` keeps them from computing one result twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from afp_hw.explore.configuration import digest_of
from afp_hw.explore.jobs import Job
from afp_hw.explore.store_file import StoreFile

DONE, REFUSED, FAILED = "done", "refused", "failed"
STATES: Final = (DONE, REFUSED, FAILED)
"""Of a result: measured; cannot be built; tried three times."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A result.

    Attributes
    ----------
    state
        One of :data:`STATES`.
    result
        What was measured; otherwise ``reason``, a sentence.
    """

    state: str
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a sweep.

    Attributes
    ----------
    position
        In the sweep.
    key
        Of its axes and networks.
    axes
        Their values.
    jobs
        By group of metrics, the key of the result.
    """

    position: int
    key: str
    axes: Mapping[str, Any]
    jobs: Mapping[str, str]


def _text(document: Any) -> str:
    return json.dumps(document, sort_keys=True, ensure_ascii=False, allow_nan=False)


class Store(StoreFile):
    """A store, opened; made where there is none: see :class:`.StoreFile`."""

    # Results

    def states(self, keys: Iterable[str]) -> dict[str, str]:
        """By key, the state of those that have a result."""
        return {key: row[0] for key, row in self._rows("state", keys)}

    def results(self, keys: Iterable[str]) -> dict[str, Stored]:
        """By key, the results that there are."""
        rows = self._rows("state, result", keys)
        return {key: Stored(state, json.loads(text)) for key, (state, text) in rows}

    def _rows(self, columns: str, keys: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        query = f"SELECT {columns} FROM results WHERE key = ?"
        with self.errors():
            for key in dict.fromkeys(keys):
                row = self.connection.execute(query, (key,)).fetchone()
                if row is not None:
                    yield key, row

    def record(
        self,
        job: Job,
        stored: Stored,
        *,
        seconds: float = 0.0,
        attempts: int = 1,
        worker: str = "",
        log: str = "",
    ) -> None:
        """Keep a result; one that is there already stays.

        Raises
        ------
        OSError
            The disk is full; what was there before still is.
        """
        given = _text(job.given)
        with self.transaction():
            self.connection.execute(
                "INSERT OR IGNORE INTO results VALUES (?, ?, ?, ?, ?)",
                (job.key, job.kind, stored.state, given, _text(stored.result)),
            )
            self.connection.execute(
                "INSERT OR IGNORE INTO timings VALUES (?, ?, ?, ?, ?, ?)",
                (job.key, job.kind, seconds, attempts, worker, log),
            )
            self.connection.execute("DELETE FROM claims WHERE key = ?", (job.key,))

    def forget_failed(self, keys: Iterable[str]) -> int:
        """Remove failures, so that they are tried again; gives how many there were."""
        failed = [key for key, state in self.states(keys).items() if state == FAILED]
        with self.transaction():
            for table in ("results", "timings"):
                self.connection.executemany(
                    f"DELETE FROM {table} WHERE key = ?", [(key,) for key in failed]
                )
        return len(failed)

    def log(self, key: str) -> str:
        """What a failed job left behind."""
        with self.errors():
            row = self.connection.execute("SELECT log FROM timings WHERE key = ?", (key,))
            found = row.fetchone()
        return "" if found is None else str(found[0])

    def seconds_by_kind(self) -> dict[str, dict[str, float]]:
        """By kind of job, how many there are and the seconds that they took."""
        query = "SELECT kind, COUNT(*), SUM(seconds) FROM timings GROUP BY kind ORDER BY kind"
        with self.errors():
            rows = self.connection.execute(query).fetchall()
        return {kind: {"jobs": count, "seconds": seconds} for kind, count, seconds in rows}

    def everything(self) -> Iterator[tuple[str, str, Stored]]:
        """Key, kind and result of all, by key."""
        with self.errors():
            query = "SELECT key, kind, state, result FROM results ORDER BY key"
            for key, kind, state, text in self.connection.execute(query):
                yield key, kind, Stored(state, json.loads(text))

    # Sweeps

    def begin(self, identity: str, document: Mapping[str, Any]) -> None:
        """Register a sweep; one that is known becomes the last one."""
        with self.transaction():
            (last,) = self.connection.execute("SELECT MAX(number) FROM sweeps").fetchone()
            known = self.connection.execute(
                "SELECT number FROM sweeps WHERE id = ?", (identity,)
            ).fetchone()
            if known is not None and known[0] == last:
                return
            self.connection.execute(
                "INSERT INTO sweeps VALUES (?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET number = excluded.number",
                (identity, (last or 0) + 1, _text(document)),
            )

    def add_points(self, identity: str, points: Sequence[Point]) -> None:
        """Register points of a sweep, in the place of what stood there."""
        rows = [
            (identity, point.position, point.key, _text(point.axes), _text(point.jobs))
            for point in points
        ]
        with self.transaction():
            self.connection.executemany(
                "INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?)", rows
            )

    def sweeps(self) -> list[tuple[str, dict[str, Any]]]:
        """Identities and documents, in the order in which they were begun last."""
        with self.errors():
            rows = self.connection.execute("SELECT id, document FROM sweeps ORDER BY number")
            return [(identity, json.loads(text)) for identity, text in rows]

    def points(self, identity: str) -> list[Point]:
        """The points of a sweep, in order."""
        with self.errors():
            rows = self.connection.execute(
                "SELECT position, key, axes, jobs FROM points WHERE sweep = ? ORDER BY position",
                (identity,),
            )
            return [Point(at, key, json.loads(a), json.loads(j)) for at, key, a, j in rows]

    def content_digest(self) -> str:
        """Digest of all that was measured and asked for: not of how long it took, nor where."""
        tables = {}
        with self.errors():
            for table, order in (
                ("results", "key"),
                ("sweeps", "id"),
                ("points", "sweep, position"),
            ):
                rows = self.connection.execute(f"SELECT * FROM {table} ORDER BY {order}")
                tables[table] = [list(row) for row in rows]
        return digest_of(tables)
