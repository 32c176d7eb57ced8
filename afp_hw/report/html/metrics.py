"""What is measured of a point: names, units as people read them, and which way is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

NO_BREAK: Final = "\u00a0"
"""Between a number and its unit: no line ends there."""


@dataclass(frozen=True)
class Metric:
    """A column of the measurements.

    Attributes
    ----------
    key
        In a point's `metrics`.
    title, unit
        As headings have them.
    scale
        From the document's unit to `unit`.
    digits
        After the point.
    form
        Of the numbers along an axis, in the language of d3.
    """

    key: str
    title: str
    unit: str
    scale: float = 1.0
    digits: int = 1
    form: str = "~g"

    @property
    def heading(self) -> str:
        """Title and unit, for an axis."""
        return f"{self.title}, {self.unit}" if self.unit else self.title

    def of(self, metrics: Mapping[str, Any]) -> float | None:
        """The value in `unit`; None where it was not measured."""
        value = metrics.get(self.key)
        return None if value is None else float(value) * self.scale

    def show(self, value: float) -> str:
        """A value in `unit` as text."""
        return f"{value:,.{self.digits}f}{NO_BREAK + self.unit if self.unit else ''}"


ACCURACY: Final = Metric("accuracy", "accuracy", "%", digits=2)
LOSS: Final = Metric("loss", "accuracy loss", "points", digits=2)
ENERGY: Final = Metric("energy_nj", "energy an image", "µJ", 1e-3, 2)
AREA: Final = Metric("area_um2", "area", "mm²", 1e-6, 3)
CYCLES: Final = Metric("cycles", "cycles an image", "", digits=0, form="~s")

COSTS: Final = (ENERGY, AREA, CYCLES)
"""What accuracy is drawn against."""

METRICS: Final = (
    ACCURACY,
    LOSS,
    Metric("agreement", "agreement with float32", "%", digits=2),
    Metric("logit_error", "logit error", "", digits=3),
    ENERGY,
    AREA,
    CYCLES,
    Metric("time_ms", "time", "ms", digits=3),
    Metric("utilisation", "array in use", "%"),
    Metric("bytes_moved", "traffic", "kB", 1e-3),
    Metric("delay_ns", "critical path", "ns", digits=2),
    Metric("weight_bits", "weights", "bits", digits=2),
    Metric("act_bits", "activations", "bits", digits=2),
)
"""All, in the order of the table."""
