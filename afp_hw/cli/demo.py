"""``afp-hw demo``: the other subcommands, one after the other, on the embedded model."""

from __future__ import annotations

import importlib
import shlex
import sys
import time
from importlib.resources import files
from pathlib import Path

import click

from afp_hw.cli.options import out_option
from afp_hw.files import output_directory, write_atomic

_LAYER = "block2.conv1"


def _recipe(directory: Path) -> Path:
    """A copy of the packaged recipe, for the user to change."""
    text = (files("afp_hw.cli") / "demo.toml").read_text(encoding="utf-8")
    return write_atomic(directory / "demo.toml", text)


def _steps(recipe: Path, out: Path) -> list[tuple[str, list[str]]]:
    """What to do: a heading, and the arguments of ``afp-hw``."""
    design, here = ["--design", str(recipe)], ["-o", str(out)]
    return [
        (
            "The trained network in AFP: each layer's format, bias and error",
            ["quantize", "embedded", "--weights", "e3m1", *here],
        ),
        ("A processing element in Verilog", ["verilog", "pe", *design, *here]),
        ("A systolic array of them", ["verilog", "array", *design, *here]),
        (
            "A layer of the network on that array, every output and every cycle checked",
            ["simulate", "embedded", "--layer", _LAYER, *design, "--clock-mhz", "100"],
        ),
        (
            "The processing element in real cells, its energy from that layer's operands",
            ["synth", "pe", *design, "--operands", f"embedded:{_LAYER}", *here],
        ),
    ]


def _next(recipe: Path, out: Path) -> list[tuple[str, list[str]]]:
    """What to try after the demo: what it shows, and the arguments of ``afp-hw``."""
    design, here = ["--design", str(recipe)], ["-o", str(out)]
    return [
        ("every layer on the array", ["simulate", "embedded", "--all", *design]),
        ("a smaller format", ["synth", "pe", "--weights", "e2m1", "--acts", "e2m1", "--k", "576"]),
        ("a network of yours", ["quantize", "NETWORK.onnx", "--weights", "e3m1"]),
        (
            "an array of yours, after demo.toml",
            ["verilog", "array", "--design", "RECIPE.toml", *here],
        ),
    ]


def _run(arguments: list[str]) -> None:
    name, *rest = arguments
    subcommand: click.Command = importlib.import_module(f"afp_hw.cli.{name}").command
    status = subcommand.main(rest, prog_name=f"afp-hw {name}", standalone_mode=False)
    if status:
        raise click.exceptions.Exit(status)


@click.command(name="demo")
@out_option("Folder for what is written.", default=Path("gen/out/demo"), show_default=True)
def command(out: Path) -> None:
    """Quantize the embedded model, write Verilog for it, simulate a layer, synthesise a PE.

    Each step is a command that can be typed as it is printed.
    """
    directory = output_directory(out)
    recipe = _recipe(directory)
    begun = time.monotonic()
    for number, (heading, arguments) in enumerate(_steps(recipe, directory), 1):
        click.secho(f"\n{number}. {heading}", bold=True)
        click.echo(f"$ afp-hw {shlex.join(arguments)}\n")
        _run(arguments)
    click.secho(f"\nDone in {time.monotonic() - begun:.0f} s.", bold=True)
    click.echo(f"Everything is in {directory}:")
    for path in sorted(directory.iterdir()):
        click.echo(f"  {path.name}")
    program = sys.argv[0] if Path(sys.argv[0]).name == "afp-hw" else "afp-hw"
    click.echo("To try next:")
    for what, arguments in _next(recipe, directory):
        click.echo(f"  {program} {shlex.join(arguments)}   # {what}")
