"""``afp-hw quantize``: the format, bias and error of every layer of a model."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from afp_hw.cli.options import FILE, format_option, json_option, out_option
from afp_hw.files import output_directory, write_atomic
from afp_hw.formats import AFPFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from afp_hw.network import WeightTensor


_LARGEST = 1e150
"""Weights whose squares, and their sum, are numbers."""


@dataclass(frozen=True)
class LayerReport:
    """One row: a layer's weights in the format.

    ``bias`` and ``lsb`` are integers, or lists of one per output channel; ``sqnr_db`` is None where
    there is no error; ``bits`` is elements times width.
    """

    name: str
    shape: list[int]
    elements: int
    absmax: float
    bias: int | list[int]
    lsb: int | list[int]
    mse: float
    sqnr_db: float | None
    bits: int


def quantize_layer(
    tensor: WeightTensor, fmt: AFPFormat, channel: bool
) -> tuple[LayerReport, NDArray[Any]]:
    """Quantize one tensor by the paper's rule; returns its row and its codes (of its shape)."""
    import numpy as np

    from afp_hw import golden
    from afp_hw.quantize import bias_for, bias_for_channels, mse, sqnr_db

    values = tensor.values
    absmax = float(np.abs(values).max())
    if absmax > _LARGEST:
        raise ValueError(f"weights of {tensor.name!r} must be at most {_LARGEST}, not {absmax}")
    bias: Any = bias_for(absmax, fmt)
    listed: int | list[int] = bias
    if channel:
        others = tuple(axis for axis in range(values.ndim) if axis != tensor.channel_axis)
        bias = bias_for_channels(np.abs(values).max(axis=others, keepdims=True), fmt)
        listed = bias.ravel().tolist()
    ratio = float(sqnr_db(values, fmt, bias))
    report = LayerReport(
        tensor.name,
        [*values.shape],
        values.size,
        absmax,
        listed,
        [fmt.lsb(b) for b in listed] if isinstance(listed, list) else fmt.lsb(listed),
        float(mse(values, fmt, bias)),
        ratio if math.isfinite(ratio) else None,
        values.size * fmt.width,
    )
    return report, golden.encode(values, fmt, bias)


def total_row(rows: list[LayerReport], tensors: list[WeightTensor]) -> dict[str, Any]:
    """All layers together: mean squared error and SQNR over all elements."""
    elements = sum(row.elements for row in rows)
    error = sum(row.mse * row.elements for row in rows)
    signal = sum(float((tensor.values**2).sum()) for tensor in tensors)
    return {
        "layers": len(rows),
        "elements": elements,
        "absmax": max(row.absmax for row in rows),
        "mse": error / elements,
        "sqnr_db": 10 * math.log10(signal / error) if error and signal else None,
        "bits": sum(row.bits for row in rows),
    }


def _print_table(rows: list[LayerReport], total: dict[str, Any], fmt: AFPFormat) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"weights in {fmt}, {fmt.width} bits")
    table.add_column("layer", overflow="fold")
    for heading in ("shape", "absmax", "bias", "mse", "SQNR dB", "bits"):
        table.add_column(heading, justify="right")

    def decibels(value: float | None) -> str:
        return "exact" if value is None else f"{value:.2f}"

    for row in rows:
        biases = row.bias if isinstance(row.bias, list) else [row.bias]
        low, high = min(biases), max(biases)
        table.add_row(
            row.name,
            "x".join(map(str, row.shape)),
            f"{row.absmax:.4g}",
            str(low) if low == high else f"{low}..{high}",
            f"{row.mse:.3e}",
            decibels(row.sqnr_db),
            f"{row.bits:,}",
        )
    table.add_section()
    table.add_row(
        "TOTAL",
        f"{total['elements']:,}",
        f"{total['absmax']:.4g}",
        "",
        f"{total['mse']:.3e}",
        decibels(total["sqnr_db"]),
        f"{total['bits']:,}",
    )
    # In a file the table is as wide as the names need it to be.
    Console(width=None if sys.stdout.isatty() else 160).print(table)


@click.command(name="quantize")
@click.argument("model", type=FILE)
@format_option("--weights", "Format of the weights, e.g. e3m1.", required=True)
@click.option("--layer", "layers", multiple=True, metavar="NAME", help="Only this layer; repeat.")
@click.option("--channel", is_flag=True, help="One bias per output channel, not one per tensor.")
@json_option
@out_option("Folder for the codes: MODEL.FORMAT.npz and MODEL.FORMAT.json.")
def command(
    model: Path,
    weights: AFPFormat,
    layers: tuple[str, ...],
    channel: bool,
    as_json: bool,
    out: Path | None,
) -> None:
    """Quantize the weights of MODEL (.onnx, .safetensors, .npz) and show what it costs.

    MODEL may be the word "embedded": the model that comes with afp-hw. Each bias is the paper's:
    the finest grid on which the largest magnitude still fits. Batch norm is folded first.

    Example: afp-hw quantize embedded --weights e3m1
    """
    from afp_hw.cli.model import model_file
    from afp_hw.network import archive, choose, load_weights

    if not weights.signed:
        raise ValueError(f"--weights must be a signed format, not {str(weights)!r}")
    path = model_file(model)
    tensors = choose(load_weights(path), layers)
    results = [quantize_layer(tensor, weights, channel) for tensor in tensors]
    rows = [row for row, _ in results]
    total = total_row(rows, tensors)
    document = {
        "model": path.stem,
        "format": str(weights),
        "layers": [asdict(row) for row in rows],
        "total": total,
    }
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    # Nothing is printed before it is clear that the codes can be written.
    directory = None if out is None else output_directory(out)
    if as_json:
        click.echo(text, nl=False)
    else:
        _print_table(rows, total, weights)
    if directory is not None:
        codes = {row.name: code for row, code in results}
        name = f"{path.stem}.{weights}"
        for written in (
            write_atomic(directory / f"{name}.npz", archive(codes)),
            write_atomic(directory / f"{name}.json", text),
        ):
            click.echo(written, err=as_json)
