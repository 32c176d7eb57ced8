"""The bit-parallel simulator: functions, order, hierarchy, toggle counts."""

from __future__ import annotations

import itertools
import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from circuits import LIBRARY, flat, gate, module, netlist_json, random_circuit

from afp_hw.synth.boolean import parse_function
from afp_hw.synth.gatesim import GateSimulator, lane_bits, lane_integers
from afp_hw.synth.liberty import read_liberty
from afp_hw.synth.netlist import Netlist, block_of, parse_netlist

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


def _counter(width: int) -> Netlist:
    """A ripple of half adders that adds `i_up` in each cycle."""
    cells = {}
    carry = "up"
    for bit in range(width):
        cells[f"add{bit}"] = ("fa", {"A": f"q{bit}", "B": carry, "CI": "0", "SUM": f"d{bit}",
                                     "COUT": f"c{bit}"})  # fmt: skip
        cells[f"reg{bit}"] = ("dff", {"D": f"d{bit}", "CLK": "clk", "Q": f"q{bit}"})
        carry = f"c{bit}"
    ports = {
        "clk": ("input", ["clk"]),
        "i_up": ("input", ["up"]),
        "o_count": ("output", [f"q{bit}" for bit in range(width)]),
    }
    return parse_netlist(flat(ports, cells), LIBRARY)


def test_counter_toggles_as_counted_by_hand():
    netlist = _counter(5)
    simulator = GateSimulator(netlist, 3)
    simulator.run({"i_up": np.array([1, 0])})  # settled: the count is 1, nothing moves
    simulator.clear()
    out = simulator.run({"i_up": np.ones(32, dtype=np.uint8)})
    np.testing.assert_array_equal(
        lane_integers(out["o_count"], 3, signed=False),
        (1 + np.arange(32))[:, None] % 32 + [0, 0, 0],
    )
    count = dict(zip(netlist.net_names, simulator.toggles.tolist(), strict=True))
    # From 1 over 31 and 0 to 0: bit 0 changes 31 times, and bit b every 2**b-th cycle.
    assert [count[f"q{bit}"] for bit in range(5)] == [3 * n for n in (31, 16, 8, 4, 2)]
    assert count["up"] == 3
    assert count["clk"] == 0


def test_enable_and_inverted_output_of_a_flip_flop():
    ports = {
        "clk": ("input", ["clk"]), "i": ("input", ["d"]), "i_enable": ("input", ["e"]),
        "o": ("output", ["q", "p", "n"]),
    }  # fmt: skip
    cells = {
        "held": ("edff", {"D": "d", "DE": "e", "CLK": "clk", "Q": "q"}),
        "plain": ("dff", {"D": "q", "CLK": "clk", "Q": "p", "Q_N": "n"}),
    }
    simulator = GateSimulator(parse_netlist(flat(ports, cells), LIBRARY), 1)
    out = simulator.run({"i": np.array([1, 0, 1, 0, 0]), "i_enable": np.array([0, 0, 1, 0, 1])})
    bits = lane_bits(out["o"], 1)[:, :, 0].T.tolist()
    assert bits == [[0, 0, 0, 1, 1], [0, 0, 0, 0, 1], [1, 1, 1, 1, 0]]


def _pull(text: str, stream: list[int]) -> dict[str, int]:
    """Toggles of each net for one lane: values are asked for recursively, from the JSON alone."""
    top = json.loads(text)["modules"]["top"]
    driver = {}
    for cell in top["cells"].values():
        for pin in LIBRARY[cell["type"]].outputs:
            if pin.name in cell["connections"]:
                driver[cell["connections"][pin.name][0]] = (cell, pin)
    input_bits = top["ports"]["i"]["bits"]
    state: dict[int, int] = {}
    before: dict[str, int] = {}
    toggles: dict[str, int] = {}
    for word in stream:

        @cache
        def value(bit, word=word, state=dict(state)):  # noqa: B006
            if bit in ("0", "1"):
                return int(bit)
            if bit in input_bits:
                return word >> input_bits.index(bit) & 1
            if bit not in driver:
                return 0
            cell, pin = driver[bit]
            if LIBRARY[cell["type"]].flip_flop is not None:
                return state.get(bit, 0)
            named = {name: value(bits[0]) for name, bits in cell["connections"].items()
                     if name in {p.name for p in LIBRARY[cell["type"]].inputs}}  # fmt: skip
            return parse_function(pin.function).evaluate(named)

        now = {name: value(entry["bits"][0]) for name, entry in top["netnames"].items()}
        for name, bit in now.items():
            toggles[name] = toggles.get(name, 0) + (bit != before.get(name, bit))
        before = now
        for bit, (cell, _) in driver.items():
            if LIBRARY[cell["type"]].flip_flop is not None:
                pins = {name: bits[0] for name, bits in cell["connections"].items()}
                if "DE" not in pins or value(pins["DE"]):
                    state[bit] = value(pins["D"])
    return toggles


@pytest.mark.parametrize("lanes", [1, 3, 65, 300])
def test_toggles_equal_those_of_a_recursive_evaluation(lanes):
    text = random_circuit(lanes)
    netlist = parse_netlist(text, LIBRARY)
    streams = np.random.default_rng(7).integers(0, 32, size=(12, lanes))
    simulator = GateSimulator(netlist, lanes)
    simulator.run({"i": streams[:1]})
    simulator.clear()
    # The first cycle is not counted, but flip-flops moved on: continue with the second.
    simulator.run({"i": streams[1:6]})
    simulator.run({"i": streams[6:]})
    want: dict[str, int] = {}
    for lane in range(lanes):
        for name, count in _pull(text, streams[:, lane].tolist()).items():
            want[name] = want.get(name, 0) + count
    found = dict(zip(netlist.net_names, simulator.toggles.tolist(), strict=True))
    assert sum(want.values()) > 20 * lanes
    assert {name: found[name] for name in want} == want


