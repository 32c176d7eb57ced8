"""``afp-hw compare``: formats against one another in area, delay and energy of a MAC."""

from __future__ import annotations

import json
import math
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from afp_hw.cli.options import FILE, json_option, out_option
from afp_hw.cli.progress import progress_bars
from afp_hw.files import output_directory, write_atomic

if TYPE_CHECKING:
    from afp_hw.compare.comparison import Comparison


class _Names(click.ParamType[tuple[str, ...]]):
    """``e3m1,int8`` to names, each once."""

    name = "formats"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        return tuple(dict.fromkeys(part.strip() for part in str(value).split(",")))


class _Lanes(click.ParamType[tuple[int, ...]]):
    """``1,4`` to whole numbers, each once."""

    name = "numbers"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in str(value).split(",")]
        if not all(part.isdecimal() and int(part) for part in parts):
            self.fail(f"must be numbers from 1 with commas between, not {value!r}", param, ctx)
        return tuple(dict.fromkeys(int(part) for part in parts))


def _print(comparison: Comparison) -> None:
    from rich.console import Console
    from rich.table import Table

    from afp_hw.compare.tables import header, penalty_lines, rows

    console = Console(highlight=False, width=max(Console().width, 140))
    table = Table(title=comparison.title, title_justify="left")
    headings = header(comparison)
    for index, heading in enumerate(headings):
        last = index == len(headings) - 1
        table.add_column(heading, justify="left" if index == 0 or last else "right", no_wrap=last)
    for row in rows(comparison):
        table.add_row(*row)
    console.print(table)
    for line in penalty_lines(comparison):
        console.print(line)


@click.command(name="compare")
@click.option(
    "--formats",
    type=_Names(),
    metavar="F,F",
    help="Rows: AFP (e3m1), integers (int8), fp8e4m3, fp8e5m2, bf16, fp16, tf32, fp32, or "
    "WEIGHTS/ACTS.  [default: fourteen of them]",
)
@click.option("--quick", is_flag=True, help="Only e2m1, e3m1, int4 and int8.")
@click.option(
    "--lanes",
    type=_Lanes(),
    default="1",
    show_default=True,
    metavar="N,N",
    help="Products per cycle of AFP and integers.",
)
@click.option(
    "--k",
    type=click.IntRange(1),
    default=1024,
    show_default=True,
    metavar="N",
    help="Products in a sum.",
)
@click.option(
    "--liberty",
    type=FILE,
    multiple=True,
    metavar="FILE",
    help="Liberty file instead of the embedded SKY130; several make one library.",
)
@click.option(
    "--clock-ns",
    type=float,
    default=5.0,
    show_default=True,
    metavar="T",
    help="Clock period that every element must meet.",
)
@click.option(
    "--operands",
    default="embedded:block2.conv1",
    show_default=True,
    metavar="MODEL:LAYER",
    help="Layer whose tensors are multiplied, each rounded to each format.",
)
@click.option(
    "--input", "input_file", type=FILE, metavar="FILE", help="Images for another model: .npy."
)
@click.option(
    "--objective",
    type=click.Choice(["product", "energy", "area", "speed"]),
    default="product",
    show_default=True,
    help="What each search makes small; product: area x energy.",
)
@click.option(
    "--jobs", type=click.IntRange(1), metavar="N", help="Syntheses at once.  [default: CPUs]"
)
@json_option
@out_option("Folder for compare.json, .md, .csv, .png and .svg.")
def command(
    formats: tuple[str, ...] | None,
    quick: bool,
    lanes: tuple[int, ...],
    k: int,
    liberty: tuple[Path, ...],
    clock_ns: float,
    operands: str,
    input_file: Path | None,
    objective: Any,
    jobs: int | None,
    as_json: bool,
    out: Path | None,
) -> None:
    """Compare formats in silicon: the best processing element of each, found by one search.

    AFP, integers and floating point get the same options (registers, gating, segments), the same
    recipes, and operands of the same layer; every netlist computes what its golden model does.
    Every measurement is kept: interrupt and repeat as you like.

    Example: afp-hw compare --formats e3m1,int8
    """
    from afp_hw.cli.layer_operands import matrices_for
    from afp_hw.compare.comparison import Comparison, compare
    from afp_hw.compare.evaluate import Evaluator
    from afp_hw.compare.subjects import DEFAULT_FORMATS, QUICK_FORMATS, parse_subject
    from afp_hw.synth import Technology

    if not 0 < clock_ns < math.inf:
        raise ValueError(f"--clock-ns must be positive, not {clock_ns!r}")
    if quick and formats is not None:
        raise ValueError("--quick must stand alone, not beside --formats")
    names = formats or (QUICK_FORMATS if quick else DEFAULT_FORMATS)
    subjects = list(dict.fromkeys(parse_subject(n, lane) for lane in lanes for n in names))
    technology = Technology.from_liberty(liberty) if liberty else Technology.sky130()
    directory = None if out is None else output_directory(out)
    evaluator = Evaluator(
        technology,
        clock_ns,
        matrices_for(operands, input_file),
        jobs=jobs or len(os.sched_getaffinity(0)),
    )
    with progress_bars(hidden=as_json) as start, closing(evaluator):
        rows = list(compare(subjects, evaluator, k=k, objective=objective, report=start("formats")))
    comparison = Comparison(evaluator.conditions(k=k, objective=objective), rows)
    text = json.dumps(comparison.as_json(), indent=1, ensure_ascii=False) + "\n"
    if as_json:
        click.echo(text, nl=False)
    else:
        _print(comparison)
    if directory is not None:
        for path in _write(comparison, text, directory):
            click.echo(path, err=as_json)


def _write(comparison: Comparison, text: str, directory: Path) -> list[Path]:
    """All files of a comparison."""
    from afp_hw.compare.tables import csv_text, markdown
    from afp_hw.report.figure_file import render
    from afp_hw.report.figures import DRAW

    written = [
        write_atomic(directory / "compare.json", text),
        write_atomic(directory / "compare.md", markdown(comparison)),
        write_atomic(directory / "compare.csv", csv_text(comparison)),
    ]
    pictures = render(json.loads(text), DRAW["compare"])
    return written + [
        write_atomic(directory / f"compare.{suffix}", data) for suffix, data in pictures.items()
    ]
