"""``afp-hw run``: a compiled program on the accelerator, every bit and every cycle checked."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from afp_hw.cli.dataset import data_options
from afp_hw.cli.options import FILE, format_option, json_option
from afp_hw.cli.run_report import print_run
from afp_hw.design import load_accelerator
from afp_hw.files import output_directory, write_atomic

if TYPE_CHECKING:
    from afp_hw.formats import AFPFormat


def _require_options(directory: Path | None, engine: str, **shapes: object) -> None:
    """Refuse options that do not go together."""
    given = {f"--{name}": value for name, value in shapes.items() if value is not None}
    if directory is None:
        if "--topology" not in given:
            raise ValueError("DIR must be given, or --topology FILE.csv instead")
        if "--design" not in given:
            raise ValueError("--design must be given beside --topology")
        if engine != "model":
            raise ValueError(f"--topology must come with --engine model, not with {engine}")
    elif given:
        raise ValueError(f"DIR must stand alone, not beside {', '.join(given)}")


def _require_no_images(engine: str, **images: object) -> None:
    """Refuse options on images where none are run."""
    given = [f"--{name}" for name, value in images.items() if value is not None]
    if engine == "model" and given:
        raise ValueError(f"--engine model runs no images: it must come without {', '.join(given)}")


@click.command(name="run")
@click.argument("directory", metavar="[DIR]", type=FILE, required=False)
@click.option(
    "--data",
    "data_file",
    type=FILE,
    metavar="D.npz",
    help="Array 'images', and 'labels' if there are.  [default: embedded ones]",
)
@data_options
@click.option(
    "--images",
    "count",
    type=int,
    metavar="N",
    help="Images to run.  [default: 1; all with --engine golden]",
)
@click.option(
    "--engine",
    type=click.Choice(["rtl", "golden", "model"]),
    default="rtl",
    show_default=True,
    help="The Verilog, checked; the interpreter alone; cycles alone.",
)
@click.option(
    "--latency",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    metavar="N",
    help="Clock edges from a read to its first beat, and from a write to its answer.",
)
@click.option(
    "-j", "--jobs", type=click.IntRange(1), metavar="N", help="Images at once.  [default: CPUs]"
)
@click.option(
    "--topology",
    type=FILE,
    metavar="FILE.csv",
    help="Instead of DIR: shapes of layers, in SCALE-Sim's format (--engine model).",
)
@click.option(
    "--design", "recipe", type=FILE, metavar="FILE", help="gen/*.toml, beside --topology."
)
@format_option("--weights", "Of --topology.  [default: the design's widest]")
@format_option("--acts", "Of --topology.  [default: the design's widest]")
@json_option
@click.option("-o", "--out", type=FILE, metavar="FILE", help="Write the JSON document there too.")
def command(
    directory: Path | None,
    data_file: Path | None,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    count: int | None,
    engine: str,
    latency: int,
    jobs: int | None,
    topology: Path | None,
    recipe: Path | None,
    weights: AFPFormat | None,
    acts: AFPFormat | None,
    as_json: bool,
    out: Path | None,
) -> None:
    """Run the program in DIR, which `afp-hw compile` wrote.

    With --engine rtl the complete accelerator runs as compiled Verilog with a memory: every bit of
    every stored tensor is compared with golden, every time of every descriptor and the counters
    with the schedule. What is interrupted goes on where it was.

    A layer's cycles are those from the end of the last descriptor of the layer before it to the end
    of its own last one.

    With --topology nothing but the shapes of layers is known, and cycles are those of the schedule.

    Example: afp-hw run gen/out --images 10
    """
    _require_options(
        directory, engine, topology=topology, design=recipe, weights=weights, acts=acts
    )
    _require_no_images(engine, data=data_file, images=count, mean=mean, std=std, jobs=jobs)
    if out is not None:
        output_directory(out.absolute().parent)
    accelerator = None if recipe is None else load_accelerator(recipe)
    # NumPy takes a while to load; what is wrong above should not wait for it.
    from afp_hw.cli.run_documents import data_for, program_document, results_of, shapes_document
    from afp_hw.program.load import load_program

    if topology is not None and accelerator is not None:
        document = shapes_document(topology, accelerator, weights, acts, latency)
    elif directory is not None:
        program, accelerator = load_program(directory)
        document = program_document(program, accelerator, engine, latency)
        if engine != "model":
            some = 1 if count is None and engine == "rtl" else count
            data = data_for(program, data_file, mean, std).first(some)
            document |= results_of(
                directory, program, accelerator, data, engine, latency,
                jobs or len(os.sched_getaffinity(0)),
            )  # fmt: skip
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    if out is not None:
        write_atomic(out, text)
    if as_json:
        click.echo(text, nl=False)
        return
    print_run(document)
    if out is not None:
        click.echo(f"written: {out}")
