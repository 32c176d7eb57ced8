"""The SQLite file of a store: opened, its version looked at, its errors in words of the system."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

VERSION: Final = 1
"""Of the tables; a store of a later one is refused."""

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


def is_sqlite(path: Path) -> bool:
    """Whether a file is an SQLite database, by its first bytes."""
    try:
        with path.open("rb") as file:
            return file.read(16) == b"SQLite format 3\0"
    except OSError:
        return False


class StoreFile:
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
        with self.errors():
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
    def errors(self) -> Iterator[None]:
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
        with self.errors():
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
