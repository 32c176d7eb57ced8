"""Netlists as Yosys writes them: order, hierarchy, blocks, and what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
from circuits import LIBRARY, flat, module, netlist_json, random_circuit

from afp_hw.synth.gatesim import GateSimulator, lane_integers
from afp_hw.synth.netlist import block_of, parse_netlist


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
