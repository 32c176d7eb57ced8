"""C source to a shared object, once: the cache keeps it under the hash of what it depends on."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from afp_hw.errors import ToolError
from afp_hw.files import cache_dir
from afp_hw.processor import processor_identity


@cache
def _compiler() -> tuple[str, str]:
    """The C compiler and its version; ``CC`` where set, else the first of gcc, cc, clang."""
    named = os.environ.get("CC")
    for name in [named] if named else ["gcc", "cc", "clang"]:
        path = shutil.which(name)
        if path is not None:
            version = subprocess.run(
                [path, "--version"], capture_output=True, text=True, check=False
            )
            return path, version.stdout.partition("\n")[0]
    raise FileNotFoundError(
        f"a C compiler must be installed for energy, {named or 'gcc, cc or clang'} "
        "(apt install g++)"
    )


def shared_object(source: str, flags: Sequence[str], *, folder: str) -> Path:
    """Compile `source` unless the cache has it.

    Two processes that compile the same at once are harmless: each writes its own file and the
    last rename wins.

    Parameters
    ----------
    source
        C.
    flags
        Of the compiler, besides ``-shared -fPIC``.
    folder
        Of the cache.

    Raises
    ------
    FileNotFoundError
        There is no compiler.
    ToolError
        It failed; its log stays beside the cached files.
    """
    compiler, version = _compiler()
    key = "\0".join([source, *flags, version, processor_identity()])
    home = cache_dir() / folder
    home.mkdir(parents=True, exist_ok=True)
    path = home / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.so"
    if path.exists():
        return path
    with tempfile.TemporaryDirectory(dir=home, prefix=".build-") as build:
        file, built = Path(build, "source.c"), Path(build, "built.so")
        file.write_text(source, encoding="utf-8")
        command = [compiler, "-shared", "-fPIC", *flags, "-o", str(built), str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            log = path.with_suffix(".log")
            log.write_text(done.stdout + done.stderr, encoding="utf-8")
            raise ToolError(command, done.returncode, log)
        os.replace(built, path)
    return path


def load_library(path: Path) -> ctypes.CDLL:
    """The shared object at `path`, loaded."""
    return ctypes.CDLL(str(path))
