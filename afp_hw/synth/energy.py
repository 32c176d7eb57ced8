"""From toggle counts to energy: what switches, what it costs inside the cells, what leaks.

Energy of a run = over all nets, half C V**2 a toggle, C the pins on the net (no wires) + over all
cells, the library's internal energy of each toggle of an output, of an input and of the clock.
Leakage is a power and stands apart. There is no clock tree: the clock's share is that of the
flip-flops' own clock pins. Glitches cost energy where the counts have them: those of
:mod:`afp_hw.synth.timedsim` do, each a whole transition; those of :mod:`afp_hw.synth.gatesim`
do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.synth.cells import NOMINAL_SLEW_S
from afp_hw.synth.netlist import BLOCKS, Netlist

ZERO_DELAY: Final = "zero delay"
INERTIAL_DELAY: Final = "inertial delay, rise and fall of each output"


@dataclass(frozen=True, slots=True)
class BlockEnergy:
    """Energy of the cells of one block, joule.

    Parameters
    ----------
    switching_j
        Half C V**2 of the nets that its cells drive, and of its pins on the inputs of the module.
    internal_j
        Inside its cells.
    clock_j
        Both, of its clock pins, and of the nets behind its clock gates.
    """

    switching_j: float
    internal_j: float
    clock_j: float

    @property
    def total_j(self) -> float:
        """All three."""
        return self.switching_j + self.internal_j + self.clock_j


@dataclass(frozen=True, slots=True)
class EnergyReport:
    """Energy of a gate-level run.

    Parameters
    ----------
    top
        Module.
    technology
        Library.
    operands
        What the operands were.
    operations
        What `count` counts: ``"MAC"`` or another.
    count
        Operations done, over all lanes.
    cycles
        Clock cycles, over all lanes.
    checked
        Results that were compared with golden.
    clock_s
        Clock period, second.
    blocks
        Energy by block, in the order of :data:`.BLOCKS`.
    leakage_w
        Leakage of one module, watt.
    delay_model
        :data:`ZERO_DELAY`, or :data:`INERTIAL_DELAY` where glitches were counted.
    """

    top: str
    technology: str
    operands: str
    operations: str
    count: int
    cycles: int
    checked: int
    clock_s: float
    blocks: Mapping[str, BlockEnergy]
    leakage_w: float
    delay_model: str = ZERO_DELAY

    @property
    def dynamic_j(self) -> float:
        """Energy of one operation without leakage, joule."""
        return sum(block.total_j for block in self.blocks.values()) / self.count

    @property
    def leakage_j(self) -> float:
        """Leakage in the time that one operation takes at this clock, joule."""
        return self.leakage_w * self.clock_s * self.cycles / self.count

    def block_j(self, block: str) -> float:
        """Energy of one operation in `block`, joule; 0 where the module has no such block."""
        found = self.blocks.get(block)
        return found.total_j / self.count if found is not None else 0.0

    def part_j(self, part: str) -> float:
        """Energy of one operation in ``"switching"``, ``"internal"`` or ``"clock"``, joule."""
        return (
            float(sum(getattr(block, f"{part}_j") for block in self.blocks.values())) / self.count
        )


def driver_blocks(netlist: Netlist) -> list[str | None]:
    """Block of the cell that drives each net; None for inputs and constants."""
    blocks: list[str | None] = [None] * len(netlist.net_names)
    for instance in netlist.cells:
        for pin in instance.cell.outputs:
            if pin.name in instance.nets:
                blocks[instance.nets[pin.name]] = instance.block
    return blocks


@dataclass(frozen=True, eq=False)
class _Costs:
    """What toggles take: `each_j` joule for one of net `net`, added up in place `place`.

    Places are those of the three kinds of energy in each of :data:`.BLOCKS`.
    """

    net: NDArray[np.int64]
    place: NDArray[np.int64]
    each_j: NDArray[np.float64]


_SWITCHING, _INTERNAL, _CLOCK = range(3)


@lru_cache(maxsize=64)  # a netlist is run on many layers
def _costs(netlist: Netlist, voltage_v: float, slew_s: float) -> _Costs:
    drivers = driver_blocks(netlist)
    clocks = netlist.clocks
    index = {block: 3 * place for place, block in enumerate(BLOCKS)}
    found: list[tuple[int, int, float]] = []
    for instance in netlist.cells:
        cell, block = instance.cell, instance.block
        for pin in cell.inputs:
            net = instance.nets[pin.name]
            clock = net in clocks
            internal = index[block] + (_CLOCK if clock else _INTERNAL)
            found.append((net, internal, cell.input_energy_j(pin.name)))
            switching = index[drivers[net] or block] + (_CLOCK if clock else _SWITCHING)
            found.append((net, switching, 0.5 * pin.capacitance_f * voltage_v**2))
        for pin in cell.outputs:
            if pin.name in instance.nets:
                net = instance.nets[pin.name]
                place = index[block] + (_CLOCK if net in clocks else _INTERNAL)
                load_f = float(netlist.load_f[net])
                found.append((net, place, cell.internal_energy_j(pin.name, load_f, slew_s)))
    nets, places, each = zip(*found, strict=True) if found else ((), (), ())
    return _Costs(np.array(nets, np.int64), np.array(places, np.int64), np.array(each, np.float64))


def block_energies(
    netlist: Netlist,
    toggles: NDArray[np.int64],
    cycles: int,
    *,
    voltage_v: float,
    slew_s: float = NOMINAL_SLEW_S,
) -> dict[str, BlockEnergy]:
    """Energy of a run by block.

    Parameters
    ----------
    netlist
        What was run.
    toggles
        Toggles of each net over all lanes, int64 [nets]; the clock's are taken as two a cycle.
    cycles
        Clock cycles over all lanes.
    voltage_v
        Supply.
    slew_s
        Transition time at which internal energies are looked up.

    Returns
    -------
    dict
        For each block that has cells, in the order of :data:`.BLOCKS`.

    Raises
    ------
    ValueError
        `toggles` is not of this netlist.
    """
    if toggles.shape != (len(netlist.net_names),):
        raise ValueError(
            f"block_energies.toggles must be [{len(netlist.net_names)}], not {list(toggles.shape)}"
        )
    counts = toggles.astype(np.float64)
    if netlist.clock is not None:
        counts[netlist.clock] = 2.0 * cycles
    costs = _costs(netlist, voltage_v, slew_s)
    weights = costs.each_j * counts[costs.net]
    sums = np.bincount(costs.place, weights, minlength=3 * len(BLOCKS)).reshape(-1, 3).tolist()
    present = {instance.block for instance in netlist.cells}
    return {
        block: BlockEnergy(*sums[place]) for place, block in enumerate(BLOCKS) if block in present
    }


def leakage_w(netlist: Netlist) -> float:
    """Leakage of all cells, watt; the library's average over the states of each."""
    return sum(instance.cell.leakage_w for instance in netlist.cells)
