"""Small netlists written by hand, and the few cells they are made of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from afp_hw.synth.cells import Cell, ClockGate, FlipFlop, Pin, Table


def constant(joules: float) -> Table:
    """A figure that depends on nothing."""
    return Table((0.0,), (0.0,), ((joules,),))


def pin(
    name: str, function: str | None = None, *, energy: float | None = None, clock: bool = False
) -> Pin:
    """A pin of 2 fF, or an output with its function."""
    table = None if energy is None else constant(energy)
    return Pin(name, 0.0 if function else 2e-15, function, clock, energy=table)


def gate(name: str, inputs: str, *, flip_flop: FlipFlop | None = None, **outputs: str) -> Cell:
    """A cell of 1 um2 that leaks 1 nW; each toggle of an output costs 3 fJ inside."""
    clocks = flip_flop.clocked_on if flip_flop is not None else ""
    return Cell(
        name,
        1.0,
        1e-9,
        tuple(
            pin(i, clock=i == clocks, energy=5e-15 if i == clocks else None) for i in inputs.split()
        ),
        tuple(pin(o, function, energy=3e-15) for o, function in outputs.items()),
        flip_flop,
        False,
    )


LIBRARY = {
    cell.name: cell
    for cell in (
        gate("inv", "A", Y="!A"),
        gate("nand2", "A B", Y="!(A & B)"),
        gate("nor2", "A B", Y="(A | B)'"),
        gate("xor2", "A B", X="A ^ B"),
        gate("aoi21", "A B C", Y="!(A B + C)"),
        gate("mux2", "A0 A1 S", X="(A0&!S) | (A1&S)"),
        gate("fa", "A B CI", COUT="A B | CI (A + B)", SUM="A ^ B ^ CI"),
        gate("dff", "D CLK", flip_flop=FlipFlop("D", "CLK", "IQ", "IQ_N"), Q="IQ", Q_N="IQ_N"),
        gate(
            "edff", "D DE CLK", flip_flop=FlipFlop("(D DE) + (IQ !DE)", "CLK", "IQ", "IN"), Q="IQ"
        ),
        replace(gate("icg", "CLK GATE", GCLK="CLK"), clock_gate=ClockGate("CLK", "GATE", "GCLK")),
    )
}

Instances = Mapping[str, tuple[str, Mapping[str, str]]]


def module(
    ports: Mapping[str, tuple[str, Sequence[str]]], cells: Instances, *, top: bool = False
) -> dict[str, Any]:
    """One module of Yosys' JSON.

    Parameters
    ----------
    ports
        Direction and nets (by name; ``"0"`` and ``"1"`` are constants) of each port.
    cells
        Kind and net of each pin (several, separated by spaces) of each cell.
    top
        Whether it is marked as the top.
    """
    numbers: dict[str, Any] = {"0": "0", "1": "1"}

    def bits(nets: Sequence[str]) -> list[Any]:
        return [numbers.setdefault(net, len(numbers)) for net in nets]

    return {
        "attributes": {"top": "1"} if top else {},
        "ports": {name: {"direction": d, "bits": bits(nets)} for name, (d, nets) in ports.items()},
        "cells": {
            name: {
                "type": kind,
                "attributes": {},
                "connections": {p: bits(nets.split()) for p, nets in pins.items()},
            }
            for name, (kind, pins) in cells.items()
        },
        "netnames": {
            net: {"hide_name": 0, "bits": [number], "attributes": {}}
            for net, number in numbers.items()
            if net not in "01"
        },
    }


def netlist_json(**modules: Mapping[str, Any]) -> str:
    """The text of a netlist."""
    return json.dumps({"creator": "hand", "modules": modules})


def flat(ports: Mapping[str, tuple[str, Sequence[str]]], cells: Instances) -> str:
    """The text of a netlist of one module, ``top``."""
    return netlist_json(top=module(ports, cells, top=True))


def random_circuit(seed: int, *, gated: bool = False) -> str:
    """Some 60 cells of all kinds, in shuffled order, with feedback through flip-flops only.

    Parameters
    ----------
    seed
        Of the generator.
    gated
        Whether two of the flip-flops are behind a clock gate.
    """
    generator = np.random.default_rng(seed)
    inputs = [f"i{index}" for index in range(5)]
    states = [f"q{index}" for index in range(6)]
    nets, cells = [*inputs, *states, "0", "1"], {}
    kinds = [
        kind for kind, cell in LIBRARY.items() if cell.flip_flop is None and cell.clock_gate is None
    ]
    for index in range(50):
        cell = LIBRARY[kinds[generator.integers(len(kinds))]]
        pins = {pin.name: nets[generator.integers(len(nets))] for pin in cell.inputs}
        pins |= {pin.name: f"n{index}_{pin.name}" for pin in cell.outputs}
        nets += [pins[pin.name] for pin in cell.outputs]
        cells[f"g{index}"] = (cell.name, pins)
    for index, state in enumerate(states):
        data, enable = nets[generator.integers(len(nets))], nets[generator.integers(len(nets))]
        kind, extra = ("edff", {"DE": enable}) if index % 2 else ("dff", {})
        clock = "gclk" if gated and index >= 4 else "clk"
        cells[f"r{index}"] = (kind, {"D": data, "CLK": clock, "Q": state, **extra})
    if gated:
        enable = nets[generator.integers(len(nets))]
        cells["gate"] = ("icg", {"CLK": "clk", "GATE": enable, "GCLK": "gclk"})
    names = generator.permutation(sorted(cells)).tolist()
    ports = {"clk": ("input", ["clk"]), "i": ("input", inputs), "o": ("output", nets[-8:])}
    return flat(ports, {name: cells[name] for name in names})
