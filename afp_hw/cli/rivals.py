"""``afp-hw rivals``: AFP and the paper's rivals on one model, accuracy against bits."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from afp_hw.cli.dataset import calibration_data, data_options, evaluation_data
from afp_hw.cli.model import model_file
from afp_hw.cli.options import FILE, json_option, out_option
from afp_hw.cli.progress import progress_bars
from afp_hw.files import output_directory, write_atomic

if TYPE_CHECKING:
    from afp_hw.search.rivals import Measurement

_FLOAT_BITS: Final = 32
"""Bits of an activation that is not rounded."""

_NOTES: Final = (
    "Every method but the searched one has the same layers and tensors: weights of all layers, the "
    "input and all stored activations, static from calibration images; layer biases and sums stay "
    "in float32.",
    "A sign bit that a tensor does not need holds magnitude, for every method but the OCP and wide "
    "formats, which always have one, and the row that says so.",
    "Scales and tables shared by a tensor or channel are not counted; positions of large values "
    "are, at their entropy.",
)


class _Bits(click.ParamType[tuple[int, ...]]):
    """``4,5,6,8`` to integers."""

    name = "bits"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        try:
            return tuple(int(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"must be integers with commas between them, not {value!r}", param, ctx)


def _cell(row: Measurement) -> str:
    agreement = f"({row.agreement:.1f})"
    return agreement if row.accuracy is None else f"{row.accuracy:.2f} {agreement}"


def _print_table(rows: list[Measurement], title: str) -> None:
    from rich.console import Console
    from rich.table import Table

    widths = sorted({row.n_bits for row in rows})
    table = Table(title=title)
    table.add_column("method", overflow="fold")
    for width in widths:
        table.add_column(f"{width} bits", justify="right")
    for name in dict.fromkeys(row.name for row in rows):
        cells = {row.n_bits: _cell(row) for row in rows if row.name == name}
        table.add_row(name, *(cells.get(width, "") for width in widths))
    # In a file the table is as wide as the names need it to be.
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _extra_bits(rows: list[Measurement]) -> list[str]:
    """One line for each method whose elements take more than their nominal bits."""
    lines = []
    for name in dict.fromkeys(row.name for row in rows if row.weight_bits > row.n_bits):
        counted = ", ".join(f"{row.weight_bits:.2f}" for row in rows if row.name == name)
        lines.append(f"{name}: counted bits {counted}")
    return lines


def standing(rows: list[Measurement]) -> list[dict[str, Any]]:
    """By number of bits: the best AFP row, and the rivals that are better, by how much.

    Better is a higher accuracy or, without labels, a higher agreement with float32. Rows whose
    activations are not rounded are left out.
    """

    def score(row: Measurement) -> float:
        return row.agreement if row.accuracy is None else row.accuracy

    found = []
    full = [row for row in rows if row.act_bits < _FLOAT_BITS]
    for width in sorted({row.n_bits for row in full if row.name.startswith("AFP")}):
        column = [row for row in full if row.n_bits == width]
        best = max((row for row in column if row.name.startswith("AFP")), key=score)
        better = [row for row in column if score(row) > score(best)]
        found.append(
            {
                "n_bits": width,
                "best_afp": best.name,
                "score": score(best),
                "better": {row.name: score(row) - score(best) for row in better},
            }
        )
    return found


def _print_standing(found: list[dict[str, Any]]) -> None:
    for item in found:
        better = ", ".join(f"{name} +{gap:.2f}" for name, gap in item["better"].items())
        verdict = f"does not win, above it: {better}" if better else "nothing is above it"
        click.echo(
            f"{item['n_bits']} bits: best AFP {item['score']:.2f} ({item['best_afp']}); {verdict}"
        )


def _paper_table() -> list[dict[str, Any]]:
    from afp_hw.quantize.rivals import PAPER_TABLE

    return [{**asdict(row), "text": row.text} for row in PAPER_TABLE]


def _print_paper_table(rows: list[dict[str, Any]]) -> None:
    click.echo("\nThe paper's ImageNet table: what is measured above, what is only quoted")
    for row in rows:
        here = f"measured here as {row['rebuilt']!r}" if row["rebuilt"] else "not rebuilt"
        if row["retrains"]:
            here += ", without its retraining" if row["rebuilt"] else ": it retrains"
        click.echo(f"  {row['method']}: {here}; {row['text']}")


@click.command(name="rivals")
@click.argument("model", metavar="MODEL")
@click.option("--data", "data_file", type=FILE, metavar="D.npz", help="Test images and labels.")
@click.option(
    "--calibration", "calibration_file", type=FILE, metavar="C.npz", help="Images, no labels."
)
@click.option(
    "--bits", type=_Bits(), default="4,5,6,8", show_default=True, metavar="N,N", help="2 to 8."
)
@click.option("--images", "count", type=int, metavar="N", help="Test images.  [default: all]")
@click.option(
    "--search/--no-search",
    "searched",
    default=True,
    show_default=True,
    help="A row of what afp-hw search gives for the same average bits.",
)
@data_options
@json_option
@out_option("Folder for MODEL.rivals.json.")
def command(
    model: str,
    data_file: Path | None,
    calibration_file: Path | None,
    bits: tuple[int, ...],
    count: int | None,
    searched: bool,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    as_json: bool,
    out: Path | None,
) -> None:
    """Accuracy against bits of AFP and its rivals on MODEL (an ONNX file, or 'embedded').

    All are post-training: integers, powers of two and their sums, k-quantile, two-scale fixed
    point, value-aware, AdaptivFloat, OCP FP8/FP6/FP4, BF16, FP16, TF32. Methods that retrain are
    quoted with their published figures below the table. In brackets: per cent of images with
    float32's class.

    Example: afp-hw rivals embedded --bits 4,5 --images 300
    """
    # Before anything slow: what was asked for, and where it goes.
    from afp_hw.network import load_graph
    from afp_hw.quantize.rivals import catalogue
    from afp_hw.search.rivals import Harness, collect
    from afp_hw.search.searched_rival import searched_rows

    pairs = catalogue(bits)
    directory = None if out is None else output_directory(out)
    path = model_file(model)
    graph = load_graph(path)
    data = evaluation_data(model, data_file, graph, mean, std).first(count)
    calibration = calibration_data(model, calibration_file, graph, mean, std)
    with progress_bars(hidden=as_json) as bar:
        statistics = collect(graph, calibration.images, bar("calibration"))
        harness = Harness(graph, statistics, data.images, data.labels)
        rows = plain = harness.measure_all(pairs, bar("rivals"))
        if searched:
            rows = plain + searched_rows(
                graph, calibration.images, sorted(set(bits)), data.images, data.labels, bar
            )
    document: dict[str, Any] = {
        "model": path.stem,
        "data": data.source,
        "images": len(data.images),
        "calibration": calibration.source,
        "calibration_images": len(calibration.images),
        "float32_accuracy": harness.accuracy,
        "rows": [asdict(row) for row in rows],
        "standing": standing(plain),
        "published": _paper_table(),
        "notes": list(_NOTES),
    }
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    if as_json:
        click.echo(text, nl=False)
    else:
        reference = "" if harness.accuracy is None else f"; float32 {harness.accuracy:.2f} %"
        _print_table(rows, f"{path.stem}: accuracy % on {len(data.images)} images{reference}")
        for line in (*_extra_bits(rows), *_NOTES):
            click.echo(line)
        click.echo()
        _print_standing(document["standing"])
        _print_paper_table(document["published"])
    if directory is not None:
        written = write_atomic(directory / f"{path.stem}.rivals.json", text)
        click.echo(written, err=as_json)
