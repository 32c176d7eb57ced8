"""A netlist and its delays written as C: what :mod:`afp_hw.synth.timedsim` compiles."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from afp_hw.synth.delays import Delays
from afp_hw.synth.gatesim_source import next_states, pin_function, rendered
from afp_hw.synth.netlist import Instance, Netlist
from afp_hw.synth.simulator import input_nets, output_nets, source_text

_SMALLEST_WHEEL: Final = 64


@dataclass(frozen=True, slots=True)
class _Logic:
    """One output of a combinational cell: its net, its function over ``S(n[i])``, the nets n."""

    net: int
    function: str
    pins: tuple[int, ...]


def _logic(instance: Instance) -> list[_Logic]:
    found = []
    for pin in instance.cell.outputs:
        if pin.name in instance.nets:
            function = pin_function(instance, pin.function, pin.name)
            names = function.variables
            text = rendered(function, instance, _numbered(names), "")
            pins = tuple(instance.nets[name] for name in names)
            found.append(_Logic(instance.nets[pin.name], text, pins))
    return found


def _numbered(names: tuple[str, ...]) -> Callable[[str], str]:
    return lambda name: f"S(n[{names.index(name)}])"


def _launches(netlist: Netlist, first: int) -> tuple[list[int], list[str]]:
    """Nets of the outputs of flip-flops, drivers from number `first` on, and what launches them."""
    nets: list[int] = []
    lines = []
    for index, instance in enumerate(netlist.flip_flops):
        for pin in instance.cell.outputs:
            if pin.name in instance.nets:
                function = pin_function(instance, pin.function, pin.name)
                value = rendered(function, instance, _pin_of(instance), f"Q({index})")
                lines.append(f"LAUNCH({first + len(nets)}, {value});")
                nets.append(instance.nets[pin.name])
    return nets, lines


def _pin_of(instance: Instance) -> Callable[[str], str]:
    return lambda name: f"S({instance.nets[name]})"


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()


def _joined(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))


def _indented(lines: Iterable[str], spaces: int) -> str:
    return "\n".join(" " * spaces + line for line in lines)


def _kinds(logic: list[_Logic]) -> list[str]:
    """What evaluates each run of equal functions; `logic` is sorted by them."""
    lines, first, at = [], 0, 0
    for index, gate in enumerate(logic):
        if index + 1 == len(logic) or logic[index + 1].function != gate.function:
            size = len(gate.pins)
            lines.append(f"KIND({first}, {index + 1}, {at}, {size}, {gate.function})")
            at += (index + 1 - first) * size
            first = index + 1
    return lines


def _followers(logic: list[_Logic], driven: list[int]) -> tuple[list[int], list[int]]:
    """Where the followers of each driver begin, and all of them: logic that its net goes to."""
    by_net: dict[int, list[int]] = {}
    for index, gate in enumerate(logic):
        for net in set(gate.pins):
            by_net.setdefault(net, []).append(index)
    starts, found = [0], []
    for net in driven:
        found += by_net.get(net, [])
        starts.append(len(found))
    return starts, found


@lru_cache(maxsize=16)  # a netlist is run on many layers
def timed_source(netlist: Netlist, delays: Delays, *, words: int, digits: int) -> str:
    """The C of a simulator of `netlist` with `delays` on vectors of `words` 64-bit words.

    It counts the toggles of each lane and cycle with so many binary `digits`; 0: it does not.

    Raises
    ------
    ValueError
        A cell without a function, or with one of something else than its pins (a latch).
    """
    logic = [gate for instance in netlist.combinational for gate in _logic(instance)]
    logic.sort(key=lambda gate: gate.function)
    inputs, outputs = input_nets(netlist), output_nets(netlist)
    launched, launches = _launches(netlist, len(logic) + len(inputs))
    driven = [gate.net for gate in logic] + inputs + launched
    starts, followers = _followers(logic, driven)
    queues = [int(side[net]) for net in driven for side in (delays.rise, delays.fall)]
    slots = [_power_of_two(delay) for delay in queues]
    filled = {
        "NETS": len(netlist.net_names),
        "INPUTS": len(inputs),
        "OUTPUTS": len(outputs),
        "WORDS": words,
        "LOGIC": len(logic),
        "DRIVERS": len(driven),
        "DIGITS": digits,
        "WHEEL": _power_of_two(max([_SMALLEST_WHEEL, *(delay + 1 for delay in queues)])),
        "SLOTS": max(1, sum(slots)),
        "OUTPUT_NETS": _joined(outputs),
        "DRIVEN_NETS": _joined(driven),
        "PINS": _joined([net for gate in logic for net in gate.pins] or [0]),
        "FOLLOWERS_OF": _joined(starts),
        "FOLLOWERS": _joined(followers or [0]),
        "DELAYS": _joined(queues),
        "FIRST_SLOTS": _joined([*itertools.accumulate(slots, initial=0)][:-1]),
        "LAST_SLOTS": _joined(size - 1 for size in slots),
        "KINDS": _indented(_kinds(logic), 4),
        "NEXT_STATES": _indented(next_states(netlist), 8),
        "LAUNCHES": _indented(launches, 4),
        "FLIP_FLOPS": len(netlist.flip_flops),
    }
    return source_text("timedsim.c", filled)
