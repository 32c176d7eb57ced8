"""Energy of one piece of hardware on given operands: a checked run, then joules."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from afp_hw.design import Design
from afp_hw.synth.activity import Activity, run_pe
from afp_hw.synth.array_activity import DEFAULT_CYCLES, run_cell
from afp_hw.synth.delays import Delays, library_delays
from afp_hw.synth.energy import (
    INERTIAL_DELAY,
    EnergyReport,
    block_energies,
    leakage_w,
)
from afp_hw.synth.float_stimulus import FloatOperands
from afp_hw.synth.gatesim import GateSimulator
from afp_hw.synth.netlist import Netlist
from afp_hw.synth.requantizer_activity import run_requantizer
from afp_hw.synth.simulator import Simulator, SimulatorOf
from afp_hw.synth.stimulus import Operands, PeStimulus
from afp_hw.synth.technology import Technology
from afp_hw.synth.timedsim import TimedSimulator

KINDS = ("pe", "array", "requantizer")


def simulated_module(kind: str, design: Design) -> str:
    """Name of the module that :func:`measure_energy` runs: of an array, one of its cells."""
    if kind not in KINDS:
        raise ValueError(f"simulated_module.kind must be one of {', '.join(KINDS)}, not {kind!r}")
    if kind == "requantizer":
        return design.requantizer_name
    return design.pe_name if kind == "pe" else design.module_name("cell")


@lru_cache(maxsize=64)
def _delays(technology: Technology, netlist: Netlist) -> Delays:
    return library_delays(netlist, technology.flip_flop)


def timed(
    technology: Technology, netlist: Netlist, lanes: int, *, brief: bool = False
) -> Simulator:
    """The simulator with delays; inputs come from the technology's smallest flip-flop.

    `brief` as of :class:`.TimedSimulator`.
    """
    return TimedSimulator(netlist, lanes, _delays(technology, netlist), brief=brief)


def _activity(
    kind: str,
    netlist: Netlist,
    operands: Operands | FloatOperands,
    latency_cycles: int,
    simulator_of: SimulatorOf,
    cycles: int = DEFAULT_CYCLES,
) -> Activity:
    if kind == "pe":
        return run_pe(netlist, PeStimulus(operands), simulator_of=simulator_of)
    if isinstance(operands, FloatOperands):
        raise ValueError(f"measure_energy.kind must be 'pe' for floating point, not {kind!r}")
    if kind == "requantizer":
        return run_requantizer(netlist, operands, latency=latency_cycles, simulator_of=simulator_of)
    return run_cell(netlist, operands, simulator_of=simulator_of, cycles=cycles)


def measure_energy(
    kind: str,
    netlist: Netlist,
    operands: Operands | FloatOperands,
    *,
    technology: Technology,
    clock_s: float,
    latency_cycles: int,
) -> EnergyReport:
    """Run `netlist` on `operands`, check every result against golden, and report the energy.

    Parameters
    ----------
    kind
        ``"pe"``, ``"array"`` (the netlist of its cell; lanes are its rows x cols places) or
        ``"requantizer"``.
    netlist
        Mapped netlist of :func:`simulated_module`.
    operands
        Of the design.
    technology
        Whose cells the netlist is made of.
    clock_s
        Clock period for leakage, second.
    latency_cycles
        From the manifest; only a requantizer's is looked at.

    Raises
    ------
    MismatchError
        The netlist does not compute what golden does.
    ValueError
        Operands of a floating-point design, and `kind` is not ``"pe"``.
    """
    activity = _activity(kind, netlist, operands, latency_cycles, GateSimulator)
    return _report(kind, netlist, operands, technology, clock_s, activity, activity.toggles)


def measure_energies(
    kind: str,
    netlist: Netlist,
    operands: Operands | FloatOperands,
    *,
    technology: Technology,
    clock_s: float,
    latency_cycles: int,
    cycles: int = DEFAULT_CYCLES,
) -> tuple[EnergyReport, EnergyReport]:
    """The same without and with glitches, from one run of :class:`.TimedSimulator`.

    It takes some 20 times as long as a run without delays; that of an ``"array"`` is over so many
    `cycles`, about. Other arguments and errors as :func:`measure_energy`.
    """
    simulator_of = partial(timed, technology)
    activity = _activity(kind, netlist, operands, latency_cycles, simulator_of, cycles)
    settled, glitching = (
        _report(kind, netlist, operands, technology, clock_s, activity, toggles)
        for toggles in (activity.settled, activity.toggles)
    )
    return settled, replace(glitching, delay_model=INERTIAL_DELAY)


def _report(
    kind: str,
    netlist: Netlist,
    operands: Operands | FloatOperands,
    technology: Technology,
    clock_s: float,
    activity: Activity,
    toggles: NDArray[np.int64],
) -> EnergyReport:
    return EnergyReport(
        top=netlist.top,
        technology=technology.name,
        operands=operands.name,
        operations="result" if kind == "requantizer" else "MAC",
        count=activity.operations,
        cycles=activity.cycles,
        checked=activity.checked,
        clock_s=clock_s,
        blocks=block_energies(netlist, toggles, activity.cycles, voltage_v=technology.voltage_v),
        leakage_w=leakage_w(netlist),
    )
