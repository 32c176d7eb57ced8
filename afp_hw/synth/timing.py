"""Static timing of a mapped netlist from the library's tables: the smallest clock period.

Ideal clock, no wires, worst edge of each arc: arrival and transition time go forward through the
netlist once. This is OpenSTA's answer in the same conditions, which a test compares. ABC's own
figure is not used: it ends at flip-flops and at full adders, which it does not see into.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from afp_hw.synth.cells import NOMINAL_SLEW_S, Arc, Table
from afp_hw.synth.netlist import Instance, Netlist

CLOCK_SLEW_S: Final = 0.0
RISE: Final = 0
FALL: Final = 1


def causes(arc: Arc, edge: int) -> tuple[int, ...]:
    """Edges of the related pin that cause `edge` of the pin."""
    if arc.kind == "rising_edge":
        return (RISE,)
    if arc.sense == "positive_unate":
        return (edge,)
    return (1 - edge,) if arc.sense == "negative_unate" else (RISE, FALL)


class Times:
    """Arrival and transition time of both edges of each net: ``arrival``, ``slew``, second.

    Both are ``[edge][net]``, edge :data:`RISE` or :data:`FALL`. Everything begins with the clock
    edge; inputs come with it.

    Parameters
    ----------
    netlist
        What is timed.
    """

    def __init__(self, netlist: Netlist) -> None:
        nets = len(netlist.net_names)
        self._load = netlist.load_f.tolist()
        self.arrival = [[0.0] * nets, [0.0] * nets]
        self.slew = [[NOMINAL_SLEW_S] * nets, [NOMINAL_SLEW_S] * nets]
        for clock in netlist.clocks:
            self.slew[RISE][clock] = self.slew[FALL][clock] = CLOCK_SLEW_S
        for instance in netlist.flip_flops:
            self._drive(instance, ("rising_edge",))
        for instance in netlist.combinational:
            self._drive(instance, ("combinational",))

    def _drive(self, instance: Instance, kinds: tuple[str, ...]) -> None:
        """Set the nets that a cell drives, from the arcs of these kinds."""
        found: dict[tuple[int, int], tuple[float, float]] = {}
        for arc in instance.cell.arcs:
            net = instance.nets.get(arc.pin)
            if arc.kind not in kinds or net is None:
                continue
            source = instance.nets[arc.related]
            for edge, delay, slew in (
                (RISE, arc.rise, arc.rise_slew),
                (FALL, arc.fall, arc.fall_slew),
            ):
                if delay is None or slew is None:
                    continue
                for cause in causes(arc, edge):
                    late = self._arrive(source, cause, delay, slew, self._load[net])
                    best = found.get((net, edge), (0.0, 0.0))
                    found[net, edge] = (max(best[0], late[0]), max(best[1], late[1]))
        for (net, edge), (arrival, slew_s) in found.items():
            self.arrival[edge][net], self.slew[edge][net] = arrival, slew_s

    def _arrive(
        self, source: int, cause: int, delay: Table, slew: Table, load_f: float
    ) -> tuple[float, float]:
        at = self.slew[cause][source]
        return self.arrival[cause][source] + delay.at(at, load_f), slew.at(at, load_f)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where paths end: an output, or a pin that must be settled before the next clock edge.

    Parameters
    ----------
    net, edge
        What arrives there.
    instance
        Flip-flop or clock gate; None for an output of the module.
    pin
        Its pin, or the name of the output's net.
    arrival_s
        When the edge arrives, second.
    setup_s
        How long before the clock edge it must; 0 for an output.
    """

    net: int
    edge: int
    instance: Instance | None
    pin: str
    arrival_s: float
    setup_s: float

    @property
    def period_s(self) -> float:
        """The clock period that this endpoint needs."""
        return self.arrival_s + self.setup_s


def endpoints(netlist: Netlist, times: Times) -> list[Endpoint]:
    """All endpoints of a netlist, outputs first."""
    found = [
        Endpoint(net, edge, None, netlist.net_names[net], times.arrival[edge][net], 0.0)
        for bits in netlist.outputs.values()
        for net in bits.tolist()
        for edge in (RISE, FALL)
    ]
    for instance in netlist.flip_flops + netlist.clock_gates:
        for arc in instance.cell.arcs:
            if arc.kind == "setup_rising":
                net = instance.nets[arc.pin]
                for edge, setup in ((RISE, arc.rise), (FALL, arc.fall)):
                    if setup is not None:
                        needed = setup.at(CLOCK_SLEW_S, times.slew[edge][net])
                        arrival = times.arrival[edge][net]
                        found.append(Endpoint(net, edge, instance, arc.pin, arrival, needed))
    return found


def clock_period_s(netlist: Netlist) -> float:
    """Smallest clock period of a netlist, second.

    The latest of: clock to output, logic, setup of the next flip-flop or clock gate; the same from
    inputs, which come with the clock edge; the same to outputs. Gates delay no clock: it is ideal.
    """
    found = endpoints(netlist, Times(netlist))
    return max((endpoint.period_s for endpoint in found), default=0.0)
