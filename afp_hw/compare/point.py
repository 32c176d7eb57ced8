"""What was measured of one processing element, mapped by one recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Mapped:
    """One mapped netlist.

    Parameters
    ----------
    name
        Of the design: its Verilog module.
    recipe
        That mapped it.
    lanes
        Products in a cycle.
    area_um2
        Of all cells.
    flip_flops, clock_gates
        How many of the cells.
    delay_ns, delay_source
        Smallest clock period, and who says so.
    netlist
        Key of the netlist in the cache.
    """

    name: str
    recipe: str
    lanes: int
    area_um2: float
    flip_flops: int
    clock_gates: int
    delay_ns: float
    delay_source: str
    netlist: str

    @property
    def area_per_mac_um2(self) -> float:
        """Area of one lane."""
        return self.area_um2 / self.lanes


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy of one MAC, femtojoule.

    Parameters
    ----------
    zero_delay_fj
        Without glitches.
    glitch_fj
        With glitches.
    clock_fj
        Part of both that clock pins and gated clocks take.
    leakage_fj
        In the time of one MAC.
    blocks_fj
        With glitches, by block; of a flattened netlist only what kept its name.
    macs, checked
        How many were run, and how many results equalled golden.
    """

    zero_delay_fj: float
    glitch_fj: float
    clock_fj: float
    leakage_fj: float
    blocks_fj: Mapping[str, float]
    macs: int
    checked: int


@dataclass(frozen=True, slots=True)
class Point:
    """A processing element with its area, delay and energy.

    Parameters
    ----------
    fmt
        Names of the formats of weights and activations.
    options
        What its micro-architecture is: parameters of the design other than formats and `k`.
    mapped
        The netlist.
    energy
        Of it.
    operands
        Where the operands were from.
    meets
        Whether it meets the clock it was mapped for.
    """

    fmt: tuple[str, str]
    options: Mapping[str, Any]
    mapped: Mapped
    energy: Energy
    operands: str
    meets: bool

    @property
    def area_um2(self) -> float:
        """Area of one MAC."""
        return self.mapped.area_per_mac_um2

    def measure(self, objective: str) -> float:
        """What is to be small: ``"area"``, ``"energy"``, ``"speed"`` (delay) or ``"product"``.

        Energy is that with glitches; the product is area times that energy.
        """
        return {
            "area": self.area_um2,
            "energy": self.energy.glitch_fj,
            "speed": self.mapped.delay_ns,
            "product": self.area_um2 * self.energy.glitch_fj,
        }[objective]

    def as_json(self) -> dict[str, Any]:
        """Everything, keys with their units."""
        return {
            "weights": self.fmt[0],
            "acts": self.fmt[1],
            "design": self.mapped.name,
            "options": dict(self.options),
            "recipe": self.mapped.recipe,
            "lanes": self.mapped.lanes,
            "area_um2": self.area_um2,
            "delay_ns": self.mapped.delay_ns,
            "delay_source": self.mapped.delay_source,
            "meets_clock": self.meets,
            "flip_flops": self.mapped.flip_flops,
            "clock_gates": self.mapped.clock_gates,
            "energy_fj": self.energy.zero_delay_fj,
            "energy_glitch_fj": self.energy.glitch_fj,
            "energy_clock_fj": self.energy.clock_fj,
            "leakage_fj": self.energy.leakage_fj,
            "blocks_glitch_fj": dict(self.energy.blocks_fj),
            "operands": self.operands,
            "macs": self.energy.macs,
            "checked": self.energy.checked,
        }


def pareto(points: list[Point]) -> list[Point]:
    """Points that no other one beats in area, energy with glitches and delay at once."""

    def figures(point: Point) -> tuple[float, float, float]:
        return tuple(point.measure(name) for name in ("area", "energy", "speed"))  # type: ignore[return-value]

    kept: list[Point] = []
    for point in points:
        mine = figures(point)
        beaten = any(
            all(a <= b for a, b in zip(figures(other), mine, strict=True))
            and figures(other) != mine
            for other in points
        )
        if not beaten and not any(figures(other) == mine for other in kept):
            kept.append(point)
    return sorted(kept, key=lambda point: point.measure("area"))
