"""The store of sweeps: results by key in an SQLite file, in write-ahead mode.

Only the process that runs a sweep writes; workers hand their results to it. Several sweeps may
share a file: :mod:`.claims` keeps them from computing one result twice.
"""

from __future__ import annotations

import errno
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from afp_hw.explore.configuration import digest_of
from afp_hw.explore.jobs import Job

VERSION: Final = 1
"""Of the tables; a store of a later one is refused."""

DONE, REFUSED, FAILED = "done", "refused", "failed"
STATES: Final = (DONE, REFUSED, FAILED)
"""Of a result: measured; cannot be built; tried three times."""

_APPLICATION: Final = 0x41465068  # "AFPh"
_BUSY_SECONDS: Final = 60.0

# Seconds and workers differ from run to run; what was measured does not: they stand apart.
_TABLES: Final = """
CREATE TABLE results (key TEXT PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL,
    given TEXT NOT NULL, result TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE timings (key TEXT PRIMARY KEY, kind TEXT NOT NULL, seconds REAL NOT NULL,
    attempts INTEGER NOT NULL, worker TEXT NOT NULL, log TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sweeps (id TEXT PRIMARY KEY, number INTEGER NOT NULL, document TEXT NOT NULL)
    WITHOUT ROWID;
CREATE TABLE points (sweep TEXT NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL,
    axes TEXT NOT NULL, jobs TEXT NOT NULL, PRIMARY KEY (sweep, position)) WITHOUT ROWID;
CREATE TABLE claims (key TEXT PRIMARY KEY, owner TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
"""


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


def is_sqlite(path: Path) -> bool:
    """Whether a file is an SQLite database, by its first bytes."""
    try:
        with path.open("rb") as file:
            return file.read(16) == b"SQLite format 3\0"
    except OSError:
        return False


def _text(document: Any) -> str:
    return json.dumps(document, sort_keys=True, ensure_ascii=False, allow_nan=False)


class Store:
    """A store, opened; made where there is none.

    Parameters
    ----------
    path
        The file.
    create
        Whether to make it.

    Raises
    ------
    ValueError
        It is not there and not to be made, is no store, or is one of a later version.
    OSError
        It cannot be opened.
    """

    def __init__(self, path: str | Path, *, create: bool = True) -> None:
        self.path = Path(path)
        there = self.path.exists() and self.path.stat().st_size > 0
        if not there and not create:
            raise ValueError(f"store must be a file that a sweep has written, not {str(path)!r}")
        if there and not is_sqlite(self.path):
            raise ValueError(f"store must be an SQLite file, not {self.path.name!r}")
        try:
            self.connection = sqlite3.connect(
                self.path, timeout=_BUSY_SECONDS, isolation_level=None
            )
        except sqlite3.OperationalError as error:
            raise OSError(errno.EACCES, str(error), str(self.path)) from error
        try:
            self._open()
        except BaseException:
            self.connection.close()
            raise

    def _open(self) -> None:
        with self._errors():
            self._refuse_others()
            self._pragma("journal_mode = WAL")
            self._pragma("synchronous = FULL")  # a result that is there survives a loss of power
            if self._pragma("user_version") < VERSION:
                with self.transaction():
                    if self._pragma("user_version") < VERSION:  # nobody else was faster
                        self._make()

    def _refuse_others(self) -> None:
        """Before anything is written: the file may be somebody else's."""
        version = self._pragma("user_version")
        if self._pragma("application_id") != _APPLICATION:
            tables = self.connection.execute("SELECT 1 FROM sqlite_master").fetchone()
            if version or tables:
                raise ValueError(f"store must be one of afp-hw, not {self.path.name!r}")
        if version > VERSION:
            raise ValueError(
                f"store {self.path.name} must be of version {VERSION} or less, not {version}: "
                "a newer afp-hw wrote it"
            )

    def _make(self) -> None:
        for statement in _TABLES.split(";"):
            self.connection.execute(statement)
        self.connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        self.connection.execute(f"PRAGMA user_version = {VERSION}")

    def _pragma(self, text: str) -> Any:
        row = self.connection.execute(f"PRAGMA {text}").fetchone()
        return None if row is None else row[0]

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """What SQLite says of the disk, as the operating system would say it."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if "full" in str(error):
                raise OSError(errno.ENOSPC, "no space left", str(self.path)) from error
            if "readonly" in str(error):
                raise OSError(errno.EROFS, "cannot be written to", str(self.path)) from error
            raise OSError(errno.EIO, str(error), str(self.path)) from error
        except sqlite3.DatabaseError as error:
            raise ValueError(f"store {self.path.name} must be whole, not: {error}") from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        with self._errors():
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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
        with self._errors():
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
        with self._errors():
            row = self.connection.execute("SELECT log FROM timings WHERE key = ?", (key,))
            found = row.fetchone()
        return "" if found is None else str(found[0])

    def seconds_by_kind(self) -> dict[str, dict[str, float]]:
        """By kind of job, how many there are and the seconds that they took."""
        query = "SELECT kind, COUNT(*), SUM(seconds) FROM timings GROUP BY kind ORDER BY kind"
        with self._errors():
            rows = self.connection.execute(query).fetchall()
        return {kind: {"jobs": count, "seconds": seconds} for kind, count, seconds in rows}

    def everything(self) -> Iterator[tuple[str, str, Stored]]:
        """Key, kind and result of all, by key."""
        with self._errors():
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
        with self._errors():
            rows = self.connection.execute("SELECT id, document FROM sweeps ORDER BY number")
            return [(identity, json.loads(text)) for identity, text in rows]

    def points(self, identity: str) -> list[Point]:
        """The points of a sweep, in order."""
        with self._errors():
            rows = self.connection.execute(
                "SELECT position, key, axes, jobs FROM points WHERE sweep = ? ORDER BY position",
                (identity,),
            )
            return [Point(at, key, json.loads(a), json.loads(j)) for at, key, a, j in rows]

    def content_digest(self) -> str:
        """Digest of all that was measured and asked for: not of how long it took, nor where."""
        tables = {}
        with self._errors():
            for table, order in (
                ("results", "key"),
                ("sweeps", "id"),
                ("points", "sweep, position"),
            ):
                rows = self.connection.execute(f"SELECT * FROM {table} ORDER BY {order}")
                tables[table] = [list(row) for row in rows]
        return digest_of(tables)
