"""The bit-parallel simulator: toggle counts, stimuli, wide fields."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
from circuits import LIBRARY, flat, gate, random_circuit

from afp_hw.synth.boolean import parse_function
from afp_hw.synth.gatesim import GateSimulator, lane_bits, lane_integers
from afp_hw.synth.netlist import Netlist, parse_netlist


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
