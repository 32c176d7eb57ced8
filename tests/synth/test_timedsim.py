"""The simulator with delays: against its definition, and against the one without delays."""

from __future__ import annotations

import re

import numpy as np
import pytest
from circuits import LIBRARY, flat, gate, random_circuit
from timed_definition import TimedDefinition

from afp_hw.synth import Delays, GateSimulator, Netlist, TimedSimulator, lane_bits, parse_netlist

CYCLES = 8


def random_delays(netlist: Netlist, longest: int, seed: int = 0) -> Delays:
    shape = (2, len(netlist.net_names))
    rise, fall = np.random.default_rng(seed).integers(1, longest + 1, size=shape)
    return Delays(1e-12, rise, fall)


@pytest.mark.parametrize(
    ("seed", "gated", "longest", "lanes"),
    [
        (0, False, 1, 3),
        (1, True, 3, 5),
        (2, False, 9, 4),
        (3, True, 9, 70),
        (4, True, 9, 600),
        (5, False, 90, 2),
        (6, True, 300, 1),
    ],
)
def test_toggles_equal_those_of_the_definition(seed, gated, longest, lanes):
    netlist = parse_netlist(random_circuit(seed, gated=gated), LIBRARY)
    delays = random_delays(netlist, longest, seed)
    distinct = min(lanes, 4)
    words = np.random.default_rng(7).integers(0, 32, size=(CYCLES, distinct))
    simulator = TimedSimulator(netlist, lanes, delays)
    stimulus = words[:, np.arange(lanes) % distinct]
    simulator.run({"i": stimulus[:3]})
    settled = simulator.toggles
    simulator.clear()
    simulator.run({"i": stimulus[3:]})
    found = np.stack([settled, simulator.toggles])
    want = np.zeros_like(found)
    for index in range(distinct):
        definition = TimedDefinition(netlist, delays)
        for cycle, word in enumerate(words[:, index].tolist()):
            before = definition.toggles.copy()
            definition.cycle(word)
            copies = len(range(index, lanes, distinct))
            want[int(cycle >= 3)] += copies * (definition.toggles - before)
    assert want[1].sum() > 20 * lanes
    np.testing.assert_array_equal(found, want)


@pytest.mark.parametrize("seed", range(3))
def test_values_settle_to_those_without_delays_and_glitches_come_in_pairs(seed):
    lanes = 200
    netlist = parse_netlist(random_circuit(seed, gated=True), LIBRARY)
    plain = GateSimulator(netlist, lanes)
    timed = TimedSimulator(netlist, lanes, random_delays(netlist, 12, seed))
    glitches = 0
    for words in np.random.default_rng(seed).integers(0, 32, size=(30, 1, lanes)):
        want, found = plain.run({"i": words}), timed.run({"i": words})
        np.testing.assert_array_equal(found["o"], want["o"])
        more = timed.toggles - plain.toggles
        assert (more >= 0).all()
        assert (more % 2 == 0).all()
        gated = sorted(netlist.clocks)
        np.testing.assert_array_equal(timed.toggles[gated], plain.toggles[gated])
        glitches += more.sum()
        plain.clear()
        timed.clear()
    assert glitches > 1000


def _pulse(width: int, rise: int, fall: int, slow: int) -> tuple[int, int]:
    """Toggles that one change of an input makes behind an XOR of it and of itself, later.

    The XOR has the delays `rise` and `fall`, an inverter behind it `slow` for both.
    """
    cells = {
        "late": ("inv", {"A": "a", "Y": "b"}),
        "later": ("inv", {"A": "b", "Y": "c"}),
        "pulse": ("xor2", {"A": "a", "B": "c", "X": "x"}),
        "behind": ("inv", {"A": "x", "Y": "y"}),
    }
    netlist = parse_netlist(flat({"i": ("input", ["a"]), "o": ("output", ["y"])}, cells), LIBRARY)
    net = {name: index for index, name in enumerate(netlist.net_names)}
    delays = Delays(1e-12, *np.ones((2, len(net)), dtype=np.int64))
    for side in (delays.rise, delays.fall):
        side[net["b"]] = width - 1
        side[net["y"]] = slow
    delays.rise[net["x"]], delays.fall[net["x"]] = rise, fall
    simulator = TimedSimulator(netlist, 1, delays)
    simulator.run({"i": np.array([0])})
    simulator.clear()
    simulator.run({"i": np.array([1])})
    return int(simulator.toggles[net["x"]]), int(simulator.toggles[net["y"]])


@pytest.mark.parametrize(
    ("width", "rise", "fall", "slow", "toggles"),
    [
        (5, 5, 2, 1, (2, 2)),  # as wide as the delay: it passes, 5 + 2 - 5 = 2 wide
        (5, 6, 2, 1, (0, 0)),  # narrower: swallowed
        (5, 5, 2, 2, (2, 2)),
        (5, 5, 2, 3, (2, 0)),
        (5, 3, 4, 6, (2, 2)),  # a slow fall widens it to 6
        (5, 3, 4, 7, (2, 0)),
        (2, 1, 9, 10, (2, 2)),
        (2, 1, 9, 11, (2, 0)),
    ],
)
def test_a_pulse_as_wide_as_the_delay_passes(width, rise, fall, slow, toggles):
    assert _pulse(width, rise, fall, slow) == toggles


