"""``afp-hw evaluate``: the accuracy that the hardware will have."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from afp_hw.cli.chosen_formats import Choice, calibration_or_data, chosen_formats
from afp_hw.cli.dataset import data_options, evaluation_data
from afp_hw.cli.model import model_file
from afp_hw.cli.options import FILE, format_option, json_option
from afp_hw.cli.progress import progress_bars
from afp_hw.design import load_recipe
from afp_hw.files import output_directory

if TYPE_CHECKING:
    from afp_hw.formats import AFPFormat
    from afp_hw.network import LoweredNetwork
    from afp_hw.network.dataset import Dataset
    from afp_hw.network.evaluation import Evaluation


def _document(
    model: str, data: Dataset, lowered: LoweredNetwork, source: str, result: Evaluation
) -> dict[str, Any]:
    from afp_hw.network.bits import average_bits
    from afp_hw.network.evaluation import residual_additions

    additions = residual_additions(lowered)
    kinds = {item.dynamic for item in lowered.assignment.acts.values()}
    return {
        "model": model,
        "data": data.source,
        "images": result.images,
        "accuracy": result.accuracy,
        "float32_accuracy": result.float_accuracy,
        "loss": result.loss,
        "agreement": result.agreement,
        "logit_error": result.logit_error,
        "average_bits": asdict(average_bits(lowered)),
        "activations": "mixed" if len(kinds) > 1 else "dynamic" if True in kinds else "static",
        "grids": source,
        "residual_additions": asdict(additions),
    }


def _print(document: dict[str, Any]) -> None:
    bits, additions = document["average_bits"], document["residual_additions"]
    click.echo(
        f"{document['model']} on {document['images']} of {document['data']}, every sum exact, "
        f"{document['activations']} activations (grids: {document['grids']})"
    )
    click.echo(
        f"  accuracy      {document['accuracy']:.2f} %   float32 {document['float32_accuracy']:.2f}"
        f" %   loss {document['loss']:+.2f}"
    )
    click.echo(f"  agreement     {document['agreement']:.2f} % of images have float32's class")
    click.echo(f"  logit error   {document['logit_error']:.4f} on average")
    click.echo(f"  average bits  {bits['weights']:.2f} weights, {bits['acts']:.2f} activations")
    if additions["total"]:
        click.echo(
            f"  additions     {additions['fused']} of {additions['total']} residual additions "
            "are part of the layer before them"
        )


@click.command(name="evaluate")
@click.argument("model", metavar="MODEL")
@click.option("--formats", "formats_file", type=FILE, metavar="FILE", help="A formats.json.")
@format_option("--weights", "Format of all weights instead.  [default: e3m1]")
@format_option("--acts", "Format of all activations; the sign follows.  [default: e3m2]")
@click.option(
    "--dynamic/--static",
    "dynamic",
    default=None,
    help="A grid for each image's tensor, or one for all.  [default: the file's, else static]",
)
@click.option(
    "--data", "data_file", type=FILE, metavar="D.npz", help="Arrays 'images' and 'labels'."
)
@click.option(
    "--calibration",
    "calibration_file",
    type=FILE,
    metavar="C.npz",
    help="Images for static grids.  [default: embedded ones, else the first 512 of --data]",
)
@data_options
@click.option("--images", "count", type=int, metavar="N", help="Test images.  [default: all]")
@click.option(
    "--design",
    "recipe",
    type=FILE,
    metavar="FILE",
    help="gen/*.toml: initial values as its accumulators take them.  [default: the longest sum]",
)
@click.option(
    "--bias-rule",
    "rule",
    type=click.Choice(["absmax", "mse"]),
    default="absmax",
    show_default=True,
    help="Static grids (with --weights, --acts): the paper's rule, or least squared error.",
)
@click.option(
    "--tune/--no-tune",
    "tuned",
    default=True,
    show_default=True,
    help="Round weights so that they undo each other's errors, and correct biases, on "
    "calibration images (with --weights, --acts).",
)
@click.option("-o", "--out", type=FILE, metavar="FILE", help="Write what was run: a formats.json.")
@json_option
def command(
    model: str,
    formats_file: Path | None,
    weights: AFPFormat | None,
    acts: AFPFormat | None,
    dynamic: bool | None,
    data_file: Path | None,
    calibration_file: Path | None,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    count: int | None,
    recipe: Path | None,
    rule: Any,
    tuned: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Accuracy of MODEL (an ONNX file, or 'embedded') in the hardware's own arithmetic.

    Every tensor is in AFP: weights, biases, activations, residual additions, pooling, first and
    last layer. Every sum is exact, as on the generated hardware, bit for bit.

    Example: afp-hw evaluate embedded --weights e3m2 --acts e3m4 --dynamic
    """
    if formats_file is not None and (weights is not None or acts is not None):
        raise ValueError("--formats must stand alone, not beside --weights or --acts")
    design = None if recipe is None else load_recipe(recipe)
    if out is not None:
        output_directory(out.parent)
    # NumPy and ONNX take a while to load; what is wrong above should not wait for them.
    from afp_hw.network import load_graph, lower, write_assignment
    from afp_hw.network.evaluation import evaluate, float_logits
    from afp_hw.network.lower import room_for_sums
    from afp_hw.program.fit import room_in

    graph = load_graph(model_file(model))
    data = evaluation_data(model, data_file, graph, mean, std).first(count)
    calibration = calibration_or_data(model, calibration_file, data, graph, mean, std)
    init_max = room_for_sums(graph) if design is None else room_in(design)
    choice = Choice(formats_file, weights, acts, dynamic, rule, tuned)
    with progress_bars(hidden=as_json) as bar:
        formats, source = chosen_formats(graph, choice, calibration, init_max, bar)
        lowered = lower(graph, formats, init_max)
        reference = float_logits(graph, data.images, bar("float32"))
        result = evaluate(lowered, data.images, reference, data.labels, bar("exact chain"))
    document = _document(model, data, lowered, source, result)
    if out is not None:
        write_assignment(formats, out)
    if as_json:
        click.echo(json.dumps(document, indent=1, allow_nan=False))
    else:
        _print(document)
