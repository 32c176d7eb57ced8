"""``afp-hw plot``: pictures, PNG and SVG, each with the JSON that it is drawn from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from afp_hw.cli.model import model_file
from afp_hw.cli.options import FILE, FORMAT, Command, out_option
from afp_hw.files import output_directory

if TYPE_CHECKING:
    from afp_hw.formats import AFPFormat
    from afp_hw.network import Graph

_OUT = out_option("Folder.", default=Path("gen/out/plots"), show_default=True)


def _measure(default: str) -> Callable[[Command], Command]:
    return click.option(
        "--measure",
        type=click.Choice(["mse", "kl", "released"]),
        default=default,
        show_default=True,
        help="Error of a split.",
    )


def _graph(model: str) -> Graph:
    from afp_hw.network import load_graph

    return load_graph(model_file(model))


def _write(found: dict[str, Any], out: Path, name: str) -> None:
    from afp_hw.report.figure_file import write_figure
    from afp_hw.report.figures import DRAW

    directory = output_directory(out)
    for path in write_figure(found, DRAW[found["figure"]], directory, name):
        click.echo(path)


@click.group(name="plot")
def command() -> None:
    """Draw a picture: PNG, SVG and the JSON document behind them.

    Example: afp-hw plot sweet-spot embedded
    """


def _figure(name: str) -> Callable[[Command], click.Command]:
    def decorate(function: Command) -> click.Command:
        return command.command(name=name)(_OUT(function))

    return decorate


@_figure("sweet-spot")
@click.argument("model", metavar="MODEL")
@_measure("kl")
@click.option("--lambda", "lam", type=float, default=0.5, show_default=True, help="Weight of cost.")
def sweet_spot(model: str, measure: Any, lam: float, out: Path) -> None:
    """Width x exponent bits, the objective in the cells, the minimum framed."""
    if not 0 <= lam <= 10:
        raise ValueError(f"--lambda must be in 0..10, not {lam:g}")
    from afp_hw.report.scores import sweet_spot as data

    graph = _graph(model)
    _write(data(graph, measure, lam), out, f"{graph.name}.sweet-spot")


@_figure("lambda")
@click.argument("model", metavar="MODEL")
@_measure("kl")
def lambda_(model: str, measure: Any, out: Path) -> None:
    """Chosen width against lambda."""
    from afp_hw.report.scores import lambda_curve

    graph = _graph(model)
    _write(lambda_curve(graph, measure), out, f"{graph.name}.lambda")


@_figure("bits")
@click.argument("model", metavar="MODEL")
@click.option("--formats", type=FILE, required=True, metavar="FILE", help="A formats.json.")
def bits(model: str, formats: Path, out: Path) -> None:
    """Sign, exponent and mantissa of every layer, weights up and inputs down."""
    from afp_hw.network import load_assignment
    from afp_hw.report.layers import bits_per_layer

    graph = _graph(model)
    _write(bits_per_layer(graph, load_assignment(formats)), out, f"{graph.name}.bits")


@_figure("histogram")
@click.argument("model", metavar="MODEL")
@click.argument("layer", metavar="LAYER")
@click.option("--format", "fmt", type=FORMAT, metavar="FORMAT", help="Values of this format.")
@click.option("--formats", type=FILE, metavar="FILE", help="Or the layer's in a formats.json.")
def histogram(
    model: str, layer: str, fmt: AFPFormat | None, formats: Path | None, out: Path
) -> None:
    """A layer's weights with the values of its format: the best of five bits if none is named."""
    if fmt is not None and formats is not None:
        raise ValueError("--format must stand alone, not beside --formats")
    from afp_hw.network import TensorFormat, load_assignment
    from afp_hw.quantize import SortedMagnitudes
    from afp_hw.report.layers import layer_histogram

    graph = _graph(model)
    item = None
    if fmt is not None:
        lsb = SortedMagnitudes(graph.layer(layer).weight).best_lsb(fmt)[0]  # type: ignore[arg-type]
        item = TensorFormat(fmt, lsb)
    elif formats is not None:
        assignment = load_assignment(formats)
        graph.layer(layer)
        assignment.check(graph)
        graph = graph.with_parameters(assignment.parameters)
        item = assignment.weights[layer]
    name = f"{graph.name}.{layer.replace('/', '_')}.histogram"
    _write(layer_histogram(graph, layer, item), out, name)


@_figure("rivals")
@click.argument("file", type=FILE, metavar="FILE.rivals.json")
def rivals(file: Path, out: Path) -> None:
    """Accuracy against average bits of what `afp-hw rivals -o` wrote."""
    from afp_hw.report.figure_file import document
    from afp_hw.report.figures import FIELDS

    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file.name} must be a JSON document, not {error}") from error
    missing = [
        field for field in FIELDS["rivals"] if not isinstance(found, dict) or field not in found
    ]
    if missing:
        raise ValueError(f"{file.name} must be a file of afp-hw rivals, not without {missing[0]!r}")
    data = {field: found[field] for field in FIELDS["rivals"]}
    _write(document("rivals", **data), out, f"{found['model']}.rivals")


@_figure("ranges")
@click.option(
    "--formats", default="e2m1,e3m1,e3m2,e4m3", show_default=True, help="AFP formats to show."
)
def ranges(formats: str, out: Path) -> None:
    """Range and precision beside FP32, TF32, FP16, BF16 and INT8."""
    from afp_hw.formats import AFPFormat
    from afp_hw.report.ranges import ranges as data

    _write(data([AFPFormat.parse(part) for part in formats.split(",")]), out, "ranges")


@_figure("from")
@click.argument("file", type=FILE, metavar="FILE.json")
def from_(file: Path, out: Path) -> None:
    """Draw a figure again from its JSON document."""
    from afp_hw.report.figure_file import read_document
    from afp_hw.report.figures import FIELDS

    _write(read_document(file, FIELDS), out, file.stem)
