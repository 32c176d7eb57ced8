"""``afp-hw energy``: energy of whole layers and of a network, AFP against INT8 and FP32."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from afp_hw.cli.layer_options import LayerInputs, layer_input_options
from afp_hw.cli.measuring_options import measuring_options
from afp_hw.cli.options import FILE, json_option
from afp_hw.cli.progress import progress_bars
from afp_hw.design import Design, load_recipe
from afp_hw.files import output_directory, write_atomic

if TYPE_CHECKING:
    from afp_hw.energy.bench import Bench
    from afp_hw.energy.memory import MemoryTable
    from afp_hw.energy.network import Subject


def _subject(
    model: str,
    design: Design,
    images: Any,
    inputs: LayerInputs,
) -> Subject:
    """The network with static and with dynamic grids."""
    from afp_hw.cli.layer_inputs import calibration_for, lowered_network
    from afp_hw.energy.network import Subject
    from afp_hw.network import lower
    from afp_hw.network.grids import with_dynamic_grids, with_static_grids
    from afp_hw.program.fit import room_in

    given = lowered_network(model, images, design, inputs)
    _, calibration = calibration_for(model, images, inputs.calibration_file)
    graph, room = given.graph, room_in(design)
    static = given
    if any(item.dynamic for item in given.assignment.acts.values()):
        static = lower(graph, with_static_grids(graph, given.assignment, calibration), room)
    dynamic = lower(graph, with_dynamic_grids(given.assignment), room)
    return Subject.of(static, dynamic, images, calibration)


def _names(subject: Subject, layers: Sequence[str]) -> list[str]:
    graph = subject.static.graph
    names = [layer.name for layer in graph.layers()]
    if not names:
        raise ValueError("model must have a convolution or a linear layer, not none")
    return [graph.layer(name).name for name in dict.fromkeys(layers)] or names


def _measured(
    subject: Subject,
    names: list[str],
    design: Design,
    bench: Bench,
    memory: MemoryTable,
    sensitivity: bool,
    conditions: dict[str, Any],
) -> dict[str, Any]:
    """The document of everything that was asked for."""
    from afp_hw.energy.comparison import comparisons
    from afp_hw.energy.document import document
    from afp_hw.energy.floating import network_macs
    from afp_hw.energy.network import measure
    from afp_hw.energy.real import real_layers
    from afp_hw.energy.sensitivity import sensitivities

    with progress_bars() as bar:
        report = bar("layers")
        layers = measure(
            subject, names, design, bench, memory,
            progress=lambda index: report(index, len(names)),
        )  # fmt: skip
        bar("floating-point MACs")
        largest = max(layers, key=lambda layer: layer.macs).name
        (real,) = real_layers(subject.static, [largest], subject.images)
        compared = comparisons(layers, network_macs(bench, layers, real))
        found = []
        if sensitivity:
            bar("sensitivity")
            found = sensitivities(bench, real, design)
    return document(layers, compared, found, bench, memory, **conditions)


@click.command(name="energy")
@click.argument("model", metavar="[MODEL]", default="embedded")
@click.option("--design", "recipe", type=FILE, required=True, metavar="FILE", help="gen/*.toml.")
@click.option("--layer", "layers", multiple=True, metavar="NAME", help="Only this; may repeat.")
@layer_input_options
@measuring_options
@click.option(
    "--sensitivity", is_flag=True, help="Also: energy per MAC by zeros, and by narrower formats."
)
@json_option
@click.option("-o", "--out", type=FILE, metavar="FILE", help="Write the JSON document there too.")
def command(
    model: str,
    recipe: Path,
    layers: tuple[str, ...],
    inputs: LayerInputs,
    liberty: tuple[Path, ...],
    clock_ns: float,
    memory_file: Path | None,
    sensitivity: bool,
    jobs: int | None,
    as_json: bool,
    out: Path | None,
) -> None:
    """Energy of whole layers of MODEL (an ONNX file; default: embedded) on an array.

    AFP static and dynamic against INT8 static and dynamic and FP32: array, edges, requantizers,
    packing, SRAM, DRAM. Every circuit is synthesised, run gate by gate on operands of the layer
    with glitches, and checked against the golden model; results are kept, so that a second run
    takes seconds.

    Example: afp-hw energy --design gen/square16.toml
    """
    design = load_recipe(recipe)
    if not 0 < clock_ns < math.inf:
        raise ValueError(f"--clock-ns must be positive, not {clock_ns!r}")
    # NumPy and ONNX take a while to load; a misspelt recipe should not wait for them.
    from afp_hw.cli.energy_report import print_energy
    from afp_hw.cli.layer_inputs import images_for
    from afp_hw.energy.bench import Bench
    from afp_hw.energy.memory import MemoryTable
    from afp_hw.synth import Technology

    if out is not None:  # what takes minutes should find a folder to be written to
        output_directory(out.absolute().parent)
    memory = MemoryTable.embedded() if memory_file is None else MemoryTable.load(memory_file)
    technology = Technology.from_liberty(liberty) if liberty else Technology.sky130()
    images = images_for(model, inputs)
    subject = _subject(model, design, images, inputs)
    names = _names(subject, layers)
    bench = Bench(technology, clock_ns, jobs=jobs or len(os.sched_getaffinity(0)))
    conditions = {"model": model, "design": design.array_name, "images": len(images)}
    try:
        found = _measured(subject, names, design, bench, memory, sensitivity, conditions)
    finally:
        bench.close()
    text = json.dumps(found, indent=1, allow_nan=False) + "\n"
    if out is not None:
        write_atomic(out, text)
    if as_json:
        click.echo(text, nl=False)
        return
    print_energy(found)
    if out is not None:
        click.echo(f"written: {out}")
