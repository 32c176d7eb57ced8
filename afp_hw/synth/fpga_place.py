"""nextpnr: what a netlist occupies once packed, and its clock after place and route.

Figures come from nextpnr's ``--report``, which is JSON. The same netlist and seed give the same
report. A native nextpnr on PATH goes before the Python package, which is the same in WebAssembly.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from afp_hw.errors import ToolError
from afp_hw.synth.fpga_devices import RESOURCES, Device
from afp_hw.synth.fpga_harness import INSTANCE
from afp_hw.tools import find

_PACKAGED: Final = "import sys, {module} as package; sys.exit(package.{run}(sys.argv[1:]))"


@dataclass(frozen=True, slots=True)
class Placer:
    """A nextpnr.

    Parameters
    ----------
    name
        Tool and version, for a report.
    command
        How to run it.
    """

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Placement:
    """One place and route.

    Parameters
    ----------
    fmax_mhz
        Highest clock frequency.
    in_design
        Whether the critical path touches the design, or is one of the harness alone.
    """

    fmax_mhz: float
    in_design: bool


def find_placer(family: str) -> Placer | None:
    """The nextpnr for a family; None where none is installed."""
    tool = f"nextpnr-{family}"
    found = find(tool)
    if found is None:
        return None
    name = f"{tool} {found.version}"
    if os.path.exists(found.where):
        return Placer(name, (os.path.abspath(found.where),))
    module = f"yowasp_nextpnr_{family}"
    code = _PACKAGED.format(module=module, run=f"run_nextpnr_{family}")
    return Placer(name, (sys.executable, "-P", "-c", code))


def _run(
    placer: Placer, device: Device, folder: Path, step: str, options: Sequence[str]
) -> dict[str, Any]:
    """The report of a run on ``netlist.json`` in `folder`; files are named after the `step`.

    Names are relative: the packaged nextpnr has a ``/tmp`` of its own.
    """
    report, log = folder / f"{step}.json", folder / f"{step}.log"
    report.unlink(missing_ok=True)
    arguments = [*device.options, "--json", "netlist.json", *options, "--report", report.name]
    with log.open("wb") as output:
        status = subprocess.run(
            [*placer.command, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if status or not report.exists():
        raise ToolError([f"nextpnr-{device.family}", *arguments], status, log)
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


def pack(placer: Placer, device: Device, folder: Path) -> Mapping[str, int]:
    """What ``netlist.json`` in `folder` occupies, by resource: see :data:`.RESOURCES`.

    Nothing is placed: neither pins nor the size of the device limit it.

    Raises
    ------
    ToolError
        nextpnr failed.
    """
    used = _run(placer, device, folder, "pack", ["--pack-only"])["utilization"]
    return {
        resource: max(used.get(name, {"used": 0})["used"] for name in names)
        for resource, names in RESOURCES[device.family].items()
    }


def place(placer: Placer, device: Device, folder: Path, *, clock_ns: float, seed: int) -> Placement:
    """Place and route ``netlist.json`` in `folder`, a design in its harness.

    Raises
    ------
    ToolError
        nextpnr failed: the device is too small or too full, for instance.
    """
    options = ["--seed", str(seed), "--freq", f"{1000 / clock_ns:.6f}", "--timing-allow-fail"]
    report = _run(placer, device, folder, "place", options)
    fmax_mhz = min(clock["achieved"] for clock in report["fmax"].values())
    paths = [
        path["path"]
        for path in report["critical_paths"]
        if "<async>" not in (path["from"], path["to"])
    ]
    ends = [step[end]["cell"] for path in paths for step in path for end in ("from", "to")]
    return Placement(fmax_mhz, any(cell.startswith(f"{INSTANCE}.") for cell in ends))
