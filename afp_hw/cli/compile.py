"""``afp-hw compile``: a model as the program of an accelerator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from afp_hw.cli.layer_options import LayerInputs
from afp_hw.cli.model import EMBEDDED, read_images
from afp_hw.cli.options import FILE, format_option, json_option, out_option
from afp_hw.design import AcceleratorDesign, load_accelerator
from afp_hw.files import output_directory, write_atomic

if TYPE_CHECKING:
    from afp_hw.formats import AFPFormat
    from afp_hw.network import LoweredNetwork

_FLOWS = ("weights", "outputs")


def _lowered(
    model: str, accelerator: AcceleratorDesign, inputs: LayerInputs, dynamic: bool
) -> LoweredNetwork:
    """The model with a format for every tensor."""
    from afp_hw.cli.layer_inputs import lowered_network
    from afp_hw.embedded import calibration_images
    from afp_hw.network import lower
    from afp_hw.network.grids import with_dynamic_grids
    from afp_hw.program.fit import room_in

    if model == EMBEDDED:
        images = calibration_images()
    elif inputs.calibration_file is not None:
        images = read_images("--calibration", inputs.calibration_file)
    elif inputs.formats_file is None:
        raise ValueError(
            f"--formats or --calibration must be given for another model than {EMBEDDED!r}"
        )
    else:
        images = calibration_images()[:0]  # not looked at beside a file of formats
    lowered = lowered_network(model, images, accelerator.array, inputs)
    if not dynamic:
        return lowered
    formats = with_dynamic_grids(lowered.assignment)
    return lower(lowered.graph, formats, room_in(accelerator.array))


def _print(manifest: dict[str, Any]) -> None:
    """A line for each layer, and what is where."""
    names = [layer["name"] for layer in manifest["layers"]]
    wide = max(map(len, [*names, "layer"]))
    click.secho(
        f"{'layer':<{wide}}  {'dataflow':<18}  descriptors  strips         MACs  loop cycles"
        "      weights",
        bold=True,
    )
    for layer in manifest["layers"]:
        begin, end = layer["descriptors"]
        click.echo(
            f"{layer['name']:<{wide}}  {layer['dataflow'].replace('_', ' '):<18}  "
            f"{end - begin:>11}  {layer['strips']:>6}  {layer['macs']:>11,}  "
            f"{layer['loop_cycles']:>11,}  {layer['loaded_bytes']['weights']:>9,} B"
        )
    image = manifest["image"]
    click.echo(
        f"{manifest['model']}: image of {image['bytes']:,} bytes (descriptors "
        f"{image['descriptor_bytes']:,}, records {image['record_bytes']:,}, weights "
        f"{image['weight_bytes']:,}), {manifest['memory_bytes']:,} bytes of memory, sha256 "
        f"{image['sha256'][:12]}"
    )


@click.command(name="compile")
@click.argument("model", metavar="MODEL")
@click.option("--design", "recipe", type=FILE, required=True, metavar="FILE", help="gen/*.toml.")
@out_option("Folder for image.bin, manifest.json and afp_network.h.", required=True)
@click.option("--formats", "formats_file", type=FILE, metavar="FILE", help="A formats.json.")
@format_option("--weights", "Format of all weights instead.  [default: e3m1]")
@format_option("--acts", "Format of all activations; the sign follows.  [default: e3m2]")
@click.option(
    "--calibration",
    "calibration_file",
    type=FILE,
    metavar="FILE",
    help="Images for static grids, .npy.  [default: embedded ones]",
)
@click.option(
    "--dynamic",
    is_flag=True,
    help="A grid for each image.  [default: static, or as the file of formats says]",
)
@click.option(
    "--dataflow",
    type=click.Choice(_FLOWS),
    help="What stays in the array.  [default: for each layer what takes fewer cycles]",
)
@json_option
def command(
    model: str,
    recipe: Path,
    out: Path,
    formats_file: Path | None,
    weights: AFPFormat | None,
    acts: AFPFormat | None,
    calibration_file: Path | None,
    dynamic: bool,
    dataflow: str | None,
    as_json: bool,
) -> None:
    """Compile MODEL (an ONNX file, or 'embedded') for the accelerator of a design.

    Writes the image that the accelerator's memory begins with, a manifest that says where input and
    output lie, and a header that says so in C. The same input gives the same bytes.

    Example: afp-hw compile embedded --design gen/accelerator16.toml -o gen/out
    """
    accelerator = load_accelerator(recipe)
    directory = output_directory(out)
    # NumPy and ONNX take a while to load; a misspelt recipe should not wait for them.
    from afp_hw.design.descriptor import Operation
    from afp_hw.program import compile_network
    from afp_hw.program.network_header import network_header

    inputs = LayerInputs(weights, acts, formats_file, calibration_file)
    flows = dict(zip(_FLOWS, Operation, strict=False))
    flow = None if dataflow is None else flows[dataflow]
    lowered = _lowered(model, accelerator, inputs, dynamic)
    program = compile_network(lowered, accelerator, flow)
    text = json.dumps(program.manifest, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    paths = [
        write_atomic(directory / "image.bin", program.image),
        write_atomic(directory / "manifest.json", text),
        write_atomic(directory / "afp_network.h", network_header(program.manifest)),
    ]
    if as_json:
        click.echo(text, nl=False)
        return
    for path in paths:
        click.echo(path)
    _print(dict(program.manifest))
