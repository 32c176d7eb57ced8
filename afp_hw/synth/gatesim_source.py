"""A levelised netlist written as C: what :mod:`afp_hw.synth.gatesim` compiles."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.synth.boolean import parse_function
from afp_hw.synth.netlist import Instance, Netlist, gated_clock

# Cells in one C function: compilers take more than proportional time for longer ones.
_PART: Final = 500


def _expression(text: str, instance: Instance, state: int | None = None) -> str:
    """A Liberty function of the pins of `instance`, and of flip-flop `state`, as C."""
    flip_flop = instance.cell.flip_flop

    def name_of(name: str) -> str:
        if flip_flop is not None and name == flip_flop.state:
            return f"q[{state}]"
        if flip_flop is not None and name == flip_flop.inverted:
            return f"~q[{state}]"
        if name not in instance.nets:
            raise ValueError(
                f"Cell.function must be of its pins, not of {name!r} ({instance.cell.name})"
            )
        return f"s[{instance.nets[name]}]"

    return parse_function(text).render(name_of, zero="s[0]", one="s[1]")


def _outputs(instance: Instance, state: int | None = None) -> list[str]:
    lines = []
    for pin in instance.cell.outputs:
        if pin.name in instance.nets:
            if pin.function is None:
                raise ValueError(
                    f"Cell.function must be known, not None ({instance.cell.name}/{pin.name})"
                )
            expression = _expression(pin.function, instance, state)
            lines.append(f"SET({instance.nets[pin.name]}, {expression});")
    return lines


def _next_states(netlist: Netlist) -> list[str]:
    """What the coming clock edge stores, and the pulse that it makes behind each open gate."""
    lines, enables = [], []
    for gate in netlist.clock_gates:
        assert gate.cell.clock_gate is not None  # what makes it one
        enables.append(f"s[{gate.nets[gate.cell.clock_gate.enable]}]")
        lines.append(f"PULSE({gated_clock(gate)}, {enables[-1]});")
    for index, instance in enumerate(netlist.flip_flops):
        assert instance.cell.flip_flop is not None  # what makes it one
        value = _expression(instance.cell.flip_flop.next_state, instance, index)
        gate_index = int(netlist.gate_of[index])
        if gate_index >= 0:
            enable = enables[gate_index]
            value = f"(({value}) & {enable}) | (q[{index}] & ~{enable})"
        lines.append(f"q[{index}] = {value};")
    return lines


def simulator_source(netlist: Netlist, *, words: int) -> str:
    """The C of a simulator of `netlist` on vectors of `words` 64-bit words.

    Raises
    ------
    ValueError
        A cell without a function, or with one of something else than its pins (a latch).
    """
    edge = [
        line
        for index, instance in enumerate(netlist.flip_flops)
        for line in _outputs(instance, index)
    ]
    logic = [line for instance in netlist.combinational for line in _outputs(instance)]
    lines = edge + logic + _next_states(netlist)
    parts = [lines[start : start + _PART] for start in range(0, len(lines), _PART)]
    head = "static void part_{}(vec *restrict s, vec *restrict c, vec *restrict q, vec m)\n{{\n"
    inputs, outputs = input_nets(netlist), output_nets(netlist)
    filled = {
        "NETS": len(netlist.net_names),
        "INPUTS": len(inputs),
        "OUTPUTS": len(outputs),
        "WORDS": words,
        "INPUT_NETS": ", ".join(map(str, inputs)),
        "OUTPUT_NETS": ", ".join(map(str, outputs)),
        "FLIP_FLOPS": len(netlist.flip_flops),
        "PARTS": "\n".join(
            head.format(index) + "".join(f"    {line}\n" for line in part) + "}"
            for index, part in enumerate(parts)
        ),
        "CALLS": "\n".join(f"        part_{index}(s, c, q, m);" for index in range(len(parts))),
    }
    source = files("afp_hw.synth").joinpath("gatesim.c").read_text(encoding="utf-8")
    for name, value in filled.items():
        source = source.replace(f"@{name}@", str(value))
    return source


def driven_ports(netlist: Netlist) -> dict[str, NDArray[np.int64]]:
    """Nets of each input port but the clock's."""
    return {port: nets for port, nets in netlist.inputs.items() if netlist.clock not in nets}


def input_nets(netlist: Netlist) -> list[int]:
    """Nets that a stimulus drives, port after port."""
    return [int(net) for nets in driven_ports(netlist).values() for net in nets]


def output_nets(netlist: Netlist) -> list[int]:
    """Nets of the outputs, port after port."""
    return [int(net) for nets in netlist.outputs.values() for net in nets]
