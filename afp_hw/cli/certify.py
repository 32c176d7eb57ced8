"""``afp-hw certify``: a certificate of a processing element, and its re-check."""

from __future__ import annotations

import functools
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from afp_hw.cli.options import FILE, Command, design_options, out_option
from afp_hw.cli.progress import progress_bars
from afp_hw.design import Design
from afp_hw.files import output_directory, write_atomic

if TYPE_CHECKING:
    from afp_hw.certify.certificate import Certificate


def _print(certificate: Certificate) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=certificate.emitted.name, title_justify="left")
    for heading in ("check", "method", "engine", "verdict"):
        table.add_column(heading, overflow="fold")
    for check in certificate.checks:
        table.add_row(check.key, check.method, check.engine, check.verdict)
    Console(highlight=False).print(table, markup=False)


def _verdict(certificate: Certificate) -> str:
    counts = Counter(check.state for check in certificate.checks)
    told = ", ".join(f"{count} {state}" for state, count in counts.items())
    return f"{certificate.emitted.name}: {certificate.verdict} ({told})"


def _warn_if_partial(certificate: Certificate) -> None:
    for check in certificate.checks:
        if check.state in ("bounded", "open", "skipped"):
            click.echo(f"afp-hw: warning: {check.key} is {check.verdict}", err=True)


def _recheck(path: Path) -> None:
    from afp_hw.certify.recheck import recheck
    from afp_hw.synth.run import work_folder

    with work_folder() as work, progress_bars() as bars:
        certificate, others = recheck(path, work, progress=bars("certify"))
    for other in others:
        click.echo(f"afp-hw: warning: made with {other}", err=True)
    _warn_if_partial(certificate)
    click.echo(f"{_verdict(certificate)}, as {path.name} says")


def _or_check(function: Command) -> Command:
    """``--check FILE`` instead of everything else."""

    @functools.wraps(function)
    def chosen(*, check: Path | None, **parameters: Any) -> Any:
        if check is None:
            if parameters["kind"] is None:
                raise click.UsageError("Missing argument 'pe', or --check FILE.")
            return function(**parameters)
        given = sorted(
            option.opts[0] if isinstance(option, click.Option) else str(parameters["kind"])
            for option in click.get_current_context().command.params
            if parameters.get(str(option.name)) is not None
        )
        if given:
            raise ValueError(f"--check must stand alone, not beside {', '.join(given)}")
        return _recheck(check)

    decorated: Command = chosen
    return decorated


@click.command(name="certify")
@click.option(
    "--check",
    type=FILE,
    metavar="FILE",
    help="Run a certificate's checks again and compare; nothing else is given.",
)
@_or_check
@click.argument("kind", type=click.Choice(["pe"]), required=False)
@design_options
@click.option("--seed", type=int, metavar="N", help="Of all random codes.  [default: 0]")
@click.option(
    "--limit",
    type=int,
    metavar="N",
    help="Most effort for one question to the solver, Z3's rlimit.  [default: 30000000]",
)
@click.option("--recipe", "mapping", metavar="NAME", help="Of the synthesis.  [default: cells]")
@click.option(
    "--clock-ns", type=float, metavar="T", help="Clock period of the synthesis.  [default: 10]"
)
@out_option("Folder for NAME.certificate.json, NAME.v, NAME.json, NAME.netlist.v.")
def command(
    kind: str | None, design: Design, out: Path | None, mapping: str | None, **given: Any
) -> None:
    """Certify a processing element: its Verilog and the netlist that synthesis makes of it.

    Every pair of codes is simulated in every lane and compared with the golden model, its scalar
    definition and gfloat. Z3 proves by induction, for every input sequence, that sums are exact,
    never overflow and come in their cycle, and that the netlist does what the Verilog does.

    Exit status 1 if a check fails. With --check, also if a file or an outcome differs.

    Example: afp-hw certify pe --weights e3m1 --acts e3m1 --k 1024 -o gen/out
    """
    from afp_hw.certify.certificate import Options, certify
    from afp_hw.synth.run import work_folder

    if out is None:
        raise click.UsageError("Missing option '-o' / '--out'.")
    given["recipe"] = mapping
    options = Options(**{name: value for name, value in given.items() if value is not None})
    directory = output_directory(out)
    with work_folder() as work, progress_bars() as bars:
        certificate = certify(design, options, work, progress=bars("certify"))
        name = certificate.emitted.name
        certificate.emitted.write(directory)
        write_atomic(directory / f"{name}.netlist.v", certificate.netlist)
        path = write_atomic(directory / f"{name}.certificate.json", certificate.text)
    _print(certificate)
    certificate.require()
    _warn_if_partial(certificate)
    click.echo(f"{_verdict(certificate)}\nwritten: {path}")