def test_cells_come_after_those_that_drive_them():
    netlist = parse_netlist(random_circuit(1), LIBRARY)
    driven = {
        instance.nets[pin.name]: int(level)
        for instance, level in zip(netlist.combinational, netlist.level, strict=True)
        for pin in instance.cell.outputs
    }
    known: set[int] = set()
    for instance, level in zip(netlist.combinational, netlist.level, strict=True):
        sources = {instance.nets[pin.name] for pin in instance.cell.inputs} & set(driven)
        assert sources <= known
        assert level == max((driven[net] + 1 for net in sources), default=0)
        known |= {instance.nets[pin.name] for pin in instance.cell.outputs}


def test_hierarchy_is_entered_and_blocks_are_known():
    child = module(
        {"a": ("input", ["a", "b"]), "y": ("output", ["y", "b", "1"]), "unused": ("output", ["u"])},
        {"invert": ("inv", {"A": "a", "Y": "y"})},
    )
    top = module(
        {"i": ("input", ["p", "q"]), "o": ("output", ["r", "s", "t"])},
        {
            "multiplier_0": ("child", {"a": "p q", "y": "m n k"}),
            "shifter_0": ("child", {"a": "m n", "y": "r s t"}),
        },
        top=True,
    )
    netlist = parse_netlist(netlist_json(child=child, top=top), LIBRARY)
    assert [(c.name, c.block) for c in netlist.cells] == [
        ("multiplier_0.invert", "multiplier"), ("shifter_0.invert", "shifter"),
    ]  # fmt: skip
    codes = np.arange(4)
    out = GateSimulator(netlist, 4).run({"i": codes[None]})
    np.testing.assert_array_equal(lane_integers(out["o"], 4, signed=False)[0], codes | 4)


@pytest.mark.parametrize(
    ("path", "block"),
    [
        ("pe.accumulator.$abc$1", "accumulator"),
        ("cell_0_0.pe.lane_sum.x", "adder tree"),
        ("act_decoder_0.x", "decode"),
        ("pe.exponent_adder_3.y", "exponent adder"),
        ("pe.multiplier_0.shifter_0.z", "shifter"),
        ("act_skew.$1", "edge"),
        ("init_queue_3.fifo.$2", "edge"),
        ("pe.$auto$ff", "other"),
    ],
)
def test_block_is_that_of_the_innermost_known_instance(path, block):
    assert block_of(path) == block


def _one(kind: str, **pins: str) -> str:
    ports = {"clk": ("input", ["clk"]), "i": ("input", ["a"]), "o": ("output", ["y"])}
    return flat(ports, {"only": (kind, pins)})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "netlist must be a netlist in Yosys' JSON, not '{'"),
        (
            _one("inv", A="y", Y="y"),
            "Netlist.cells must have no combinational loop, not one at 'only'",
        ),
        (_one("other", A="a"), "Netlist.cells must be of the library, not 'other' (only)"),
        (
            flat(
                {"i": ("input", ["a"]), "o": ("output", ["y"])},
                {
                    "x": ("inv", {"A": "a", "Y": "n"}),
                    "r": ("dff", {"D": "a", "CLK": "n", "Q": "y"}),
                },
            ),
            "Netlist.clock must be an input, not the gated clock 'n'",
        ),
        (
            flat(
                {"i": ("input", ["a", "b"]), "o": ("output", ["y", "z"])},
                {n: ("dff", {"D": "a", "CLK": c, "Q": q}) for n, c, q in ("ray", "sbz")},
            ),
            "Netlist.clock must be one net, rising, not 2 of them",
        ),
    ],
)
def test_what_cannot_be_simulated_is_refused(text, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        parse_netlist(text, LIBRARY)


def test_a_latch_is_refused():
    cells = LIBRARY | {"latch": gate("latch", "D G", Q="IQ")}
    ports = {"i": ("input", ["a"]), "o": ("output", ["y"])}
    text = flat(ports, {"x": ("latch", {"D": "a", "G": "a", "Q": "y"})})
    with pytest.raises(
        ValueError, match=r"Cell.function must be of its pins, not of 'IQ' \(latch\)"
    ):
        GateSimulator(parse_netlist(text, cells), 1)


def test_stimuli_of_another_shape_are_refused():
    simulator = GateSimulator(_counter(2), 4)
    with pytest.raises(ValueError, match=r"must be given \['i_up'\], not \['i_down'\]"):
        simulator.run({"i_down": np.ones(3)})
    with pytest.raises(ValueError, match=r"must be given i_up of shape .* not \(3, 5\)"):
        simulator.run({"i_up": np.ones((3, 5), dtype=np.uint8)})
    with pytest.raises(ValueError, match=r"GateSimulator.lanes must be in 1..2\*\*24, not 0"):
        GateSimulator(_counter(2), 0)


def test_packed_fields_and_wide_codes_reach_their_bits():
    width = 33
    nets = [f"n{bit}" for bit in range(2 * width)]
    netlist = parse_netlist(flat({"i": ("input", nets), "o": ("output", nets)}, {}), LIBRARY)
    codes = np.random.default_rng(3).integers(0, 1 << width, size=(5, 2, 70))
    out = GateSimulator(netlist, 70).run({"i": codes})["o"]
    np.testing.assert_array_equal(lane_integers(out[:, :width], 70, signed=False), codes[:, 0])
    wide = lane_integers(out, 70, signed=True)
    want = codes[:, 0].astype(object) + (codes[:, 1].astype(object) << width)
    assert wide.dtype == object
    assert (wide == np.where(want >> 65 == 1, want - (1 << 66), want)).all()
