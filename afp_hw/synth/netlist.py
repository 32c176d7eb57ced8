"""A mapped netlist, read from what Yosys' ``write_json`` leaves, as arrays over its nets.

Modules that are left in the netlist are entered, so that a run which kept the hierarchy knows the
block of every cell. There are no wires: the load of a net is the sum of the capacitances of the
pins on it, which is what is known before placement.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.synth.cells import Cell
from afp_hw.synth.flatten import CONSTANT_0, CONSTANT_1, Flattener

BLOCKS: Final = (
    "decode",
    "exponent adder",
    "multiplier",
    "shifter",
    "adder tree",
    "accumulator",
    "edge",
    "other",
)

# Names of the hardware's instances; the innermost that is known decides.
_BLOCK_OF_INSTANCE: Final = (
    (re.compile(r"decoder"), "decode"),
    (re.compile(r"exponent_adder"), "exponent adder"),
    (re.compile(r"multiplier"), "multiplier"),
    (re.compile(r"shifter"), "shifter"),
    (re.compile(r"lane_sum|lane_tree"), "adder tree"),
    (re.compile(r"accumulator"), "accumulator"),
    (re.compile(r"_edge|skew|init_queue"), "edge"),
)


def block_of(path: str) -> str:
    """The block, one of :data:`BLOCKS`, that a cell with this hierarchical name belongs to."""
    found = [
        (match.start(), block)
        for pattern, block in _BLOCK_OF_INSTANCE
        for match in pattern.finditer(path)
    ]
    return max(found)[1] if found else "other"


@dataclass(frozen=True, slots=True)
class Instance:
    """One cell of the netlist: its hierarchical name, kind, block and the net of each pin."""

    name: str
    cell: Cell
    block: str
    nets: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Netlist:
    """A flat netlist of library cells. Net 0 is constant 0, net 1 constant 1.

    Parameters
    ----------
    top
        Name of its module.
    net_names
        Name of each net, by index.
    inputs, outputs
        Nets of each port, int64, least significant bit first.
    combinational
        Cells without state in an order in which each comes after those that drive it.
    level
        Depth of each of them, int64: 0 where only inputs, constants and flip-flops drive it.
    flip_flops
        Cells with state.
    clock
        The net that clocks them, directly or through a gate; None where there are none.
    clock_gates
        Cells between the clock and some of the flip-flops.
    gate_of
        For each flip-flop the index of its clock gate, int64; -1 for none.
    load_f
        Capacitance of the pins on each net, farad, float64 [nets]; wires are not included.
    """

    top: str
    net_names: tuple[str, ...]
    inputs: Mapping[str, NDArray[np.int64]]
    outputs: Mapping[str, NDArray[np.int64]]
    combinational: tuple[Instance, ...]
    level: NDArray[np.int64]
    flip_flops: tuple[Instance, ...]
    clock: int | None
    clock_gates: tuple[Instance, ...]
    gate_of: NDArray[np.int64]
    load_f: NDArray[np.float64]

    @property
    def cells(self) -> tuple[Instance, ...]:
        """All cells: the combinational ones in their order, flip-flops, clock gates."""
        return self.combinational + self.flip_flops + self.clock_gates

    @property
    def clocks(self) -> frozenset[int]:
        """The clock's net and those behind gates."""
        root = set() if self.clock is None else {self.clock}
        return frozenset(root | {gated_clock(gate) for gate in self.clock_gates})

    @property
    def area_um2(self) -> float:
        """Area of all cells."""
        return sum(instance.cell.area_um2 for instance in self.cells)


def _levelise(cells: Sequence[Instance], nets: int) -> tuple[list[int], list[int]]:
    """An order in which each cell follows its drivers, and each cell's level in that order."""
    driver = [-1] * nets
    for index, instance in enumerate(cells):
        for pin in instance.cell.outputs:
            if pin.name in instance.nets:
                driver[instance.nets[pin.name]] = index
    followers: list[list[int]] = [[] for _ in cells]
    missing = [0] * len(cells)
    for index, instance in enumerate(cells):
        for pin in instance.cell.inputs:
            source = driver[instance.nets[pin.name]]
            if source >= 0:
                followers[source].append(index)
                missing[index] += 1
    level = [0] * len(cells)
    ready = deque(index for index, count in enumerate(missing) if not count)
    order: list[int] = []
    while ready:
        index = ready.popleft()
        order.append(index)
        for follower in followers[index]:
            level[follower] = max(level[follower], level[index] + 1)
            missing[follower] -= 1
            if not missing[follower]:
                ready.append(follower)
    if len(order) < len(cells):
        stuck = next(index for index, count in enumerate(missing) if count)
        raise ValueError(
            f"Netlist.cells must have no combinational loop, not one at {cells[stuck].name!r}"
        )
    return order, [level[index] for index in order]


def gated_clock(gate: Instance) -> int:
    """The net that a clock gate drives."""
    assert gate.cell.clock_gate is not None  # what makes it one
    return gate.nets[gate.cell.clock_gate.output]