def test_two_swallowed_pulses_are_not_one_that_passes():
    # The XOR of four taps of a chain is 1 for two ticks, 0 for one, 1 for two: never for three.
    chain = {f"d{index}": ("xor2", {"A": f"t{index}", "B": "0", "X": f"t{index + 1}"})
             for index in range(5)}  # fmt: skip
    taps = {
        "left": ("xor2", {"A": "t0", "B": "t2", "X": "u"}),
        "right": ("xor2", {"A": "t3", "B": "t5", "X": "v"}),
        "both": ("xor2", {"A": "u", "B": "v", "X": "x"}),
    }
    ports = {"i": ("input", ["t0"]), "o": ("output", ["x"])}
    netlist = parse_netlist(flat(ports, chain | taps), LIBRARY)
    found = []
    for slow in (2, 3):
        delays = Delays(1e-12, *np.ones((2, len(netlist.net_names)), dtype=np.int64))
        net = netlist.net_names.index("x")
        delays.rise[net] = slow
        simulator = TimedSimulator(netlist, 2, delays)
        simulator.run({"i": np.array([0])})
        simulator.clear()
        simulator.run({"i": np.array([[1, 0]])})
        found.append(int(simulator.toggles[net]))
    assert found == [4, 0]


def test_an_open_clock_gate_pulses_in_the_lanes_in_use_alone():
    cells = {
        "gate": ("icg", {"CLK": "clk", "GATE": "1", "GCLK": "gclk"}),
        "held": ("dff", {"D": "a", "CLK": "gclk", "Q": "q"}),
    }
    ports = {"clk": ("input", ["clk"]), "i": ("input", ["a"]), "o": ("output", ["q"])}
    netlist = parse_netlist(flat(ports, cells), LIBRARY)
    simulator = TimedSimulator(netlist, 3, random_delays(netlist, 5))
    out = simulator.run({"i": np.array([1, 0, 1, 1])})
    np.testing.assert_array_equal(lane_bits(out["o"], 1)[:, 0, 0], [0, 1, 0, 1])
    assert simulator.toggles[netlist.net_names.index("gclk")] == 2 * 3 * 4


def test_cells_that_drive_constants_settle_once():
    cells = LIBRARY | {"tie": gate("tie", "", HI="1", LO="0")}
    ports = {"i": ("input", ["a"]), "o": ("output", ["h", "l", "a"])}
    text = flat(ports, {"t": ("tie", {"HI": "h", "LO": "l"})})
    netlist = parse_netlist(text, cells)
    simulator = TimedSimulator(netlist, 3, random_delays(netlist, 5))
    out = simulator.run({"i": np.array([1, 0, 1])})
    bits = lane_bits(out["o"], 3)
    np.testing.assert_array_equal(bits[:, :, 0], [[1, 0, 1], [1, 0, 0], [1, 0, 1]])
    count = dict(zip(netlist.net_names, simulator.toggles.tolist(), strict=True))
    assert (count["h"], count["l"], count["a"]) == (3, 0, 9)


def test_what_is_of_another_shape_is_refused():
    netlist = parse_netlist(random_circuit(0), LIBRARY)
    nets = len(netlist.net_names)
    delays = random_delays(netlist, 3)
    simulator = TimedSimulator(netlist, 4, delays)
    with pytest.raises(ValueError, match=r"TimedSimulator.run must be given \['i'\], not \['j'\]"):
        simulator.run({"j": np.ones(3)})
    with pytest.raises(ValueError, match=r"TimedSimulator.lanes must be in 1..2\*\*24, not 0"):
        TimedSimulator(netlist, 0, delays)
    sentence = f"TimedSimulator.delays must be of {nets} nets, not {nets - 1}"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        TimedSimulator(netlist, 1, Delays(1e-12, delays.rise[1:], delays.fall[1:]))


@pytest.mark.parametrize(("seed", "gated", "lanes"), [(0, False, 1), (1, True, 70), (2, True, 600)])
def test_toggles_of_a_lane_are_those_of_the_lane_alone(seed, gated, lanes):
    netlist = parse_netlist(random_circuit(seed, gated=gated), LIBRARY)
    delays = random_delays(netlist, 9, seed)
    words = np.random.default_rng(seed).integers(0, 32, size=(CYCLES, lanes))
    simulator = TimedSimulator(netlist, lanes, delays, count_lanes=True)
    simulator.run({"i": words[:3]})
    simulator.clear()
    simulator.run({"i": words[3:]})
    found = simulator.lane_toggles
    assert found.shape == (CYCLES - 3, lanes)
    data = np.ones(len(netlist.net_names), dtype=bool)
    data[sorted(netlist.clocks)] = False
    assert found.sum() == simulator.toggles[data].sum() > 5 * lanes
    for lane in {0, lanes // 2, lanes - 1}:
        alone = TimedSimulator(netlist, 1, delays)
        alone.run({"i": words[:3, lane : lane + 1]})
        for cycle in range(3, CYCLES):
            alone.clear()
            alone.run({"i": words[cycle : cycle + 1, lane : lane + 1]})
            assert found[cycle - 3, lane] == alone.toggles[data].sum()


def test_lanes_are_counted_apart_only_when_asked():
    netlist = parse_netlist(random_circuit(0), LIBRARY)
    simulator = TimedSimulator(netlist, 2, random_delays(netlist, 3))
    simulator.run({"i": np.zeros(2, dtype=np.uint8)})
    with pytest.raises(ValueError, match=r"^TimedSimulator\.count_lanes must be True"):
        _ = simulator.lane_toggles
