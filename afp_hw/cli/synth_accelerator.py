"""``afp-hw synth accelerator``: area and critical path of the logic, memories apart."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from afp_hw.design import AcceleratorDesign
from afp_hw.files import output_directory, write_atomic

if TYPE_CHECKING:
    from afp_hw.synth import Recipe, Technology
    from afp_hw.synth.accelerator_report import AcceleratorReport
    from afp_hw.synth.run import Progress

_OF_OTHERS = ("operands", "input_file", "objective", "proven")


def refuse_options_of_others() -> None:
    """Raise where an option was given that says nothing of an accelerator."""
    context = click.get_current_context()
    for parameter in context.command.params:
        given = context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
        if parameter.name in _OF_OTHERS and given:
            raise ValueError(f"{parameter.opts[0]} must not be of an accelerator")


def _print(report: AcceleratorReport) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    figures = Table(title=report.name, show_header=False, title_justify="left")
    for row in report.figures():
        figures.add_row(*row)
    console.print(figures)
    for title, header, rows in (
        (
            f"By part (hierarchy kept, recipe {report.recipe})",
            report.part_header,
            report.part_rows(),
        ),
        ("Memories", report.memory_header, report.memory_rows()),
    ):
        table = Table(title=title)
        for index, heading in enumerate(header):
            table.add_column(heading, justify="right" if index else "left")
        for row in rows[:-1]:
            table.add_row(*row)
        table.add_section()
        table.add_row(*rows[-1])
        console.print(table)
    for note in report.notes:
        console.print(note, style="dim")


def run(
    design: AcceleratorDesign,
    technology: Technology,
    recipes: Sequence[Recipe],
    progress_bar: Callable[[], AbstractContextManager[Progress]],
    *,
    clock_ns: float,
    jobs: int | None,
    as_json: bool,
    out: Path | None,
) -> None:
    """Synthesise an accelerator and print or write the report; no recipes: the usual one."""
    from afp_hw.synth.accelerator import DEFAULT_RECIPE, synthesize_accelerator
    from afp_hw.synth.run import work_folder

    directory = output_directory(out) if out is not None else None
    with work_folder() as work, progress_bar() as progress:
        report, netlist = synthesize_accelerator(
            design,
            technology,
            list(recipes) or [DEFAULT_RECIPE],
            clock_ns=clock_ns,
            jobs=jobs or len(os.sched_getaffinity(0)),
            work_dir=work,
            progress=progress,
        )
    if directory is not None:
        write_atomic(directory / f"{report.name}.mapped.v", netlist)
        write_atomic(directory / f"{report.name}.synth.json", report.json_text())
        write_atomic(directory / f"{report.name}.synth.md", report.markdown())
    if as_json:
        sys.stdout.write(report.json_text())
        return
    _print(report)
    if directory is not None:
        click.echo(f"written: {directory / report.name}.synth.json, .synth.md, .mapped.v")
