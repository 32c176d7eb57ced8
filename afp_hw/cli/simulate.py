"""``afp-hw simulate``: layers on the generated array, every output and every cycle checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from afp_hw.cli.options import FILE, format_option, json_option
from afp_hw.design import Design, load_recipe
from afp_hw.formats import AFPFormat

if TYPE_CHECKING:
    from afp_hw.network import LoweredNetwork
    from afp_hw.rtlsim import ArraySimulator, LayerRun

Report = Callable[[int, int], None]


@contextmanager
def _progress() -> Iterator[Callable[[str], Report]]:
    """Bars with the remaining time on stderr, where that is a terminal; one for each title."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bars:

        def start(title: str) -> Report:
            bar = bars.add_task(title, total=None)
            return lambda done, total: bars.update(bar, completed=done, total=total)

        yield start


def _layer_names(lowered: LoweredNetwork, layers: tuple[str, ...], every: bool) -> list[str]:
    names = [layer.name for layer in lowered.graph.layers()]
    if every and layers:
        raise ValueError("--all must stand alone, not beside --layer")
    if not every and not layers:
        raise ValueError(f"--layer must be given ({', '.join(names)}), or --all")
    return names if every else [lowered.graph.layer(name).name for name in layers]


def _trace_file(vcd: Path | None, fst: Path | None, engine: str) -> Path | None:
    if vcd is not None and fst is not None:
        raise ValueError("--vcd must stand alone, not beside --fst")
    for path, suffix in ((vcd, ".vcd"), (fst, ".fst")):
        if path is None:
            continue
        if engine == "model":
            raise ValueError(f"--{suffix[1:]} must come with --engine rtl, not with model")
        if path.suffix.lower() != suffix:
            raise ValueError(f"--{suffix[1:]} must name a {suffix} file, not {path.name!r}")
    return vcd or fst


def _simulate(
    lowered: LoweredNetwork,
    names: list[str],
    images: Any,
    design: Design,
    engine: str,
    trace: Path | None,
) -> list[LayerRun]:
    from afp_hw.network import layer_problems
    from afp_hw.rtlsim import ArraySimulator, require_fit, run_layer

    for name in names:  # before anything is built
        step = lowered.gemm(name)
        require_fit(design, name, step.wgt.fmt, step.act.fmt, step.wgt_codes.shape[1])
    simulator: ArraySimulator | None = None
    runs = []
    with _progress() as bar:
        try:
            for name in names:
                chain = bar(f"{name}: exact chain")
                for problem in layer_problems(lowered, name, images, chain):
                    if simulator is None and engine == "rtl":
                        built = bar(f"Verilog of {design.array_name}, compiled once")
                        simulator = ArraySimulator(design, trace)
                        built(1, 1)
                    report = bar(f"{problem.name}: {engine}")
                    runs.append(run_layer(problem, design, simulator, report))
        finally:
            if simulator is not None:
                simulator.close()
    return runs


def _as_json(run: LayerRun, clock_mhz: float) -> dict[str, Any]:
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


def _quantity(bits: int) -> str:
    size, unit = float(bits), "bit"
    for larger in ("kbit", "Mbit", "Gbit"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.4g} {unit}"


def _print(run: LayerRun, design: Design, clock_mhz: float) -> None:
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
        "traffic": f"weights {_quantity(traffic.weight_bits)} (each used "
        f"{traffic.weight_reuse:.3g} times), activations {_quantity(traffic.act_bits)} "
        f"({traffic.act_reuse:.3g} times),",
        "": f"initial values {_quantity(traffic.init_bits)}, outputs "
        f"{_quantity(traffic.output_bits)}; sums stay in the array",
        "equal": f"{run.sums:,} sums and {run.codes:,} codes to golden"
        + (
            ""
            if run.cycles is None
            else f", {run.sums:,} clock edges and the total to the schedule"
        ),
    }
    for title, text in lines.items():
        click.echo(f"  {title:<9}{text}")


