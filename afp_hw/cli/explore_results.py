"""``afp-hw explore status``, ``export`` and ``pareto``: what a store has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from afp_hw.cli.options import FILE, json_option

if TYPE_CHECKING:
    from afp_hw.explore.space import Space
    from afp_hw.explore.store import Store

sweep_option = click.option(
    "--sweep", metavar="NAME", help="Which one of the store.  [default: the last one]"
)


class _Names(click.ParamType[tuple[str, ...]]):
    """``accuracy,energy_nj`` to names."""

    name = "names"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        from afp_hw.explore.metrics import METRICS

        names = tuple(dict.fromkeys(part.strip() for part in str(value).split(",")))
        for name in names:
            if name not in METRICS:
                self.fail(f"must be some of {', '.join(METRICS)}, not {name!r}", param, ctx)
        return names


def print_plan(space: Space, store: Store, jobs: int, as_json: bool) -> None:
    """What a sweep would do."""
    from afp_hw.explore.estimate import estimate

    found = estimate(space, store, jobs)
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    click.echo(f"{space.name}: {found['points']} points, {found['jobs']} jobs")
    for kind, item in found["kinds"].items():
        click.echo(
            f"  {kind:<9} {item['jobs']:>6} jobs, {item['known']:>6} known, "
            f"{item['seconds']:>8.1f} s each ({item['source']})"
        )
    minutes = found["seconds"] / 60
    click.echo(f"about {minutes:.0f} min on {jobs} processes, for what is not known")


@click.command(name="status")
@click.argument("store", metavar="STORE", type=FILE)
@json_option
def status(store: Path, as_json: bool) -> None:
    """What STORE has: its sweeps, their points, what cannot be built and what failed.

    Example: afp-hw explore status embedded.sqlite
    """
    from afp_hw.explore.store import Store
    from afp_hw.explore.summary import summary

    with Store(store, create=False) as opened:
        found = summary(opened)
    if as_json:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for sweep in found["sweeps"]:
        states = ", ".join(f"{count} {state}" for state, count in sweep["states"].items())
        click.echo(f"{sweep['name']} ({sweep['strategy']}): {sweep['points']} points: {states}")
        for reason, count in sweep["reasons"].items():
            click.echo(f"  {count} x {reason}")
    for failure in found["failures"]:
        click.echo(f"failed {failure['kind']} {failure['key']}: {failure['reason']}")
        for line in failure["log"].splitlines()[-12:]:
            click.echo(f"    {line}")
    seconds = sum(item["seconds"] for item in found["kinds"].values())
    click.echo(f"{found['results']} results, {seconds / 60:.1f} minutes of processors")


@click.command(name="export")
@click.argument("store", metavar="STORE", type=FILE)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "json", "parquet"]),
    help="[default: by the file's suffix, else csv]",
)
@click.option("-o", "--out", type=FILE, metavar="FILE", help="[default: standard output]")
@sweep_option
def export(store: Path, kind: str | None, out: Path | None, sweep: str | None) -> None:
    """Points of STORE as a table: a row each, with axes and figures; JSON has the details too.

    Example: afp-hw explore export embedded.sqlite -o points.csv
    """
    from afp_hw.explore.document import document_of
    from afp_hw.explore.tables import TEXT, parquet_bytes
    from afp_hw.files import write_atomic

    suffix = "" if out is None else out.suffix.lstrip(".")
    kind = kind or (suffix if suffix in ("json", "parquet") else "csv")
    if kind == "parquet" and out is None:
        raise ValueError("--out must be given for parquet, which is no text")
    document = document_of(store, sweep)
    made = parquet_bytes(document) if kind == "parquet" else TEXT[kind](document)
    if out is None:
        click.echo(made, nl=False)
        return
    click.echo(write_atomic(out, made))


@click.command(name="pareto")
@click.argument("store", metavar="STORE", type=FILE)
@click.option(
    "--objectives", type=_Names(), metavar="NAME,NAME", help="[default: those of the space]"
)
@sweep_option
@json_option
def pareto(
    store: Path, objectives: tuple[str, ...] | None, sweep: str | None, as_json: bool
) -> None:
    """Points of STORE that no other point beats in all objectives.

    Example: afp-hw explore pareto embedded.sqlite --objectives accuracy,area_um2
    """
    from afp_hw.explore.document import document_of
    from afp_hw.explore.tables import front_rows, named_axes

    document = document_of(store, sweep)
    names = objectives or tuple(name for name, _ in document["space"]["objectives"])
    points = front_rows(document, names)
    if as_json:
        click.echo(json.dumps({"objectives": names, "points": points}, indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    axes = named_axes(document)
    table = Table(title=f"{document['space']['name']}: {len(points)} points on the front")
    for axis in axes:
        table.add_column(axis)
    for name in names:
        table.add_column(name, justify="right")
    for point in points:
        cells = [_cell(point["axes"][axis]) for axis in axes]
        table.add_row(*cells, *(_figure(point["metrics"][name]) for name in names))
    Console(highlight=False).print(table)


def _cell(value: Any) -> str:
    return "–" if value is None else str(value)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
