"""``afp-hw explore``: sweeps over a space, and what their stores have."""

from __future__ import annotations

import difflib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from afp_hw.cli import explore_results
from afp_hw.cli.options import FILE
from afp_hw.cli.progress import progress_bars
from afp_hw.files import output_directory

if TYPE_CHECKING:
    from collections.abc import Callable

    from afp_hw.explore.executors import Executor
    from afp_hw.explore.space import Space
    from afp_hw.explore.sweep import Tally

_EMBEDDED = "embedded"
_RUN = "run"


class _Explore(click.Group):
    """A group in which a word that is no subcommand is a space to be run."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands:
            word = "." not in args[0] and args[0] != _EMBEDDED  # a file of TOML mostly has a dot
            close = difflib.get_close_matches(args[0], self.commands, n=1)
            if word and close and not Path(args[0]).exists():
                ctx.fail(f"No such command or file {args[0]!r}; did you mean {close[0]!r}?")
            args = [_RUN, *args]
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # Options of a run may stand before its space.
        if args and args[0].startswith("-") and args[0] not in ctx.help_option_names:
            args = [_RUN, *args]
        return super().parse_args(ctx, args)


@click.group(name="explore", cls=_Explore)
def command() -> None:
    """Explore a space of formats, arrays and options: afp-hw explore SPACE.toml.

    What was measured is kept in a store beside the space: a job is never computed twice, and a
    sweep that was interrupted or killed goes on where it was. `afp-hw explore run --help` has the
    options, docs/explore.md the axes.

    Example: afp-hw explore embedded
    """


def space_named(text: str) -> tuple[Space, Path]:
    """A space, and where its store is by default.

    Raises
    ------
    ValueError
        It is no space.
    OSError
        The file cannot be read.
    """
    from importlib.resources import files

    from afp_hw.explore.space_file import load_space

    if text == _EMBEDDED:
        path = Path(str(files("afp_hw.explore") / "embedded.toml"))
        return load_space(path), Path("embedded.sqlite")
    path = Path(text)
    return load_space(path), path.with_suffix(".sqlite")


@command.command(name=_RUN)
@click.argument("space", metavar="SPACE")
@click.option(
    "--store", type=FILE, metavar="FILE", help="Where results are kept.  [default: SPACE.sqlite]"
)
@click.option(
    "-j", "--jobs", type=click.IntRange(1), metavar="N", help="Processes.  [default: CPUs]"
)
@click.option("--scheduler", metavar="ADDRESS", help="Of a Dask cluster: tcp://host:port.")
@click.option(
    "--cluster",
    type=click.Choice(["slurm", "lsf", "pbs", "sge"]),
    help="Start Dask workers as jobs of this batch system; dask-jobqueue's configuration file says "
    "how.",
)
@click.option(
    "--workers", type=click.IntRange(1), metavar="N", help="Batch jobs of --cluster.  [default: 4]"
)
@click.option("--dry-run", is_flag=True, help="Say how many jobs there are and how long they take.")
@click.option("--retry-failed", is_flag=True, help="Try again what failed in an earlier sweep.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def run(
    space: str,
    store: Path | None,
    jobs: int | None,
    scheduler: str | None,
    cluster: str | None,
    workers: int | None,
    dry_run: bool,
    retry_failed: bool,
    as_json: bool,
) -> int:
    """Explore SPACE, a TOML file, or 'embedded'.

    Exit status 1 if two models differed in a job, 3 if a job failed otherwise.

    Example: afp-hw explore embedded --dry-run
    """
    chosen = {"--jobs": jobs, "--scheduler": scheduler, "--cluster": cluster}
    given = [option for option, value in chosen.items() if value is not None]
    if len(given) > 1:
        raise ValueError(f"{given[0]} must stand alone, not beside {given[1]}")
    if workers is not None and cluster is None:
        raise ValueError("--workers must come with --cluster, not alone")
    walked, beside = space_named(space)
    path = store or beside
    from afp_hw.explore.store import Store

    if dry_run:
        with Store(path if path.exists() else ":memory:") as opened:
            explore_results.print_plan(walked, opened, jobs or _processors(), as_json)
        return 0
    output_directory(path.absolute().parent)
    if path.exists():
        Store(path).close()  # a store that is none is refused before a cluster is started
    executor = _executor(scheduler, cluster, workers, jobs)
    with Store(path) as opened:
        from afp_hw.explore.sweep import Sweep

        with progress_bars(hidden=as_json) as bar:
            sweep = Sweep(
                walked,
                opened,
                executor,
                report=bar(f"explore {walked.name}"),
                retry_failed=retry_failed,
            )
            tally = sweep.run()
    return _print(tally, path, as_json)


def _processors() -> int:
    return len(os.sched_getaffinity(0))


def _executor(
    scheduler: str | None, cluster: str | None, workers: int | None, jobs: int | None
) -> Callable[[], Executor]:
    """What makes an executor once it is needed; a cluster that is not there is refused at once."""
    if scheduler is not None or cluster is not None:
        from afp_hw.explore.cluster import connect, start

        made = connect(scheduler) if scheduler is not None else start(str(cluster), workers or 4)
        return lambda: made
    from afp_hw.explore.local import LocalExecutor

    return lambda: LocalExecutor(jobs or _processors())


def _print(tally: Tally, path: Path, as_json: bool) -> int:
    if as_json:
        document: dict[str, Any] = {
            "store": str(path),
            "points": tally.points,
            "known": tally.known,
            "computed": tally.computed,
            "refused": tally.refused,
            "failed": tally.failed,
            "busy_seconds": tally.busy_s,
            "seconds": tally.wall_s,
        }
        click.echo(json.dumps(document, indent=1))
    else:
        click.echo(
            f"{path}: {tally.points} points, {tally.known + tally.computed} results, "
            f"{tally.computed} of them computed now in {tally.wall_s:.0f} s"
        )
        if tally.refused:
            click.echo(f"{tally.refused} cannot be built: afp-hw explore status {path} says why")
    if tally.mismatch:
        click.echo(f"afp-hw: two models differ: {tally.mismatch}", err=True)
        return 1
    if tally.failed:
        click.echo(
            f"afp-hw: {tally.failed} jobs failed: afp-hw explore status {path} has their logs",
            err=True,
        )
        return 3
    return 0


command.add_command(explore_results.status)
command.add_command(explore_results.export)
command.add_command(explore_results.pareto)
