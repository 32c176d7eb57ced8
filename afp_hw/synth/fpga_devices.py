"""The FPGAs that ``afp-hw synth --fpga`` knows: families, devices, what each has.

Sizes are those of nextpnr's databases (a test compares them); ``25k`` and the like are nextpnr's
own names of its options.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Device:
    """One device in one package, and how much of everything it has.

    Parameters
    ----------
    name
        As nextpnr's option calls it.
    family
        ``"ecp5"`` or ``"ice40"``.
    part
        As the vendor calls it.
    package, speed
        Package; speed grade, empty where the name of the part implies it.
    logic_cells
        Four-input LUTs, each with a flip-flop.
    dsps
        18 x 18 multipliers (ECP5) or 16 x 16 multiply-accumulate blocks (iCE40).
    brams
        Block RAMs of 18 kbit (ECP5) or 4 kbit (iCE40).
    """

    name: str
    family: str
    part: str
    package: str
    speed: str
    logic_cells: int
    dsps: int
    brams: int

    @property
    def description(self) -> str:
        """Part, package and speed grade for a report."""
        speed = f", speed grade {self.speed}" if self.speed else ""
        return f"{self.part} ({self.package}{speed})"

    @property
    def options(self) -> tuple[str, ...]:
        """Of nextpnr."""
        speed = ("--speed", self.speed) if self.speed else ()
        return (f"--{self.name}", "--package", self.package, *speed)

    def has(self, resource: str) -> int:
        """How many of a resource, by its name in :data:`RESOURCES`, there are."""
        return {"logic cells": self.logic_cells, "DSPs": self.dsps, "block RAMs": self.brams}[
            resource
        ]


# Each family's first device is its default: the smallest ECP5, and the iCE40 that has DSPs.
DEVICES: Final = (
    Device("25k", "ecp5", "LFE5U-25F", "CABGA381", "6", 24288, 28, 56),
    Device("45k", "ecp5", "LFE5U-45F", "CABGA381", "6", 43848, 72, 108),
    Device("85k", "ecp5", "LFE5U-85F", "CABGA381", "6", 83640, 156, 208),
    Device("up5k", "ice40", "iCE40UP5K", "sg48", "", 5280, 8, 30),
    Device("hx8k", "ice40", "iCE40HX8K", "ct256", "", 7680, 0, 32),
)
FAMILIES: Final = ("ecp5", "ice40")

# What can run out, and the names under which nextpnr counts it, family by family. Of two names the
# larger count is the one that matters: an ECP5 has one flip-flop beside each LUT.
RESOURCES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "ecp5": {
        "logic cells": ("TRELLIS_COMB", "TRELLIS_FF"),
        "DSPs": ("MULT18X18D",),
        "block RAMs": ("DP16KD",),
    },
    "ice40": {
        "logic cells": ("ICESTORM_LC",),
        "DSPs": ("ICESTORM_DSP",),
        "block RAMs": ("ICESTORM_RAM",),
    },
}


def find_device(family: str, name: str | None = None) -> Device:
    """The device `name` of a family, or the family's default.

    Raises
    ------
    ValueError
        There is no such family, or it has no such device.
    """
    if family not in FAMILIES:
        known = " or ".join(FAMILIES)
        raise ValueError(f"synthesize_fpga.family must be {known}, not {family!r}")
    devices = {device.name: device for device in DEVICES if device.family == family}
    if name is None:
        return next(iter(devices.values()))
    if name not in devices:
        raise ValueError(
            f"synthesize_fpga.device must be one of {', '.join(devices)} for {family}, not {name!r}"
        )
    return devices[name]


def require_room(device: Device, needed: Mapping[str, int], what: str) -> None:
    """Check that a device has what a design needs.

    Parameters
    ----------
    device
        Where it shall go.
    needed
        Count by resource, names as in :data:`RESOURCES`.
    what
        Names the design in the sentence.

    Raises
    ------
    ValueError
        The device has too few of something; names one of the family that has enough, if any.
    """
    for resource, count in needed.items():
        if count <= device.has(resource):
            continue
        enough = [
            other.name
            for other in DEVICES
            if other.family == device.family
            and all(need <= other.has(key) for key, need in needed.items())
        ]
        further = f"{enough[0]} has enough" if enough else f"no {device.family} here has enough"
        raise ValueError(
            f"synthesize_fpga.device must have {count:,} {resource} for {what}, not "
            f"{device.has(resource):,} as {device.name} has; {further}"
        )
