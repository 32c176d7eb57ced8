"""Builds a component's Verilog for a simulator, once, and runs its bench.

Builds are kept in the cache, named by what went into them, and made under a temporary name: two
processes may build the same one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from amaranth.lib import wiring
from cocotb_tools.runner import get_results, get_runner

from afp_hw.design import Design
from afp_hw.design.accelerator import AcceleratorDesign
from afp_hw.design.float_design import FloatDesign
from afp_hw.files import cache_dir
from afp_hw.hdl import (
    Accumulator,
    Decoder,
    ExponentAdder,
    IntMultiplier,
    LaneTree,
    MantissaMultiplier,
    ReadDma,
    Registers,
    Shifter,
    WriteDma,
)
from afp_hw.hdl.accelerator import Accelerator
from afp_hw.rtlsim import find_toolchain
from afp_hw.verilog import EMITTERS, Library, emit_float_pe
from sim.bench import DESIGN_VARIABLE, INPUTS_VARIABLE, design_to_text

_PARTS: dict[str, Callable[[Design], wiring.Component]] = {
    "decoder": lambda design: Decoder(design.acts),
    "exponent_adder": ExponentAdder,
    "multiplier": lambda design: (
        IntMultiplier(design) if design.integers else MantissaMultiplier(design)
    ),
    "shifter": Shifter,
    "lane_sum": lambda design: LaneTree(design, 1),
    "accumulator": Accumulator,
}
_ACCELERATOR_PARTS: dict[str, Callable[..., wiring.Component]] = {
    "read_dma": ReadDma,
    "write_dma": WriteDma,
    "registers": Registers,
    "accelerator": Accelerator,
}


def verilator_environment() -> dict[str, str]:
    """Environment in which cocotb finds Verilator's launcher, and the launcher its files."""
    toolchain = find_toolchain()
    search = f"{toolchain.root / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {**toolchain.environment(), "PATH": search}


BENCHES = (*_PARTS, *_ACCELERATOR_PARTS, *EMITTERS, "float_pe")


def _verilog(bench: str, design: Design | FloatDesign | AcceleratorDesign) -> tuple[str, str]:
    """Name of the top module, and the Verilog."""
    if isinstance(design, AcceleratorDesign):
        library = Library()
        return bench, library.verilog(_ACCELERATOR_PARTS[bench](design, library.place), bench)
    if isinstance(design, FloatDesign):
        floating = emit_float_pe(design)
        return floating.name, floating.verilog
    if bench in _PARTS:
        return bench, Library().verilog(_PARTS[bench](design), bench)
    emitted = EMITTERS[bench](design)
    return emitted.name, emitted.verilog


def _for_icarus(text: str) -> str:
    """Icarus takes every function whose name begins with $ for one of the system's."""
    for name in set(re.findall(r"function (?:\[\d+:\d+\] )?\\(\$\S+) ;", text)):
        text = re.sub(rf"\\{re.escape(name)}(?= )", re.sub(r"\W", "_", name), text)
    return text


def _inputs(text: str, top: str) -> list[str]:
    """Names of the input ports of the module `top`."""
    start = re.search(rf"^module {top}\(", text, re.MULTILINE)
    assert start, f"no module {top}"
    module = text[start.end() : text.index("endmodule", start.end())]
    return re.findall(r"^  input (?:signed )?(?:\[\d+:0\] )?(\w+)", module, re.MULTILINE)


def _build(simulator: str, top: str, text: str) -> Path:
    """Folder of the finished build."""
    tool = find_toolchain().identity if simulator == "verilator" else simulator
    key = "\n".join([tool, top, version("cocotb"), text])
    folder = cache_dir() / "sim" / hashlib.sha256(key.encode()).hexdigest()[:24]
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".building."))
    source = building / f"{top}.v"
    source.write_text(text)
    # Verilator's makefile takes an object for old that is older than the makefile to come.
    later = time.time() + 3600
    for ready in _runtime_objects(simulator).glob("*.o"):
        os.utime(shutil.copy(ready, building), (later, later))
    arguments = ["-g2005"] if simulator == "icarus" else ["-Wno-fatal"]
    log = building / "build.log"
    try:
        get_runner(simulator).build(
            sources=[source],
            hdl_toplevel=top,
            build_dir=building,
            build_args=arguments,
            timescale=("1ns", "1ps"),
            log_file=log,
        )
    except (RuntimeError, SystemExit) as error:
        said = log.read_text()[-4000:] if log.exists() else str(error)
        shutil.rmtree(building)
        raise AssertionError(f"{simulator} refused {top}:\n{said}") from error
    _keep_runtime(simulator, building)
    try:
        building.rename(folder)
    except OSError:  # another process was first
        shutil.rmtree(building)
    return folder


def _runtime_objects(simulator: str) -> Path:
    """Folder of the objects that every Verilator build compiles alike: most of its time."""
    key = f"{simulator} {version('cocotb')} {find_toolchain().identity} {sys.executable}"
    return cache_dir() / "sim" / f"runtime-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def _keep_runtime(simulator: str, building: Path) -> None:
    """Keep the runtime's objects for the next build, and of this one only what runs."""
    kept = _runtime_objects(simulator)
    if simulator == "verilator" and not kept.is_dir():
        staging = Path(tempfile.mkdtemp(dir=building.parent, prefix=".runtime."))
        for ready in building.glob("verilated*.o"):
            shutil.copy(ready, staging)
        with contextlib.suppress(OSError):  # another process was first
            staging.rename(kept)
        shutil.rmtree(staging, ignore_errors=True)
    for suffix in ("*.o", "*.a", "*.gch", "*.cpp", "*.h", "*.d"):
        for waste in building.glob(suffix):
            waste.unlink()


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Environment variables for cocotb's runner, which takes them from this process."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def run_bench(
    bench: str,
    design: Design | FloatDesign | AcceleratorDesign,
    simulator: str,
    folder: Path,
) -> int:
    """Run one bench; returns the number of its tests that passed.

    Parameters
    ----------
    bench
        One of :data:`BENCHES`.
    design
        What to build.
    simulator
        ``"verilator"`` or ``"icarus"``.
    folder
        Where logs and results of this run go.

    Raises
    ------
    AssertionError
        A test failed, or none ran; the message has the end of the simulator's log.
    """
    top, text = _verilog(bench, design)
    text = _for_icarus(text) if simulator == "icarus" else text
    with _environment(verilator_environment() if simulator == "verilator" else {}):
        built = _build(simulator, top, text)
    log = folder / "run.log"
    results = get_runner(simulator)
    results.build_dir = built
    try:
        results_file = results.test(
            test_module=f"sim.{bench}",
            hdl_toplevel=top,
            hdl_toplevel_lang="verilog",
            build_dir=built,
            test_dir=folder,
            results_xml=str(folder / "results.xml"),
            extra_env={
                DESIGN_VARIABLE: design_to_text(design),
                INPUTS_VARIABLE: " ".join(_inputs(text, top)),
                "COCOTB_ANSI_OUTPUT": "0",
            },
            log_file=log,
            timescale=("1ns", "1ps"),
        )
    except SystemExit as error:
        raise AssertionError(f"{bench} failed:\n{log.read_text()[-4000:]}") from error
    tests, failed = get_results(results_file)
    assert tests, "no test ran"
    assert not failed, f"{failed} of {tests} failed:\n{log.read_text()[-4000:]}"
    return tests
