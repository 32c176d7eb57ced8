"""``afp-hw synth --fpga``: what a component needs of an FPGA, and how fast it runs there."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from afp_hw.cli.options import Command
from afp_hw.design import AcceleratorDesign, Design
from afp_hw.files import output_directory, write_atomic

if TYPE_CHECKING:
    from afp_hw.synth.fpga import FpgaReport, Progress

FAMILIES: Final = ("ecp5", "ice40")
# What both flows take; --fpga excludes whatever else was given.
_SHARED: Final = ("kind", "design", "clock_ns", "as_json", "out")


@contextmanager
def _spinner() -> Iterator[Progress]:
    """The step that runs, on stderr, where that is a terminal."""
    from rich.console import Console

    with Console(stderr=True).status("FPGA") as status:
        yield lambda step: status.update(f"FPGA: {step}")


def _print(report: FpgaReport) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    figures = Table(title=report.name, show_header=False, title_justify="left")
    for row in report.figures():
        figures.add_row(*row)
    console.print(figures)
    for note in report.notes:
        console.print(note, style="dim", markup=False)


def _run(
    kind: str,
    design: Design | AcceleratorDesign,
    clock_ns: float,
    *,
    family: str,
    device: str | None,
    seed: int,
    as_json: bool,
    out: Path | None,
) -> None:
    from afp_hw.synth.fpga import synthesize_fpga
    from afp_hw.synth.fpga_devices import find_device
    from afp_hw.synth.run import emit, work_folder

    if not 0 < clock_ns < math.inf:
        raise ValueError(f"--clock-ns must be positive, not {clock_ns!r}")
    find_device(family, device)
    directory = output_directory(out) if out is not None else None
    with work_folder() as work, _spinner() as progress:
        emitted = emit(kind, design)
        source, _ = emitted.write(work)
        mapped = work / "fpga"
        report = synthesize_fpga(
            [source],
            emitted.name,
            family,
            work_dir=mapped,
            clock_ns=clock_ns,
            device=device,
            seed=seed,
            progress=progress,
        )
        if directory is not None:
            netlist = (mapped / "netlist.v").read_bytes()
            write_atomic(directory / f"{report.name}.fpga.v", netlist)
            write_atomic(directory / f"{report.name}.fpga.json", report.json_text())
            write_atomic(directory / f"{report.name}.fpga.md", report.markdown())
    if as_json:
        sys.stdout.write(report.json_text())
        return
    _print(report)
    if directory is not None:
        click.echo(f"written: {directory / report.name}.fpga.json, .fpga.md, .fpga.v")


def _refuse(context: click.Context, names: list[str], sentence: str) -> None:
    """Raise where one of the parameters `names` was given; the sentence gets its option."""
    for parameter in context.command.params:
        given = context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
        if parameter.name in names and given:
            raise ValueError(sentence.format(parameter.opts[0]))


def fpga_options(function: Command) -> Command:
    """``--fpga FAMILY`` runs the flow of an FPGA instead of `function`; ``--device``, ``--seed``.

    Raises
    ------
    ValueError
        Options of cells beside ``--fpga``, or options of an FPGA without it.
    """

    @functools.wraps(function)
    def with_fpga(*, fpga: str | None, device: str | None, seed: int, **parameters: Any) -> Any:
        context = click.get_current_context()
        if fpga is None:
            _refuse(context, ["device", "seed"], "{} must come with --fpga")
            return function(**parameters)
        others = [name for name in parameters if name not in _SHARED]
        _refuse(context, others, "--fpga must stand alone, not beside {}")
        shared = {name: parameters[name] for name in _SHARED}
        return _run(family=fpga, device=device, seed=seed, **shared)

    decorated: Command = with_fpga
    for decorate in (
        click.option(
            "--seed",
            type=click.IntRange(0, (1 << 31) - 1),
            default=1,
            show_default=True,
            metavar="N",
            help="Of place and route, with --fpga.",
        ),
        click.option(
            "--device",
            metavar="NAME",
            help="ecp5: 25k, 45k or 85k; ice40: up5k (DSPs) or hx8k.  [default: the first]",
        ),
        click.option("--fpga", type=click.Choice(FAMILIES), help="Map to an FPGA instead."),
    ):
        decorated = decorate(decorated)
    return decorated
