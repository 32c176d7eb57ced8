"""Timed simulation as its definition reads: one lane, every tick, every net, all of its past."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from afp_hw.synth.boolean import parse_function
from afp_hw.synth.cells import Cell
from afp_hw.synth.delays import Delays
from afp_hw.synth.netlist import Instance, Netlist, gated_clock


class TimedDefinition:
    """One copy of a netlist whose inputs are one port ``i``; it starts with all nets 0."""

    def __init__(self, netlist: Netlist, delays: Delays) -> None:
        self.netlist = netlist
        self._delay = [delays.fall.tolist(), delays.rise.tolist()]  # by the new value
        nets = len(netlist.net_names)
        self.values = [0] * nets
        self.values[1] = 1
        self.toggles = np.zeros(nets, dtype=np.int64)
        self._state = [0] * len(netlist.flip_flops)

    def _functions(self, word: int) -> dict[int, int]:
        """What the function of each driven net is, given the nets as they are now."""
        found = {net: word >> bit & 1 for bit, net in enumerate(self.netlist.inputs["i"].tolist())}
        for instance in self.netlist.combinational:
            found |= self._outputs(instance, {})
        for instance, state in zip(self.netlist.flip_flops, self._state, strict=True):
            found |= self._outputs(instance, self._named(instance.cell, state))
        return found

    def _named(self, cell: Cell, state: int) -> dict[str, int]:
        return {cell.flip_flop.state: state, cell.flip_flop.inverted: 1 - state}

    def _outputs(self, instance: Instance, state: Mapping[str, int]) -> dict[int, int]:
        named = self._pins(instance) | state
        return {
            instance.nets[pin.name]: parse_function(pin.function).evaluate(named)
            for pin in instance.cell.outputs
            if pin.name in instance.nets
        }

    def _pins(self, instance: Instance) -> dict[str, int]:
        return {pin.name: self.values[instance.nets[pin.name]] for pin in instance.cell.inputs}

    def cycle(self, word: int) -> int:
        """One clock cycle; gives the tick of the last transition."""
        # Before tick 0 everything is settled.
        past = {net: [self.values[net]] for net in self._functions(word)}
        tick = last = 0
        while True:
            functions = self._functions(word)
            for net, value in functions.items():
                past[net].append(value)
            if all(self.values[net] == value for net, value in functions.items()):
                break
            tick += 1
            for net, history in past.items():
                new = 1 - self.values[net]
                width = self._delay[new][net]
                if history[-width:] == [new] * width:
                    self.values[net] = new
                    self.toggles[net] += 1
                    last = tick
        self._clock_edge()
        return last

    def _clock_edge(self) -> None:
        enables = []
        for gate in self.netlist.clock_gates:
            enables.append(self._pins(gate)[gate.cell.clock_gate.enable])
            self.toggles[gated_clock(gate)] += 2 * enables[-1]
        for index, instance in enumerate(self.netlist.flip_flops):
            gate_index = self.netlist.gate_of[index]
            if gate_index < 0 or enables[gate_index]:
                named = self._pins(instance) | self._named(instance.cell, self._state[index])
                next_state = parse_function(instance.cell.flip_flop.next_state)
                self._state[index] = next_state.evaluate(named)
