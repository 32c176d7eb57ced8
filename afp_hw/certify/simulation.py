"""Simulated checks of a processing element: the same for its Verilog and for its netlist."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.certify.check import Check, State
from afp_hw.certify.oracles import Oracle, lane_products, oracles
from afp_hw.certify.stimulus import exhaustive, expected_sums, longest, reductions, single_steps
from afp_hw.design import Design
from afp_hw.rtlsim.pe import PeStimulus
from afp_hw.synth.gatesim import GateSimulator, lane_integers
from afp_hw.synth.netlist import Netlist

Run = Callable[[PeStimulus], tuple[NDArray[np.bool_], NDArray[Any]]]
"""``o_valid`` and ``o_acc`` behind each clock edge."""

_CHUNK = 1 << 16


@dataclass(frozen=True)
class Device:
    """Something that runs a :class:`.PeStimulus`.

    Parameters
    ----------
    key, name
        ``"rtl"`` or ``"netlist"``, and the same as the subject of a sentence.
    engine
        What simulates it, with its version.
    run
        Simulates from power-up on.
    """

    key: str
    name: str
    engine: str
    run: Run


def gate_run(netlist: Netlist) -> Run:
    """A mapped netlist of :class:`.CodePe` as something to run; it has zero delay."""

    def run(stimulus: PeStimulus) -> tuple[NDArray[np.bool_], NDArray[Any]]:
        simulator = GateSimulator(netlist, 1)
        idle = np.zeros(1, np.int64)
        ports = {
            "rst": stimulus.reset,
            "i_valid": stimulus.valid,
            "i_first": stimulus.first,
            "i_last": stimulus.last,
        }
        valid, acc = [], []
        # What is seen ahead of an edge was there behind the one before: one cycle more, one less.
        for start in range(0, len(stimulus) + 1, _CHUNK):
            part = slice(start, start + _CHUNK)
            driven: dict[str, NDArray[Any]] = {
                port: np.append(values, idle)[part] for port, values in ports.items()
            }
            for port, codes in (("i_act", stimulus.act), ("i_wgt", stimulus.wgt)):
                driven[port] = np.pad(codes, ((0, 1), (0, 0)))[part][:, :, None]
            seen = simulator.run(driven)
            valid.append(lane_integers(seen["o_valid"], 1, signed=False)[:, 0])
            acc.append(lane_integers(seen["o_acc"], 1, signed=True)[:, 0])
        return np.concatenate(valid)[1:].astype(bool), np.concatenate(acc)[1:]

    return run


def _difference(
    stimulus: PeStimulus,
    seen: tuple[NDArray[np.bool_], NDArray[Any]],
    expected: list[tuple[int, int]],
    latency: int,
) -> str:
    """The first difference as a sentence; empty where there is none."""
    valid, acc = seen
    wanted = dict(expected)
    for edge in range(len(stimulus)):
        step = edge - latency + 1
        if bool(valid[edge]) != (edge in wanted):
            return f"o_valid behind edge {edge} must be {int(edge in wanted)}, not {valid[edge]:d}"
        if edge in wanted and int(acc[edge]) != wanted[edge]:
            act, wgt = (codes[step].tolist() for codes in (stimulus.act, stimulus.wgt))
            return (
                f"the sum that ends with codes {act} x {wgt} (behind edge {edge}) must be "
                f"{wanted[edge]}, not {int(acc[edge])}"
            )
    return ""


def _checked(
    design: Design, stimulus: PeStimulus, device: Device, tables: tuple[list[int], list[int]]
) -> tuple[int, str]:
    """How many sums came out and the first difference."""
    sums = lane_products(tables, stimulus.act, stimulus.wgt)
    expected = expected_sums(stimulus, sums, design.pe_latency)
    seen = device.run(stimulus)
    return len(expected), _difference(stimulus, seen, expected, design.pe_latency)


def _tables(oracle: Oracle, design: Design) -> tuple[list[int], list[int]]:
    return oracle.table(design.acts), oracle.table(design.weights)


def _pairs_check(
    design: Design, stimulus: PeStimulus, device: Device, oracle: Oracle, seed: int
) -> Check:
    whole = exhaustive(design)
    pairs = "every pair of codes" if whole else "corner and random pairs of codes"
    key = f"{device.key}-pairs-{oracle.key}"
    claim = f"{device.name} multiplies {pairs} in each lane as {oracle.name} says"
    method = "exhaustive simulation" if whole else "simulation of corners and seeded random pairs"
    refusal = oracle.refusal(design.acts) or oracle.refusal(design.weights)
    if refusal:
        return Check(key, claim, "none", device.engine, "not applicable", refusal)
    if oracle.missing:
        return Check(key, claim, "none", device.engine, "skipped", oracle.missing)
    count, wrong = _checked(design, stimulus, device, _tables(oracle, design))
    state: State = "fails" if wrong else "holds"
    figures = (("count", count), ("seed", seed))
    engine = f"{device.engine} against {oracle.name} {oracle.version}"
    return Check(key, claim, method, engine, state, wrong, figures)


def pairs_checks(design: Design, device: Device, seed: int) -> list[Check]:
    """Products of single steps, against each oracle."""
    known = oracles()
    stimulus = single_steps(design, _tables(known[0], design), seed)
    cached = device.run(stimulus)
    replay = Device(device.key, device.name, device.engine, lambda _: cached)
    return [_pairs_check(design, stimulus, replay, oracle, seed) for oracle in known]


def sums_checks(design: Design, device: Device, seed: int) -> list[Check]:
    """Sums of many steps, against the golden model."""
    golden = oracles()[0]
    tables = _tables(golden, design)
    cases = (
        (
            "reductions",
            "adds up random reductions with pauses and resets anywhere, each sum in its cycle",
            "seeded random simulation",
            reductions(design, tables, seed),
        ),
        (
            "longest",
            "does not wrap in the longest reductions of the largest products of either sign",
            "simulation of the two extremes",
            longest(design, tables),
        ),
    )
    checks = []
    for word, claim, method, stimulus in cases:
        count, wrong = _checked(design, stimulus, device, tables)
        figures = (("count", count), ("cycles", len(stimulus)), ("seed", seed))
        checks.append(
            Check(
                f"{device.key}-{word}",
                f"{device.name} {claim}",
                method,
                device.engine,
                "fails" if wrong else "holds",
                wrong,
                figures,
            )
        )
    return checks
