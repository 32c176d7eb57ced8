"""Liberty functions: parsed, evaluated, and in the simulator's compiled form."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from circuits import flat

from afp_hw.synth.boolean import parse_function
from afp_hw.synth.gatesim import GateSimulator, lane_bits
from afp_hw.synth.liberty import read_liberty
from afp_hw.synth.netlist import parse_netlist

SKY130 = Path(__file__).parents[3] / "shared/pdk/sky130_fd_sc_hd__tt_025C_1v80.lib.gz"


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("A", "A"),
        ("!A", "1-A"),
        ("A'", "1-A"),
        ("!A'", "A"),
        ("(A B)'", "1-(A&B)"),
        ("A B + C", "(A&B)|C"),
        ("A*B|C", "(A&B)|C"),
        ("A + B C", "A|(B&C)"),
        ("A ^ B C", "(A^B)&C"),
        ("A B ^ C", "A&(B^C)"),
        ("!(A ^ B) + !C", "(1-(A^B))|(1-C)"),
        ("A(B+C)", "A&(B|C)"),
        ("(A+B)(!C)", "(A|B)&(1-C)"),
        ("A 1 + 0", "A"),
        (" ( A & ! ( B | C' ) ) ", "A&(1-(B|(1-C)))"),
    ],
)
def test_functions_bind_as_liberty_says(text, python):
    tree = parse_function(text)
    for values in itertools.product((0, 1), repeat=3):
        named = dict(zip("ABC", values, strict=True))
        assert tree.evaluate(named) == eval(python, {}, named)


@pytest.mark.parametrize("text", ["", "A &", "(A", "A)", "!", "A ? B", "A $ B", "'A", "A ! "])
def test_what_is_no_function_is_refused(text):
    with pytest.raises(ValueError, match="BooleanFunction must be a Liberty function, not"):
        parse_function(text)


@pytest.mark.skipif(not SKY130.exists(), reason="../shared/pdk is not beside the project")
def test_all_functions_of_sky130_agree_with_python_and_in_compiled_form():
    cells = read_liberty([SKY130]).cells
    combinational = [
        cell
        for cell in cells.values()
        if cell.flip_flop is None
        and cell.outputs
        and all(pin.function for pin in cell.outputs)
        and {name for pin in cell.outputs for name in parse_function(pin.function).variables}
        <= {pin.name for pin in cell.inputs}  # no latches
    ]
    assert len(combinational) > 250
    most = max(len(cell.inputs) for cell in combinational)
    ports = {f"i{index}": ("input", [f"n{index}"]) for index in range(most)}
    instances = {}
    for number, cell in enumerate(combinational):
        pins = {pin.name: f"n{index}" for index, pin in enumerate(cell.inputs)}
        pins |= {pin.name: f"o{number}_{pin.name}" for pin in cell.outputs}
        instances[f"c{number}"] = (cell.name, pins)
        ports |= {f"o{number}_{p.name}": ("output", [f"o{number}_{p.name}"]) for p in cell.outputs}
    codes = np.arange(1 << most)
    inputs = {f"i{index}": (codes >> index & 1)[None] for index in range(most)}
    simulator = GateSimulator(parse_netlist(flat(ports, instances), cells), len(codes))
    outputs = simulator.run(inputs)
    for number, cell in enumerate(combinational):
        named = {pin.name: inputs[f"i{index}"][0] for index, pin in enumerate(cell.inputs)}
        for pin in cell.outputs:
            # In Python `1^` binds less tightly than `&`: brackets around each inverted operand.
            text = re.sub(r"!(\w+)", r"(1^\1)", pin.function)
            while "!" in text:
                text = _bracket_inverted(text)
            want = eval(text, {}, named) + 0 * codes
            found = lane_bits(outputs[f"o{number}_{pin.name}"], len(codes))[0, 0]
            np.testing.assert_array_equal(found, want, err_msg=f"{cell.name}/{pin.name}")
            some = dict.fromkeys(named, 1)
            assert parse_function(pin.function).evaluate(some) == want[-1]


def _bracket_inverted(text: str) -> str:
    """``!(...)`` as ``(1^(...))``, the first of them."""
    start = text.index("!")
    depth = 0
    for end in range(start + 1, len(text)):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        if depth == 0:
            return f"{text[:start]}(1^{text[start + 1 : end + 1]}){text[end + 1 :]}"
    raise AssertionError(text)
