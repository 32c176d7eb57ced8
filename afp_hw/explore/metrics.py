"""What is measured: groups, each of them one job, and the figures that they give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Direction = Literal["max", "min"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of a point.

    Attributes
    ----------
    group
        The job that measures it.
    direction
        Which way is better.
    unit
        For headings.
    """

    group: str
    direction: Direction
    unit: str


METRICS: Final[Mapping[str, Metric]] = {
    "accuracy": Metric("accuracy", "max", "%"),
    "loss": Metric("accuracy", "min", "points"),
    "agreement": Metric("accuracy", "max", "%"),
    "logit_error": Metric("accuracy", "min", ""),
    "weight_bits": Metric("accuracy", "min", "bits"),
    "act_bits": Metric("accuracy", "min", "bits"),
    "area_um2": Metric("area", "min", "µm²"),
    "delay_ns": Metric("area", "min", "ns"),
    "energy_nj": Metric("energy", "min", "nJ"),
    "cycles": Metric("cycles", "min", ""),
    "utilisation": Metric("cycles", "max", "%"),
    "time_ms": Metric("cycles", "min", "ms"),
    "bytes_moved": Metric("cycles", "min", "bytes"),
}
"""All figures that points are compared by; accuracies are of the test images of the space, the area
is that of array, edges, requantizers and packers, energy and bytes are of one inference."""

GROUPS: Final = ("accuracy", "area", "energy", "cycles")
"""What a space may ask for."""

DEFAULT_OBJECTIVES: Final = ("accuracy", "energy_nj", "area_um2", "cycles")
"""The first two that are measured are objectives where a space names none."""


def in_time(metrics: Mapping[str, Any]) -> bool:
    """Whether figures are of an array that runs at its clock, as far as that was measured."""
    return metrics.get("meets_clock") is not False
