"""Energy of one piece of hardware on given operands: a checked run, then joules."""

from __future__ import annotations

from functools import partial

from afp_hw.design import Design
from afp_hw.synth.activity import run_pe
from afp_hw.synth.array_activity import run_cell
from afp_hw.synth.delays import library_delays
from afp_hw.synth.energy import (
    INERTIAL_DELAY,
    ZERO_DELAY,
    EnergyReport,
    block_energies,
    leakage_w,
)
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
    names = {
        "pe": design.pe_name,
        "array": design.module_name("cell"),
        "requantizer": design.requantizer_name,
    }
    return names[kind]


def _timed(technology: Technology, netlist: Netlist, lanes: int) -> Simulator:
    """The simulator with delays; inputs come from the technology's smallest flip-flop."""
    return TimedSimulator(netlist, lanes, library_delays(netlist, technology.flip_flop))


def measure_energy(
    kind: str,
    netlist: Netlist,
    operands: Operands,
    *,
    technology: Technology,
    clock_s: float,
    latency_cycles: int,
    glitches: bool = False,
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
    glitches
        Whether to simulate with the library's delays (:class:`.TimedSimulator`), which takes some
        20 times as long, so that glitches cost energy; else every net settles at once.

    Raises
    ------
    MismatchError
        The netlist does not compute what golden does.
    """
    simulator_of: SimulatorOf = partial(_timed, technology) if glitches else GateSimulator
    if kind == "requantizer":
        activity = run_requantizer(
            netlist, operands, latency=latency_cycles, simulator_of=simulator_of
        )
    elif kind == "array":
        activity = run_cell(netlist, operands, simulator_of=simulator_of)
    else:
        activity = run_pe(netlist, PeStimulus(operands), simulator_of=simulator_of)
    return EnergyReport(
        top=netlist.top,
        technology=technology.name,
        operands=operands.name,
        operations="result" if kind == "requantizer" else "MAC",
        count=activity.operations,
        cycles=activity.cycles,
        checked=activity.checked,
        clock_s=clock_s,
        blocks=block_energies(
            netlist, activity.toggles, activity.cycles, voltage_v=technology.voltage_v
        ),
        leakage_w=leakage_w(netlist),
        delay_model=INERTIAL_DELAY if glitches else ZERO_DELAY,
    )
