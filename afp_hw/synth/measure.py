"""Energy of one piece of hardware on given operands: a checked run, then joules."""

from __future__ import annotations

from afp_hw.design import Design
from afp_hw.synth.activity import run_pe
from afp_hw.synth.array_activity import run_cell
from afp_hw.synth.energy import EnergyReport, block_energies, leakage_w
from afp_hw.synth.netlist import Netlist
from afp_hw.synth.requantizer_activity import run_requantizer
from afp_hw.synth.stimulus import Operands, PeStimulus
from afp_hw.synth.technology import Technology

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


def measure_energy(
    kind: str,
    netlist: Netlist,
    operands: Operands,
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
    """
    if kind == "requantizer":
        activity = run_requantizer(netlist, operands, latency=latency_cycles)
    elif kind == "array":
        activity = run_cell(netlist, operands)
    else:
        activity = run_pe(netlist, PeStimulus(operands))
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
    )
