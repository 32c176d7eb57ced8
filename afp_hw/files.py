"""Files that are there whole or not at all, and where the cache lives."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Final

_NO_ROOM_BYTES: Final = 1 << 16


def cache_dir() -> Path:
    """Folder for what can be computed again.

    ``AFP_HW_CACHE`` where set, else ``XDG_CACHE_HOME/afp-hw``, else ``~/.cache/afp-hw``.
    """
    named = os.environ.get("AFP_HW_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "afp-hw"


def write_atomic(path: str | Path, data: str | bytes) -> Path:
    """Write `data` under a temporary name beside `path`, then rename; returns the path.

    A crash leaves the old file or the new one.

    Raises
    ------
    OSError
        The folder is missing or cannot be written to.
    """
    path = Path(path)
    # The name is known before the file exists, so that no interrupt finds a file without a name.
    temporary = path.parent / f".{path.name}.{secrets.token_hex(8)}"
    try:
        with temporary.open("xb") as file:
            file.write(data.encode("utf-8") if isinstance(data, str) else data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return path


def check_room(path: str | Path) -> None:
    """Check that the disk of the folder `path` is not full: tools say it badly, or not at all.

    Raises
    ------
    OSError
        Less than 64 KiB are free.
    """
    if shutil.disk_usage(path).free < _NO_ROOM_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def output_directory(path: str | Path) -> Path:
    """Create the folder `path` where needed and check that it can be written to.

    Raises
    ------
    ValueError
        `path` is no folder, cannot be made, or is read-only.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise ValueError(f"out must be a writable folder, not {str(path)!r} ({reason})") from error
    return path
