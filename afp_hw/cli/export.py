"""``afp-hw export``: a design, a model and measured costs in the files of other tools."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from afp_hw.cli.layer_options import LayerInputs, layer_input_options
from afp_hw.cli.measuring_options import measuring_options
from afp_hw.cli.model import EMBEDDED, model_file
from afp_hw.cli.options import FILE, out_option
from afp_hw.cli.progress import progress_bars
from afp_hw.design import Design, load_recipe
from afp_hw.files import output_directory, write_atomic

if TYPE_CHECKING:
    from afp_hw.energy.memory import MemoryTable
    from afp_hw.exports.costs import Costs
    from afp_hw.exports.shapes import LayerShape
    from afp_hw.network import Graph, LoweredNetwork

_MEASURED: Final = ("accelergy", "timeloop", "zigzag")
"""Kinds that carry costs."""

_KINDS: Final = (*_MEASURED, "scalesim", "fusesoc")
_ALL: Final = "all"


@dataclass(frozen=True, eq=False)
class _Given:
    """What the command was given, checked."""

    model: str
    design: Design
    layer: str | None
    inputs: LayerInputs
    liberty: tuple[Path, ...]
    clock_ns: float
    memory: MemoryTable
    jobs: int | None


@dataclass(frozen=True, eq=False)
class _Measured:
    """Costs, and what they are of."""

    costs: Costs
    lowered: LoweredNetwork
    images: int


def _measured(given: _Given, graph: Graph, shapes: list[LayerShape]) -> _Measured:
    from afp_hw.cli.layer_inputs import calibration_for, images_for, lowered_network
    from afp_hw.energy.bench import Bench
    from afp_hw.exports.costs import measured_costs
    from afp_hw.exports.shapes import largest_layer
    from afp_hw.network import lower
    from afp_hw.network.grids import with_static_grids
    from afp_hw.program.fit import room_in
    from afp_hw.synth import Technology

    layer = graph.layer(given.layer).name if given.layer else largest_layer(shapes)
    images = images_for(given.model, given.inputs)
    lowered = lowered_network(given.model, images, given.design, given.inputs)
    if any(item.dynamic for item in lowered.assignment.acts.values()):
        _, calibration = calibration_for(given.model, images, given.inputs.calibration_file)
        static = with_static_grids(lowered.graph, lowered.assignment, calibration)
        lowered = lower(lowered.graph, static, room_in(given.design))
    liberty = given.liberty
    technology = Technology.from_liberty(liberty) if liberty else Technology.sky130()
    jobs = given.jobs or len(os.sched_getaffinity(0))
    with closing(Bench(technology, given.clock_ns, jobs=jobs)) as bench, progress_bars() as bar:
        bar(f"costs of {layer}")
        costs = measured_costs(lowered, layer, images, given.design, bench, given.memory)
    return _Measured(costs, lowered, len(images))


def _texts(kinds: list[str], given: _Given) -> dict[str, Mapping[str, str]]:
    """Texts by kind and file name, of all kinds but cores."""
    from afp_hw.exports.shapes import shapes_of
    from afp_hw.network import load_graph

    graph = load_graph(model_file(given.model))
    shapes = shapes_of(graph)
    found: dict[str, Mapping[str, str]] = {}
    if "scalesim" in kinds:
        from afp_hw.exports import scalesim

        found["scalesim"] = scalesim.files(shapes, given.design, given.memory)
    if any(kind in _MEASURED for kind in kinds):
        from afp_hw.exports import accelergy, timeloop, zigzag

        it = _measured(given, graph, shapes)
        named = given.model, it.images
        make: dict[str, Callable[[], Mapping[str, str]]] = {
            "accelergy": lambda: accelergy.tables(it.costs, *named),
            "timeloop": lambda: timeloop.files(it.costs, shapes, *named),
            "zigzag": lambda: zigzag.files(it.costs, shapes, it.lowered, *named),
        }
        found |= {kind: make[kind]() for kind in kinds if kind in make}
        _say_costs(it.costs)
    return found


def _say_costs(costs: Costs) -> None:
    """What the files carry, in two lines."""
    click.echo(
        f"{costs.layer}: {costs.mac_j * 1e12:.2f} pJ a MAC, {costs.output_j * 1e12:.2f} pJ a "
        f"result, {costs.cell.area_um2:.0f} um^2 a cell; {costs.checked} results equal the golden "
        "model's"
    )
    click.echo(f"{costs.technology}, {costs.clock_ns:g} ns")


@click.command(name="export")
@click.argument("kind", type=click.Choice([*_KINDS, _ALL]))
@click.argument("model", metavar="[MODEL]", required=False)
@click.option("--design", "recipe", type=FILE, required=True, metavar="FILE", help="gen/*.toml.")
@click.option(
    "--layer",
    metavar="NAME",
    help="Whose operands the costs are of.  [default: the layer with most MACs]",
)
@layer_input_options
@measuring_options
@out_option("Folder for the files; of all, one folder a KIND in it.", required=True)
def command(
    kind: str,
    model: str | None,
    recipe: Path,
    layer: str | None,
    inputs: LayerInputs,
    memory_file: Path | None,
    out: Path,
    **rest: Any,
) -> None:
    """Write a design and MODEL (an ONNX file; default: embedded) for another tool, the KIND.

    accelergy: tables of energy and area. timeloop: these, an architecture, a problem a layer.
    zigzag: accelerator, mapping, workload. scalesim: configuration and topology. fusesoc: cores of
    the processing element, the array and the requantizer, without a MODEL.

    Energies are measured as `afp-hw energy` does, on one layer's own operands; comments in the
    files say what each number is of, and which are not known.

    Example: afp-hw export accelergy --design gen/square16.toml -o gen/out/accelergy
    """
    design = load_recipe(recipe)
    if not 0 < rest["clock_ns"] < math.inf:
        raise ValueError(f"--clock-ns must be positive, not {rest['clock_ns']!r}")
    if kind == "fusesoc" and model is not None:
        raise ValueError(f"fusesoc must be given no MODEL, not {model!r}")
    from afp_hw.energy.memory import MemoryTable

    memory = MemoryTable.embedded() if memory_file is None else MemoryTable.load(memory_file)
    kinds = list(_KINDS) if kind == _ALL else [kind]
    folders = {each: output_directory(out / each if kind == _ALL else out) for each in kinds}
    if kind != "fusesoc":
        given = _Given(model or EMBEDDED, design, layer, inputs, memory=memory, **rest)
        for each, texts in _texts(kinds, given).items():
            for name, text in texts.items():
                click.echo(write_atomic(folders[each] / name, text))
    if "fusesoc" in kinds:
        from afp_hw.exports.fusesoc import write_cores

        for path in write_cores(design, folders["fusesoc"]):
            click.echo(path)
