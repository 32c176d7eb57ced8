"""A space: axes with their values, a strategy, what is to be measured. Standard library only."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afp_hw.explore.configuration import canonical, digest_of
from afp_hw.explore.metrics import METRICS


@dataclass(frozen=True)
class Network:
    """Where a network and its images are; None: the embedded ones.

    Attributes
    ----------
    name
        In the space.
    model, data, calibration
        Files.
    mean, std
        For images of bytes, as ``--mean`` and ``--std``.
    """

    name: str
    model: Path | None = None
    data: Path | None = None
    calibration: Path | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


@dataclass(frozen=True, eq=False)
class Space:
    """A space, checked.

    Attributes
    ----------
    name, strategy, points, seed
        What is walked and how; `points` is None for a grid.
    metrics
        Groups of what is measured, of :data:`.GROUPS`.
    objectives
        Names of metrics, each made as good as can be.
    images
        How many test images; None: all.
    axes
        By name of every axis its values, as they are kept.
    networks
        By name.
    memory
        A table of energies per access; None: the embedded one.
    named
        Axes that it names itself.
    text
        The TOML.
    """

    name: str
    strategy: str
    points: int | None
    seed: int
    metrics: tuple[str, ...]
    objectives: tuple[str, ...]
    images: int | None
    axes: Mapping[str, tuple[Any, ...]]
    networks: Mapping[str, Network]
    memory: Path | None
    named: frozenset[str]
    text: str

    @property
    def size(self) -> int:
        """Combinations of all values."""
        return math.prod(len(values) for values in self.axes.values())

    def grid(self) -> Iterator[dict[str, Any]]:
        """All points, each once, in the order of :data:`.AXES`."""
        names = list(self.axes)
        combinations = itertools.product(*self.axes.values())
        return unique(dict(zip(names, values, strict=True)) for values in combinations)

    def document(self) -> dict[str, Any]:
        """What reports say of it: of the axes those that were named or have several values."""
        shown = {
            name: list(values)
            for name, values in self.axes.items()
            if name in self.named or len(values) > 1
        }
        return {
            "name": self.name,
            "strategy": self.strategy,
            "points": self.points,
            "seed": self.seed,
            "metrics": list(self.metrics),
            "objectives": [[name, METRICS[name].direction] for name in self.objectives],
            "axes": shown,
            "toml": self.text,
        }


def unique(points: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Points as :func:`.canonical` has them, each once, in their order."""
    seen = set()
    for axes in points:
        point = canonical(axes)
        digest = digest_of(point)
        if digest not in seen:
            seen.add(digest)
            yield point