def _clock_of(
    flip_flops: Sequence[Instance], gates: Sequence[Instance]
) -> tuple[int | None, NDArray[np.int64]]:
    """The one clock, and which gate stands before each flip-flop."""
    behind = {gated_clock(gate): index for index, gate in enumerate(gates)}
    clocks, gate_of = set(), np.full(len(flip_flops), -1, dtype=np.int64)
    for index, instance in enumerate(flip_flops):
        assert instance.cell.flip_flop is not None  # what makes it one
        net = instance.nets.get(instance.cell.flip_flop.clocked_on, -1)
        if net in behind:
            gate_of[index] = behind[net]
        else:
            clocks.add(net)
    for gate in gates:
        assert gate.cell.clock_gate is not None  # what makes it one
        clocks.add(gate.nets[gate.cell.clock_gate.clock])
        tied = [gate.nets[pin] for pin in gate.cell.clock_gate.test]
        if any(net != CONSTANT_0 for net in tied):
            raise ValueError(f"Netlist.clock_gates must not be in test mode ({gate.name})")
    if len(clocks) > 1 or -1 in clocks:
        raise ValueError(f"Netlist.clock must be one net, rising, not {len(clocks)} of them")
    return (clocks.pop() if clocks else None), gate_of


def _check_clock(netlist: Netlist) -> Netlist:
    inputs = np.concatenate([np.zeros(0, dtype=np.int64), *netlist.inputs.values()])
    if netlist.clock is not None and netlist.clock not in inputs:
        name = netlist.net_names[netlist.clock]
        raise ValueError(f"Netlist.clock must be an input, not the gated clock {name!r}")
    return netlist


def parse_netlist(
    text: str, cells: Mapping[str, Cell], *, top: str | None = None, where: str = "netlist"
) -> Netlist:
    """Read the JSON that Yosys' ``write_json`` writes; `top` is by default what Yosys marked.

    Raises
    ------
    ValueError
        No such JSON, a cell that the library lacks, two clocks, or a combinational loop.
    """
    try:
        modules = json.loads(text)["modules"]
        tops = [name for name, module in modules.items() if "top" in module["attributes"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{where} must be a netlist in Yosys' JSON, not {text[:40]!r}") from error
    if top is None:
        if len(tops) != 1 and len(modules) != 1:
            raise ValueError(f"{where} must have one top module, not {tops!r}")
        top = tops[0] if tops else next(iter(modules))
    if top not in modules:
        raise ValueError(f"{where} must have the module {top!r}, not only {sorted(modules)}")
    flattener = Flattener(modules, cells)
    bits = flattener.enter(top, "", {})
    return _check_clock(_arrays(top, modules[top]["ports"], bits, flattener))


def _arrays(
    top: str, ports: Mapping[str, Any], bits: Mapping[Any, int], flattener: Flattener
) -> Netlist:
    """Number the nets without gaps and put everything in order."""
    nets = flattener.nets
    dense = {CONSTANT_0: CONSTANT_0, CONSTANT_1: CONSTANT_1}
    for net in range(len(nets.names)):
        dense.setdefault(nets.find(net), len(dense))
    number = [dense[nets.find(net)] for net in range(len(nets.names))]
    names = [""] * len(dense)
    for net in reversed(range(len(nets.names))):
        names[number[net]] = nets.names[net]
    instances = [
        Instance(name, cell, block_of(name), {pin: number[net] for pin, net in pins.items()})
        for name, cell, pins in flattener.found
    ]
    load = np.zeros(len(names))
    for instance in instances:
        for pin in instance.cell.inputs:
            load[instance.nets[pin.name]] += pin.capacitance_f
    flip_flops = [instance for instance in instances if instance.cell.flip_flop is not None]
    gates = [instance for instance in instances if instance.cell.clock_gate is not None]
    logic = [
        instance
        for instance in instances
        if instance.cell.flip_flop is None and instance.cell.clock_gate is None
    ]
    order, level = _levelise(logic, len(names))
    clock, gate_of = _clock_of(flip_flops, gates)
    directions = {
        direction: {
            name: np.array([number[bits[bit]] for bit in port["bits"]], dtype=np.int64)
            for name, port in ports.items()
            if port["direction"] == direction
        }
        for direction in ("input", "output")
    }
    return Netlist(
        top=top,
        net_names=tuple(names),
        inputs=directions["input"],
        outputs=directions["output"],
        combinational=tuple(logic[index] for index in order),
        level=np.array(level, dtype=np.int64),
        flip_flops=tuple(flip_flops),
        clock=clock,
        clock_gates=tuple(gates),
        gate_of=gate_of,
        load_f=load,
    )


def read_netlist(path: str | Path, cells: Mapping[str, Cell], *, top: str | None = None) -> Netlist:
    """Read a netlist file; errors as :func:`parse_netlist`, and OSError."""
    path = Path(path)
    return parse_netlist(path.read_text(encoding="utf-8"), cells, top=top, where=path.name)
