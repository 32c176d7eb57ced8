"""What ``afp-hw simulate`` prints of the layers that it ran."""

from __future__ import annotations

from typing import Any

import click

from afp_hw.design import Design
from afp_hw.rtlsim import LayerRun


def layer_document(run: LayerRun, clock_mhz: float) -> dict[str, Any]:
    """What ``--json`` prints of a layer."""
    schedule, traffic = run.schedule, run.traffic
    return {
        "name": run.name,
        "weights": str(run.wgt_fmt),
        "acts": str(run.act_fmt),
        "m": schedule.m,
        "k": schedule.k,
        "n": schedule.n,
        "tiles": schedule.tiles,
        "spacing_cycles": schedule.spacing,
        "stall_cycles": schedule.stall_cycles,
        "cycles": schedule.cycles if run.cycles is None else run.cycles,
        "schedule_cycles": schedule.cycles,
        "utilisation": schedule.utilisation,
        "macs": schedule.macs,
        "time_s": schedule.seconds(clock_mhz * 1e6),
        "traffic_bits": {
            "weights": traffic.weight_bits,
            "acts": traffic.act_bits,
            "init": traffic.init_bits,
            "outputs": traffic.output_bits,
            "total": traffic.total_bits,
        },
        "weight_reuse": traffic.weight_reuse,
        "act_reuse": traffic.act_reuse,
        "sums_equal": run.sums,
        "codes_equal": run.codes,
        "cycles_equal": 0 if run.cycles is None else run.sums,
        "cpu_s": run.cpu_seconds,
    }


def _bits(bits: int) -> str:
    size, unit = float(bits), "bit"
    for larger in ("kbit", "Mbit", "Gbit"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.4g} {unit}"


def print_layer(run: LayerRun, design: Design, clock_mhz: float) -> None:
    """A layer as lines of text on stdout."""
    schedule, traffic = run.schedule, run.traffic
    click.secho(f"{run.name}", bold=True, nl=False)
    click.echo(f"  weights {run.wgt_fmt}, activations {run.act_fmt}")
    padded = f", {schedule.stall_cycles:,} of them between tiles" if schedule.stall_cycles else ""
    tiles = f"{schedule.tiles:,} tile{'s' if schedule.tiles > 1 else ''}"
    lines = {
        "product": f"[{schedule.m}, {schedule.k}] x [{schedule.k}, {schedule.n}], "
        f"{tiles} of {design.rows} x {design.cols}, {schedule.macs:,} MACs",
        "cycles": f"{schedule.cycles:,}{padded}; utilisation {schedule.utilisation:.2%}",
        "time": f"{schedule.seconds(clock_mhz * 1e6) * 1e3:.4g} ms at {clock_mhz:g} MHz",
        "traffic": f"weights {_bits(traffic.weight_bits)} (each used "
        f"{traffic.weight_reuse:.3g} times), activations {_bits(traffic.act_bits)} "
        f"({traffic.act_reuse:.3g} times),",
        "": f"initial values {_bits(traffic.init_bits)}, outputs "
        f"{_bits(traffic.output_bits)}; sums stay in the array",
        "equal": f"{run.sums:,} sums{f' and {run.codes:,} codes' if run.codes else ''} to golden"
        + (
            ""
            if run.cycles is None
            else f", {run.sums:,} clock edges and the total to the schedule"
        ),
    }
    for title, text in lines.items():
        click.echo(f"  {title:<9}{text}")


def verdict(runs: list[LayerRun], design: Design, engine: str) -> str:
    """The last line: what was simulated, and that all of it was as predicted."""
    sums, cycles = sum(run.sums for run in runs), sum(run.schedule.cycles for run in runs)
    codes = sum(run.codes for run in runs)
    layers = f"{len(runs)} layer{'s' if len(runs) > 1 else ''}"
    if engine == "model":
        return f"Model only: {layers}, {sums:,} sums, {cycles:,} cycles; no Verilog was simulated"
    speed = cycles / max(sum(run.cpu_seconds or 0.0 for run in runs), 1e-9) / 1e3
    return (
        f"PASS: {layers} in the Verilog of {design.array_name} and {design.requantizer_name}: "
        f"{sums:,} sums, {codes:,} codes and {cycles:,} cycles, all as predicted "
        f"({speed:,.0f} k cycles per CPU second)"
    )
