"""From points to jobs: what is to be measured, with what it depends on and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from afp_hw.explore.axes import CHOSEN_BY
from afp_hw.explore.configuration import Configuration, Sums, digest_of
from afp_hw.explore.formats import AFP
from afp_hw.explore.inputs import (
    memory_content,
    network_content,
    network_paths,
    technology_content,
)
from afp_hw.explore.jobs import Job
from afp_hw.explore.space import Space

_LOGIC = (
    "formats", "rows", "cols", "lanes", "registers", "gate_zeros", "decode", "multiplier",
    "clock_ns",
)  # fmt: skip
"""Axes that circuits depend on."""

_NOT_OF_CYCLES = ("technology", "network", "gate_zeros", "multiplier")


@dataclass(frozen=True, eq=False)
class Planner:
    """Makes jobs of points.

    Parameters
    ----------
    space
        Names networks, technologies, groups of metrics.

    Raises
    ------
    OSError
        A file that the space names cannot be read.
    """

    space: Space

    def network_job(self, name: str) -> Job:
        """Facts on a network: its longest sums are part of other jobs."""
        content, paths = self._networks[name]
        return Job("network", {"network": content}, {"network": paths})

    def jobs(
        self, point: Mapping[str, Any], facts: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Job]:
        """By group of metrics, the job of a point.

        Parameters
        ----------
        point
            Axes.
        facts
            By network, the result of its job.
        """
        make = {
            "accuracy": self._accuracy,
            "area": self._area,
            "energy": self._energy,
            "cycles": self._cycles,
        }
        sums = Sums(*facts[point["network"]]["sums"])
        return {group: make[group](dict(point), sums) for group in self.space.metrics}

    def point_key(self, point: Mapping[str, Any]) -> str:
        """Digest of a point: its axes, with networks and technologies by content."""
        content = {
            "network": self._networks[point["network"]][0],
            "technology": self._technologies[point["technology"]],
        }
        return digest_of({**point, **content})[:16]

    # Looked at once: a sweep is of files as they were when it began.

    @cached_property
    def _networks(self) -> dict[str, tuple[dict[str, Any], dict[str, str]]]:
        """Content and paths by name."""
        networks = (self.space.networks[name] for name in self.space.axes["network"])
        return {
            each.name: (network_content(each, self.space.images), network_paths(each))
            for each in networks
        }

    @cached_property
    def _technologies(self) -> dict[str, str]:
        return {name: technology_content(name) for name in self.space.axes["technology"]}

    @cached_property
    def _memory(self) -> str:
        return memory_content(self.space.memory)

    def _accuracy(self, point: dict[str, Any], sums: Sums) -> Job:
        content, paths = self._networks[point["network"]]
        axes = _only(point, CHOSEN_BY)
        return Job("accuracy", {"network": content, "axes": axes}, {"network": paths})

    def _area(self, point: dict[str, Any], sums: Sums) -> Job:
        technology = point["technology"]
        given = {
            "axes": _only(point, _LOGIC),
            "sums": list(sums),
            "technology": self._technologies[technology],
        }
        return Job("area", given, {"technology": technology})

    def _cycles(self, point: dict[str, Any], sums: Sums) -> Job:
        content, paths = self._networks[point["network"]]
        axes = {name: value for name, value in point.items() if name not in _NOT_OF_CYCLES}
        if Configuration.of(point).pair.family != AFP:  # the element itself is another one
            axes = {n: v for n, v in axes.items() if n not in ("registers", "decode")}
        # Which images are tested does not matter here.
        content = {name: value for name, value in content.items() if name != "images"}
        given = {"network": {**content, "images": None}, "axes": axes}
        return Job("cycles", given, {"network": paths})

    def _energy(self, point: dict[str, Any], sums: Sums) -> Job:
        content, paths = self._networks[point["network"]]
        technology, memory = point["technology"], self.space.memory
        axes = {name: v for name, v in point.items() if name not in ("technology", "network")}
        given = {
            "network": {**content, "images": None},
            "axes": axes,
            "sums": list(sums),
            "technology": self._technologies[technology],
            "memory": self._memory,
        }
        files = {
            "network": paths,
            "technology": technology,
            "memory": None if memory is None else str(memory),
        }
        return Job("energy", given, files)


def _only(point: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: point[name] for name in names}
