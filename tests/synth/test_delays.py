"""Delays of cell outputs: mean over the arcs, at load and transition time, in ticks."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from circuits import LIBRARY, flat

from afp_hw.synth import Cell, Delays, Netlist, Technology, library_delays, parse_netlist
from afp_hw.synth.cells import NOMINAL_SLEW_S, Arc, Table
from afp_hw.synth.delays import DEFAULT_TICKS, delays_s
from afp_hw.synth.timing import FALL, RISE

LOADS = (0.0, 1e-14)
SLEWS = (0.0, 1e-10)


def plane(base: float, by_slew: float, by_load: float) -> Table:
    """``base + by_slew * slew + by_load * load``, load in units of 2 fF, one pin."""
    values = tuple(
        tuple(base + by_slew * slew + by_load * load / 2e-15 for load in LOADS) for slew in SLEWS
    )
    return Table(SLEWS, LOADS, values)


def timed(name: str, *arcs: Arc) -> Cell:
    return replace(LIBRARY[name], arcs=arcs)


def arc(related: str, to: str, kind: str, sense: str, rise: Table, fall: Table) -> Arc:
    return Arc(related, to, kind, sense, rise, fall, plane(2e-11, 0, 1e-11), plane(4e-11, 0, 0))


CELLS = LIBRARY | {
    cell.name: cell
    for cell in (
        timed("inv", arc("A", "Y", "combinational", "negative_unate",
                         plane(1e-11, 1, 1e-12), plane(3e-11, 0, 0))),
        timed("xor2",
              arc("A", "X", "combinational", "non_unate", plane(0, 1, 0), plane(5e-11, 0, 0)),
              arc("B", "X", "combinational", "positive_unate", plane(0, 1, 0), plane(7e-11, 0, 0))),
        timed("dff", arc("CLK", "Q", "rising_edge", "non_unate",
                         plane(1e-10, 5, 1e-11), plane(2e-10, 5, 0))),
    )
}  # fmt: skip


def netlist() -> Netlist:
    cells = {
        "one": ("inv", {"A": "a", "Y": "b"}),
        "two": ("xor2", {"A": "b", "B": "a", "X": "x"}),
        "held": ("dff", {"D": "x", "CLK": "clk", "Q": "q"}),
        "three": ("inv", {"A": "q", "Y": "y"}),
        "four": ("nor2", {"A": "q", "B": "q", "Y": "z"}),
    }
    ports = {
        "clk": ("input", ["clk"]),
        "i": ("input", ["a"]),
        "o": ("output", ["y", "z"]),
    }
    return parse_netlist(flat(ports, cells), CELLS)


def test_delays_are_what_the_hand_computes() -> None:
    mapped = netlist()
    net = {name: index for index, name in enumerate(mapped.net_names)}
    found = delays_s(mapped, CELLS["dff"])
    # The input's load is two pins; the clock's transition takes no time.
    want = {
        "a": (1.2e-10, 2e-10),
        # Rises after a fall of `a`, whose transition takes the nominal time; one pin behind it.
        "b": (1e-11 + NOMINAL_SLEW_S + 1e-12, 3e-11),
        # Rises after b's rise (20 + 10 ps), b's fall (40 ps) and a's rise: the mean of all three.
        "x": ((3e-11 + 4e-11 + NOMINAL_SLEW_S) / 3, (5e-11 + 5e-11 + 7e-11) / 3),
        "q": (1e-10 + 3 * 1e-11, 2e-10),
        "y": (1e-11 + 4e-11, 3e-11),
        "z": (0.0, 0.0),  # no arcs
    }
    for name, (rise, fall) in want.items():
        assert found[RISE, net[name]] == pytest.approx(rise), name
        assert found[FALL, net[name]] == pytest.approx(fall), name
    assert not delays_s(mapped, None)[:, net["a"]].any()


def test_ticks_are_rounded_and_at_least_one() -> None:
    mapped = netlist()
    exact = delays_s(mapped, CELLS["dff"])
    for tick_s in (1e-12, 7e-12, 3e-10):
        delays = library_delays(mapped, CELLS["dff"], tick_s=tick_s)
        assert delays.tick_s == tick_s
        for side, seconds in ((delays.rise, exact[RISE]), (delays.fall, exact[FALL])):
            assert (side >= 1).all()
            long = seconds > tick_s
            assert (np.abs(side - seconds / tick_s)[long] <= 0.5).all()
            assert (side[~long] == 1).all()


def test_default_tick_is_a_share_of_the_mean_delay() -> None:
    mapped = netlist()
    exact = delays_s(mapped, CELLS["dff"])
    delays = library_delays(mapped, CELLS["dff"])
    assert delays.tick_s == pytest.approx(exact[exact > 0].mean() / DEFAULT_TICKS)
    without_arcs = parse_netlist(flat({"i": ("input", ["a"])}, {}), LIBRARY)
    assert library_delays(without_arcs, None).rise.tolist() == [1, 1, 1]


def test_every_output_of_the_embedded_technology_has_both_delays() -> None:
    technology = Technology.sky130()
    for cell in technology.usable:
        if cell.arcs:
            pins = {pin.name: f"i_{pin.name}" for pin in cell.inputs}
            pins |= {pin.name: f"o_{pin.name}" for pin in cell.outputs}
            ports = {f"i_{pin.name}": ("input", [f"i_{pin.name}"]) for pin in cell.inputs}
            ports |= {f"o_{pin.name}": ("output", [f"o_{pin.name}"]) for pin in cell.outputs}
            mapped = parse_netlist(flat(ports, {"only": (cell.name, pins)}), technology.cells)
            found = delays_s(mapped, None)
            for pin in cell.outputs:
                net = mapped.net_names.index(f"o_{pin.name}")
                assert (found[:, net] > 5e-12).all(), cell.name


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: Delays(1e-12, np.array([1, 0]), np.array([1, 1])),
            "Delays.rise and Delays.fall must be at least 1, not 0",
        ),
        (
            lambda: Delays(1e-12, np.array([1, 1]), np.array([1])),
            "Delays.fall must be of 2 nets, not 1",
        ),
        (
            lambda: library_delays(netlist(), None, tick_s=0.0),
            "Delays.tick_s must be positive, not 0.0",
        ),
    ],
)
def test_what_is_no_delay_is_refused(make, sentence) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        make()
