"""``afp-hw report``: a run or an explored space as one HTML file."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from afp_hw.cli.options import FILE
from afp_hw.files import output_directory, write_atomic


@click.command(name="report")
@click.argument("run", type=FILE, metavar="STORE|RUN")
@click.option("-o", "--out", type=FILE, required=True, metavar="FILE", help="The HTML file.")
@click.option("--open", "opened", is_flag=True, help="Show it in the browser.")
def command(run: Path, out: Path, opened: bool) -> None:
    """Write STORE (of afp-hw explore) or RUN (JSON of a subcommand) as one HTML file.

    RUN is what explore export, run, energy, evaluate, search, compare or rivals wrote as JSON, or
    the NAME.anatomy.json of synth pe. The file opens in any browser, needs no network, and is the
    same for the same input.

    Example: afp-hw report gen/out/compare/compare.json -o report.html
    """
    output_directory(out.absolute().parent)
    from afp_hw.report.html.kinds import page_of, read_run
    from afp_hw.report.html.render import render

    text = render(page_of(read_run(run), run.name))
    write_atomic(out, text)
    click.echo(out)
    if opened:
        webbrowser.open(out.absolute().as_uri())
