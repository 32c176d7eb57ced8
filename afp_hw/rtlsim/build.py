"""Verilog and harness to a shared object, once: the cache keeps it under the hash of its causes.

A cached file's name holds that hash and the hash of its own content. So a damaged file is noticed
and built again, and two processes that build the same at once do no harm: each works in a folder of
its own and the last rename wins.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from afp_hw.errors import ToolError
from afp_hw.files import cache_dir
from afp_hw.rtlsim.toolchain import Toolchain, find_toolchain

# Measured: one big C++ file compiles ten times longer and runs no faster, and what runs once
# (OPT_SLOW) need not be optimised.
_VERILATE = (
    *("--cc", "-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert"),
    *("--output-split", "3000", "--output-split-cfuncs", "400", "-Wno-fatal"),
    *("--prefix", "Vdut", "--timescale", "1ns/1ns"),
)
_MAKE = ("OPT_FAST=-O2", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1")
# Hidden symbols: several arrays, each with its own copy of Verilator's classes, share a process.
_COMPILE = ("-fPIC", "-fvisibility=hidden", "-march=native")

_TRACES = {"vcd": ("--trace-vcd", "TRACE_VCD"), "fst": ("--trace-fst", "TRACE_FST")}
_KEPT_LOG = "build.log"


def _sources(harness: str) -> dict[str, str]:
    """The harness, by the file that it is built as."""
    package = files("afp_hw.rtlsim")
    names = {"harness.cpp": harness, "port_words.h": "port_words.h"}
    return {file: package.joinpath(name).read_text("utf-8") for file, name in names.items()}


def _sound(path: Path) -> bool:
    """Whether a cached file has the content that its name says; another process may remove it."""
    try:
        return path.stem.endswith(f"-{_hash(path.read_bytes())}")
    except FileNotFoundError:
        return False


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def shared_object(
    name: str,
    verilog: str,
    ports: str,
    trace: str | None = None,
    harness: str = "harness.cpp",
) -> Path:
    """Hardware with its harness as a shared object, built unless the cache has it.

    Parameters
    ----------
    name
        Top module.
    verilog
        Its source.
    ports
        From :func:`.ports_header`.
    trace
        ``"vcd"``, ``"fst"``, or None for a build that cannot trace.
    harness
        File of this package that drives it.

    Raises
    ------
    FileNotFoundError
        A tool is missing.
    ToolError
        A tool failed; its log stays in the cache.
    """
    tools = find_toolchain()
    if trace == "fst":
        _require_compression(tools)
    sources = {"dut.v": verilog, "ports.h": ports, **_sources(harness)}
    causes = [name, *sources.values(), str(trace), *_VERILATE, *_MAKE, *_COMPILE, tools.identity]
    key = _hash("\0".join(causes).encode())
    home = cache_dir() / "rtlsim"
    home.mkdir(parents=True, exist_ok=True)
    for path in sorted(home.glob(f"{key}-*.so")):
        if _sound(path):
            return path
        path.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix=".build-") as folder:
        build = Path(folder)
        for file, text in sources.items():
            (build / file).write_text(text, encoding="utf-8")
        try:
            built = _build(tools, build, name, trace)
        except ToolError as error:
            log = home / f"{key}.log"
            os.replace(build / _KEPT_LOG, log)
            raise ToolError(error.command, error.status, log) from None
        path = home / f"{key}-{_hash(built.read_bytes())}.so"
        os.replace(built, path)
    return path


def _require_compression(tools: Toolchain) -> None:
    """Refuse to write FST where the headers that Verilator's writer includes are not installed."""
    command = [str(tools.compiler), "-E", "-x", "c++", "-"]
    source = "#include <lz4.h>\n#include <zlib.h>\n"
    if subprocess.run(command, input=source, capture_output=True, text=True).returncode:
        raise FileNotFoundError(
            "liblz4-dev and zlib1g-dev must be installed to write .fst; .vcd needs neither"
        )


def _build(tools: Toolchain, build: Path, name: str, trace: str | None) -> Path:
    option, define = _TRACES[trace] if trace else ("", "")
    command = [str(tools.verilator), *_VERILATE, "--top-module", name, "--Mdir", str(build)]
    command += ["-CFLAGS", " ".join(_COMPILE), *([option] if option else []), "dut.v"]
    _run(tools, build, command)
    jobs = str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    make = [str(tools.make), "-j", jobs, "-f", "Vdut.mk", f"CXX={tools.compiler}", *_MAKE]
    # The runtime is what every build compiles alike, and half of the time of a small one.
    runtime = _runtime(tools, trace)
    if runtime is None:
        _run(tools, build, [*make, "Vdut__ALL.a", "libverilated.a"])
        runtime = _keep_runtime(tools, trace, build / "libverilated.a")
    else:
        _run(tools, build, [*make, "Vdut__ALL.a"])
    include = tools.root / "include"
    link = [str(tools.compiler), "-std=c++17", "-O2", *_COMPILE, "-shared", "-pthread"]
    link += [f"-I{include}", f"-I{include / 'vltstd'}", *([f"-D{define}"] if define else [])]
    link += ["-o", "built.so", "harness.cpp", "Vdut__ALL.a", str(runtime)]
    link += ["-lz", "-llz4"] if trace == "fst" else []
    _run(tools, build, link)
    return build / "built.so"


def _runtime_key(tools: Toolchain, trace: str | None) -> str:
    return _hash("\0".join([str(trace), *_MAKE, *_COMPILE, tools.identity]).encode())


def _runtime(tools: Toolchain, trace: str | None) -> Path | None:
    """Verilator's runtime, compiled for an earlier array."""
    home = cache_dir() / "rtlsim"
    for path in sorted(home.glob(f"runtime-{_runtime_key(tools, trace)}-*.a")):
        if _sound(path):
            return path
        path.unlink(missing_ok=True)
    return None


def _keep_runtime(tools: Toolchain, trace: str | None, library: Path) -> Path:
    key, content = _runtime_key(tools, trace), _hash(library.read_bytes())
    path = cache_dir() / "rtlsim" / f"runtime-{key}-{content}.a"
    kept = library.with_name("kept.a")
    shutil.copy(library, kept)
    os.replace(kept, path)
    return path


def _run(tools: Toolchain, folder: Path, command: Sequence[str]) -> None:
    """Run one tool in `folder`; what it prints goes to the end of the build's log."""
    with (folder / _KEPT_LOG).open("ab") as log:
        done = subprocess.run(
            command,
            cwd=folder,
            env=tools.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise ToolError(command, done.returncode)
