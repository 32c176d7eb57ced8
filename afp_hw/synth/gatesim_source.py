"""A levelised netlist written as C: what :mod:`afp_hw.synth.gatesim` compiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from afp_hw.synth.boolean import BooleanFunction, parse_function
from afp_hw.synth.netlist import Instance, Netlist, gated_clock
from afp_hw.synth.simulator import input_nets, output_nets, source_text

# Cells in one C function: compilers take more than proportional time for longer ones.
_PART: Final = 500


def pin_function(instance: Instance, text: str | None, pin: str) -> BooleanFunction:
    """A Liberty function of `instance`, over its pins and state.

    Raises
    ------
    ValueError
        There is none, or it is of something else (a latch's).
    """
    cell = instance.cell
    if text is None:
        raise ValueError(f"Cell.function must be known, not None ({cell.name}/{pin})")
    function = parse_function(text)
    known = set(instance.nets)
    if cell.flip_flop is not None:
        known |= {cell.flip_flop.state, cell.flip_flop.inverted}
    for name in function.variables:
        if name not in known:
            raise ValueError(f"Cell.function must be of its pins, not of {name!r} ({cell.name})")
    return function


def rendered(
    function: BooleanFunction, instance: Instance, value_of: Callable[[str], str], state: str
) -> str:
    """A function as C: `value_of` gives what stands for a pin, `state` stands for the state."""
    flip_flop = instance.cell.flip_flop

    def name_of(name: str) -> str:
        if flip_flop is not None and name == flip_flop.state:
            return state
        if flip_flop is not None and name == flip_flop.inverted:
            return f"~{state}"
        return value_of(name)

    return function.render(name_of, zero="S(0)", one="S(1)")


def _expression(text: str | None, instance: Instance, pin: str, state: int | None = None) -> str:
    """A Liberty function of the pins of `instance`, and of flip-flop `state`, as C."""
    function = pin_function(instance, text, pin)
    return rendered(function, instance, lambda name: f"S({instance.nets[name]})", f"Q({state})")


def _outputs(instance: Instance, state: int | None = None) -> list[str]:
    return [
        f"SET({instance.nets[pin.name]}, {_expression(pin.function, instance, pin.name, state)});"
        for pin in instance.cell.outputs
        if pin.name in instance.nets
    ]


def next_states(netlist: Netlist) -> list[str]:
    """What the coming clock edge stores, and the pulse that it makes behind each open gate."""
    lines, enables = [], []
    for gate in netlist.clock_gates:
        assert gate.cell.clock_gate is not None  # what makes it one
        enables.append(f"S({gate.nets[gate.cell.clock_gate.enable]})")
        lines.append(f"PULSE({gated_clock(gate)}, {enables[-1]});")
    for index, instance in enumerate(netlist.flip_flops):
        assert instance.cell.flip_flop is not None  # what makes it one
        value = _expression(instance.cell.flip_flop.next_state, instance, "next state", index)
        gate_index = int(netlist.gate_of[index])
        if gate_index >= 0:
            enable = enables[gate_index]
            value = f"(({value}) & {enable}) | (Q({index}) & ~{enable})"
        lines.append(f"Q({index}) = {value};")
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
    lines = edge + logic + next_states(netlist)
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
    return source_text("gatesim.c", filled)
