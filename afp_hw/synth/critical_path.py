"""The critical path of a mapped netlist, cell by cell: where the clock period goes.

The numbers are those of :mod:`afp_hw.synth.timing`: the path is found by going back from the latest
endpoint, at each cell along the arc whose arrival is the one that counted.
"""

from __future__ import annotations

from dataclasses import dataclass

from afp_hw.synth.cells import Arc
from afp_hw.synth.netlist import Instance, Netlist
from afp_hw.synth.timing import FALL, RISE, Endpoint, Times, causes, endpoints


@dataclass(frozen=True, slots=True)
class Stage:
    """One cell of a path, or the input port that it starts at.

    Parameters
    ----------
    name, cell, block
        Of the instance; of an input its name, ``"input"`` and ``"input"``.
    net
        Name of the net that it drives: in a flattened netlist what tells registers apart.
    from_pin, pin
        Where the path enters the cell and where it leaves it; empty for an input.
    edge
        :data:`.RISE` or :data:`.FALL` of what leaves.
    arrival_s
        When it leaves, second after the clock edge.
    increment_s
        Delay of the cell: `arrival_s` less that of the stage before.
    load_f
        Capacitance that the cell drives, farad; no wires.
    """

    name: str
    cell: str
    block: str
    net: str
    from_pin: str
    pin: str
    edge: int
    arrival_s: float
    increment_s: float
    load_f: float


@dataclass(frozen=True, slots=True)
class CriticalPath:
    """The path that the smallest clock period is due to.

    Parameters
    ----------
    stages
        From a flip-flop's clock pin, or an input, to the last cell before the endpoint.
    end
        The endpoint.
    """

    stages: tuple[Stage, ...]
    end: Endpoint

    @property
    def period_s(self) -> float:
        """Arrival at the endpoint and its setup, second: :func:`.clock_period_s`, bit for bit."""
        return self.end.period_s


def critical_path(netlist: Netlist) -> CriticalPath | None:
    """The longest path of a netlist; the first of equals, None where there is none."""
    times = Times(netlist)
    end = max(endpoints(netlist, times), key=lambda found: found.period_s, default=None)
    if end is None:
        return None
    drivers = {
        instance.nets[pin.name]: instance
        for instance in netlist.combinational + netlist.flip_flops
        for pin in instance.cell.outputs
        if pin.name in instance.nets
    }
    stages: list[Stage] = []
    net, edge = end.net, end.edge
    while True:
        instance = drivers.get(net)
        step = None if instance is None else _slowest(netlist, times, instance, net, edge)
        if instance is None or step is None:
            stages.append(_input(netlist, instance, net, edge))
            break
        arc, cause = step
        source = instance.nets[arc.related]
        arrival = times.arrival[edge][net]
        stages.append(
            Stage(
                name=instance.name,
                cell=instance.cell.name,
                block=instance.block,
                net=netlist.net_names[net],
                from_pin=arc.related,
                pin=arc.pin,
                edge=edge,
                arrival_s=arrival,
                increment_s=arrival - times.arrival[cause][source],
                load_f=float(netlist.load_f[net]),
            )
        )
        if instance.cell.flip_flop is not None:
            break
        net, edge = source, cause
    return CriticalPath(tuple(reversed(stages)), end)


def _slowest(
    netlist: Netlist, times: Times, instance: Instance, net: int, edge: int
) -> tuple[Arc, int] | None:
    """The arc, and the edge that enters it, whose arrival at `net` counted; None of a constant."""
    load_f = float(netlist.load_f[net])
    for arc in instance.cell.arcs:
        if instance.nets.get(arc.pin) != net or arc.kind not in ("combinational", "rising_edge"):
            continue
        delay = arc.rise if edge == RISE else arc.fall
        if delay is None:
            continue
        source = instance.nets[arc.related]
        for cause in causes(arc, edge):
            at = times.slew[cause][source]
            if times.arrival[cause][source] + delay.at(at, load_f) == times.arrival[edge][net]:
                return arc, cause
    return None


def _input(netlist: Netlist, instance: Instance | None, net: int, edge: int) -> Stage:
    """The start of a path that no flip-flop launches: an input, or a cell without arcs."""
    return Stage(
        name=netlist.net_names[net] if instance is None else instance.name,
        cell="input" if instance is None else instance.cell.name,
        block="input" if instance is None else instance.block,
        net=netlist.net_names[net],
        from_pin="",
        pin="",
        edge=edge,
        arrival_s=0.0,
        increment_s=0.0,
        load_f=float(netlist.load_f[net]),
    )


def edge_name(edge: int) -> str:
    """``"rise"`` or ``"fall"``."""
    return "fall" if edge == FALL else "rise"
