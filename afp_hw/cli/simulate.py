"""``afp-hw simulate``: layers on the generated array, every output and every cycle checked."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from afp_hw.cli.layer_options import LayerInputs, layer_input_options
from afp_hw.cli.options import FILE, json_option
from afp_hw.cli.progress import progress_bars
from afp_hw.design import Design, load_recipe
from afp_hw.errors import MismatchError

if TYPE_CHECKING:
    from afp_hw.network import LoweredNetwork
    from afp_hw.rtlsim import ArraySimulator, LayerRun, RequantizerSimulator


def _layer_names(lowered: LoweredNetwork, layers: tuple[str, ...], every: bool) -> list[str]:
    names = [layer.name for layer in lowered.graph.layers()]
    if every and layers:
        raise ValueError("--all must stand alone, not beside --layer")
    if not every and not layers:
        raise ValueError(f"--layer must be given ({', '.join(names)}), or --all")
    if not names:
        raise ValueError("model must have a convolution or a linear layer, not none")
    # Each once, in the order in which they were asked for.
    return names if every else [lowered.graph.layer(name).name for name in dict.fromkeys(layers)]


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
    from afp_hw.network import problems_of
    from afp_hw.rtlsim import ArraySimulator, RequantizerSimulator, require_fit, run_layer

    for name in names:  # before anything is built
        step = lowered.gemm(name)
        require_fit(
            design,
            name,
            wgt_fmt=step.wgt.fmt,
            act_fmt=step.act.fmt,
            k=step.wgt_codes.shape[1],
            init=step.init,
        )
    simulator: ArraySimulator | None = None
    requantizer: RequantizerSimulator | None = None
    runs = []
    finished = False
    with progress_bars() as bar:
        try:
            for problem in problems_of(lowered, names, images, bar("exact chain")):
                if simulator is None and engine == "rtl":
                    built = bar(f"Verilog of {design.array_name}, compiled once")
                    simulator = ArraySimulator(design, trace)
                    requantizer = RequantizerSimulator(design)
                    built(1, 1)
                report = bar(f"{problem.name}: {engine}")
                runs.append(run_layer(problem, design, simulator, requantizer, report))
            finished = True
        except MismatchError:
            finished = True  # a trace up to the difference is what one looks at
            raise
        finally:
            if simulator is not None:
                simulator.close(keep=finished)
    return runs


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
@layer_input_options
@click.option(
    "--clock-mhz",
    type=float,
    default=100.0,
    show_default=True,
    metavar="F",
    help="Clock that turns cycles into time.",
)
@click.option("--vcd", type=FILE, metavar="FILE", help="Write waveforms (large, and slow).")
@click.option("--fst", type=FILE, metavar="FILE", help="Write compressed waveforms.")
@json_option
def command(
    model: str,
    layers: tuple[str, ...],
    every: bool,
    recipe: Path,
    engine: str,
    inputs: LayerInputs,
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
    if not 0 < clock_mhz < math.inf:
        raise ValueError(f"--clock-mhz must be positive, not {clock_mhz!r}")
    # NumPy and ONNX take a while to load; a misspelt recipe should not wait for them.
    from afp_hw.cli.layer_inputs import images_for, lowered_network
    from afp_hw.cli.layer_report import layer_document, print_layer, verdict

    images = images_for(model, inputs)
    lowered = lowered_network(model, images, design, inputs)
    names = _layer_names(lowered, layers, every)
    runs = _simulate(lowered, names, images, design, engine, trace)
    if as_json:
        document = {
            "model": model,
            "design": design.array_name,
            "engine": engine,
            "images": len(images),
            "clock_mhz": clock_mhz,
            "layers": [layer_document(run, clock_mhz) for run in runs],
            "verdict": "equal" if engine == "rtl" else "model",
        }
        click.echo(json.dumps(document, indent=1, allow_nan=False))
        return
    for run in runs:
        print_layer(run, design, clock_mhz)
    click.echo(verdict(runs, design, engine))
