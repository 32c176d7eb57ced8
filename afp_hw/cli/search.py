"""``afp-hw search``: a format for every layer, from a budget."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from afp_hw.cli.dataset import calibration_data, data_options
from afp_hw.cli.model import model_file
from afp_hw.cli.options import FILE, json_option
from afp_hw.cli.progress import progress_bars
from afp_hw.cli.search_options import LIMITS, WIDTHS, cost_named, test_data
from afp_hw.files import output_directory

if TYPE_CHECKING:
    from afp_hw.network import FormatAssignment
    from afp_hw.network.evaluation import Evaluation
    from afp_hw.search.costs import CostTable
    from afp_hw.search.network_search import NetworkSearch


def _document(
    search: NetworkSearch, formats: FormatAssignment, result: Evaluation | None, table: CostTable
) -> dict[str, Any]:
    from afp_hw.network.bits import average_bits
    from afp_hw.search.budgets import network_energy_nj

    found: dict[str, Any] = {
        "average_bits": asdict(average_bits(search.lowered(formats))),
        "energy_nj": None,
        "tensors": len(formats.weights) + len(formats.acts),
    }
    if search.options.widths[1] <= 8:
        found["energy_nj"] = network_energy_nj(search, formats, table)
    if result is not None:
        found |= {**asdict(result), "loss": result.loss}
    return found


def _print(model: str, document: dict[str, Any], formats: FormatAssignment, on: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{model}: a format for every tensor")
    for title in ("layer", "weights", "tensor", "activations"):
        table.add_column(title, overflow="fold")
    weights = [(name, str(item.fmt)) for name, item in formats.weights.items()]
    acts = [(name, str(item.fmt)) for name, item in formats.acts.items()]
    for index in range(max(len(weights), len(acts))):
        left = weights[index] if index < len(weights) else ("", "")
        right = acts[index] if index < len(acts) else ("", "")
        table.add_row(*left, *right)
    Console().print(table)
    bits = document["average_bits"]
    click.echo(f"average bits  {bits['weights']:.2f} weights, {bits['acts']:.2f} activations")
    if document["energy_nj"] is not None:
        click.echo(f"energy        {document['energy_nj']:.1f} nJ an image in processing elements")
    if document.get("accuracy") is not None:
        click.echo(
            f"accuracy      {document['accuracy']:.2f} % on {on}, float32 "
            f"{document['float_accuracy']:.2f} %, loss {document['loss']:+.2f}"
        )
    if "agreement" in document:
        click.echo(
            f"agreement     {document['agreement']:.2f} % of images of {on} have float32's class, "
            f"mean logit error {document['logit_error']:.4f}"
        )


def _within(design_file: Path | None) -> dict[str, Any]:
    """Options of a search for what an array holds."""
    if design_file is None:
        return {}
    from afp_hw.design import load_recipe

    array = load_recipe(design_file)
    return {"weights_within": str(array.afp_weights), "acts_within": str(array.afp_acts)}


@click.command(name="search")
@click.argument("model", metavar="MODEL")
@click.option(
    "--calibration",
    "calibration_file",
    type=FILE,
    metavar="C.npz",
    help="Images without labels.  [default: the embedded model's]",
)
@click.option(
    "--bits",
    type=LIMITS,
    metavar="W[,A]",
    help="Most average bits: both, or weights,activations.",
)
@click.option(
    "--max-loss", type=float, metavar="POINTS", help="Most accuracy to lose; with --data."
)
@click.option("--energy", "energy_nj", type=float, metavar="NJ", help="Most nanojoules an image.")
@click.option(
    "--lambda",
    "lam",
    type=float,
    metavar="L",
    help="Exponent of the cost in error * cost**lambda; without a budget the paper's choice.",
)
@click.option("--data", "data_file", type=FILE, metavar="D.npz", help="Labelled images.")
@data_options
@click.option(
    "--dynamic/--static",
    default=False,
    show_default=True,
    help="Activations on a grid of each image's own, or on one for all.",
)
@click.option(
    "--mixed/--no-mixed",
    default=True,
    show_default=True,
    help="With --dynamic: tensors that lose less on one grid for all have that.",
)
@click.option("--channel", "channels", is_flag=True, help="Weights on a grid per output channel.")
@click.option(
    "--widths",
    type=WIDTHS,
    default="2:8",
    show_default=True,
    metavar="LOW:HIGH",
    help="Of a tensor.",
)
@click.option(
    "--design",
    "design_file",
    type=FILE,
    metavar="FILE",
    help="gen/*.toml: only formats that its array holds.",
)
@click.option(
    "--measure",
    type=click.Choice(["mse", "kl", "released"]),
    default="mse",
    show_default=True,
    help="Error by which splits of one width are compared.",
)
@click.option(
    "--splits",
    type=int,
    default=3,
    show_default=True,
    metavar="N",
    help="Splits of each width whose effect on the output is compared.",
)
@click.option(
    "--bias-rule",
    "rule",
    type=click.Choice(["mse", "absmax"]),
    default="mse",
    show_default=True,
    help="Static grids: least squared error with clipping, or the paper's rule.",
)
@click.option(
    "--cost",
    "cost_name",
    type=click.Choice(["penalty", "area", "energy"]),
    default="penalty",
    show_default=True,
    help="Cost with --lambda: the paper's, or that of a processing element.",
)
@click.option("--costs", "costs_file", type=FILE, metavar="FILE", help="A table of afp-hw costs.")
@click.option(
    "--equalize",
    type=float,
    default=0.0,
    show_default=True,
    metavar="S",
    help="How far channels are scaled alike first, 0 to 1.",
)
@click.option(
    "--compensate/--no-compensate",
    default=True,
    show_default=True,
    help="Weights rounded to undo each other's errors.",
)
@click.option(
    "--bias-correction/--no-bias-correction",
    "correct_bias",
    default=True,
    show_default=True,
    help="Biases that undo mean errors.",
)
@click.option(
    "--tuning-images", type=int, default=256, show_default=True, metavar="N", help="For both."
)
@click.option(
    "--trials", type=int, default=12, show_default=True, help="Accuracy runs of --max-loss."
)
@click.option("--timeout", type=float, metavar="S", help="Seconds after which no trial begins.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of samples and trials.")
@click.option(
    "-o", "--out", type=FILE, default=Path("formats.json"), show_default=True, metavar="FILE"
)
@json_option
def command(
    model: str,
    calibration_file: Path | None,
    bits: tuple[float, float] | None,
    max_loss: float | None,
    energy_nj: float | None,
    lam: float | None,
    data_file: Path | None,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    cost_name: str,
    costs_file: Path | None,
    design_file: Path | None,
    trials: int,
    timeout: float | None,
    out: Path,
    as_json: bool,
    **choices: Any,
) -> None:
    """Choose a format for every tensor of MODEL (an ONNX file, or 'embedded') within a budget.

    What a search has measured is kept in the cache: an interrupted one goes on where it was, and
    another budget takes what is known.

    Example: afp-hw search embedded --bits 4.8 -o formats.json
    """
    given = [bits is not None, max_loss is not None, energy_nj is not None]
    if sum(given) > 1:
        raise ValueError("--bits must stand alone, not beside --max-loss or --energy")
    if not any(given) and lam is None:
        raise ValueError("a budget must be given: --bits, --max-loss or --energy; or --lambda")
    from afp_hw.network import load_graph, write_assignment
    from afp_hw.network.evaluation import evaluate, float_logits
    from afp_hw.search.accuracy_search import AccuracySearch
    from afp_hw.search.budgets import bits_choice, energy_choice
    from afp_hw.search.costs import CostTable
    from afp_hw.search.network_search import NetworkSearch
    from afp_hw.search.options import SearchOptions

    output_directory(out.parent)
    options = SearchOptions(**choices, **_within(design_file), lam=0.0 if lam is None else lam)
    table = CostTable.load(costs_file)
    graph = load_graph(model_file(model))
    scale = {"mean": mean, "std": std}
    calibration = calibration_data(model, calibration_file, graph, mean, std)
    data = test_data(model, data_file, graph, max_loss is not None, scale)
    result = None
    with progress_bars(hidden=as_json) as bar:
        search = NetworkSearch(
            graph, calibration.images, options, cost=cost_named(cost_name, table), bar=bar
        )
        if max_loss is not None:
            assert data is not None  # _test_data gave it or refused
            assert data.labels is not None  # read with labels
            accuracy = AccuracySearch(
                search,
                data.images,
                data.labels,
                max_loss,
                trials=trials,
                timeout=timeout,
                progress=bar("accuracy runs"),
            )
            best = accuracy.best()
            formats = accuracy.formats(best)
        else:
            if bits is not None:
                formats = bits_choice(search, *bits)
            elif energy_nj is not None:
                formats = energy_choice(search, energy_nj, table)
            else:
                formats = search.assignment(search.cheapest_per_tensor())
            formats = search.tuned(formats)
        shown = calibration if data is None else data
        lowered = search.lowered(formats)
        reference = float_logits(graph, shown.images, bar("float32"))
        result = evaluate(lowered, shown.images, reference, shown.labels, bar("exact chain"))
    known = {**formats.provenance, "calibration": calibration.source, "cost": cost_name}
    formats = replace(formats, provenance=known)
    document = {"model": model, **_document(search, formats, result, table), "on": shown.source}
    written = write_assignment(formats, out)
    if as_json:
        click.echo(json.dumps(document, indent=1, allow_nan=False))
        return
    _print(model, document, formats, shown.source)
    click.echo(written)