def _verdict(runs: list[LayerRun], design: Design, engine: str) -> str:
    sums, cycles = sum(run.sums for run in runs), sum(run.schedule.cycles for run in runs)
    layers = f"{len(runs)} layer{'s' if len(runs) > 1 else ''}"
    if engine == "model":
        return f"Model only: {layers}, {sums:,} sums, {cycles:,} cycles; no Verilog was simulated"
    speed = cycles / max(sum(run.cpu_seconds or 0.0 for run in runs), 1e-9) / 1e3
    return (
        f"PASS: {layers} in the Verilog of {design.array_name}: {sums:,} sums and {cycles:,} "
        f"cycles, all as predicted ({speed:,.0f} k cycles per CPU second)"
    )


@click.command(name="simulate")
@click.argument("model", metavar="MODEL")
@click.option("--layer", "layers", multiple=True, metavar="NAME", help="Layer; may repeat.")
@click.option("--all", "every", is_flag=True, help="Every convolution and linear layer.")
@click.option("--design", "recipe", type=FILE, required=True, metavar="FILE", help="gen/*.toml.")
@click.option(
    "--engine",
    type=click.Choice(["rtl", "model"]),
    default="rtl",
    show_default=True,
    help="The Verilog, or closed forms and golden alone.",
)
@format_option("--weights", "Format of all weights.  [default: e3m1]")
@format_option("--acts", "Format of all activations; the sign follows.  [default: e3m2]")
@click.option("--formats", "formats_file", type=FILE, metavar="FILE", help="formats.json instead.")
@click.option(
    "--calibration",
    "calibration_file",
    type=FILE,
    metavar="FILE",
    help="Images for the static biases, .npy.  [default: embedded ones, else the input]",
)
@click.option("--images", "count", type=int, metavar="N", help="Images to run.  [default: 1]")
@click.option(
    "--input", "input_file", type=FILE, metavar="FILE", help="Images: .npy, float [B, C, H, W]."
)
@click.option("--clock-mhz", type=float, default=200.0, show_default=True, metavar="F")
@click.option("--vcd", type=FILE, metavar="FILE", help="Write waveforms (large, and slow).")
@click.option("--fst", type=FILE, metavar="FILE", help="Write compressed waveforms.")
@json_option
def command(
    model: str,
    layers: tuple[str, ...],
    every: bool,
    recipe: Path,
    engine: str,
    weights: AFPFormat | None,
    acts: AFPFormat | None,
    formats_file: Path | None,
    calibration_file: Path | None,
    count: int | None,
    input_file: Path | None,
    clock_mhz: float,
    vcd: Path | None,
    fst: Path | None,
    as_json: bool,
) -> None:
    """Run layers of MODEL (an ONNX file, or 'embedded') on the array of a design.

    The layers before run in the exact chain. Every sum and every code is compared with the golden
    model, the clock edge of every sum and the total with the schedule. A difference is exit status
    1, with the first element that differs.

    Example: afp-hw simulate embedded --layer block2.conv1 --design gen/small.toml
    """
    design = load_recipe(recipe)
    trace = _trace_file(vcd, fst, engine)
    if not clock_mhz > 0:
        raise ValueError(f"--clock-mhz must be positive, not {clock_mhz!r}")
    # NumPy and ONNX take a while to load; a misspelt recipe should not wait for them.
    from afp_hw.cli.layer_inputs import images_for, lowered_network

    images = images_for(model, input_file, count)
    lowered = lowered_network(
        model,
        images,
        weights=weights,
        acts=acts,
        formats_file=formats_file,
        calibration_file=calibration_file,
    )
    names = _layer_names(lowered, layers, every)
    runs = _simulate(lowered, names, images, design, engine, trace)
    if as_json:
        document = {
            "model": model,
            "design": design.array_name,
            "engine": engine,
            "images": len(images),
            "clock_mhz": clock_mhz,
            "layers": [_as_json(run, clock_mhz) for run in runs],
            "verdict": "equal" if engine == "rtl" else "model",
        }
        click.echo(json.dumps(document, indent=1))
        return
    for run in runs:
        _print(run, design, clock_mhz)
    click.echo(_verdict(runs, design, engine))
