"""``afp-hw costs``: the table of area and energy by pair of formats that the search weighs."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from afp_hw.cli.options import FILE
from afp_hw.cli.progress import progress_bars
from afp_hw.files import output_directory, write_atomic
from afp_hw.formats import AFPFormat

if TYPE_CHECKING:
    from afp_hw.search.costs import CostTable


class _Formats(click.ParamType[tuple[AFPFormat, ...]]):
    """``e2m1,e3m1`` to formats."""

    name = "formats"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[AFPFormat, ...]:
        try:
            return tuple(AFPFormat.parse(part) for part in str(value).split(","))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _begun(out: Path, conditions: dict[str, Any], fresh: bool) -> tuple[CostTable, bool]:
    """The table to go on with, and whether its rows are those of the packaged one."""
    from afp_hw.search.costs import CostTable

    if out.exists():
        table = CostTable.load(out)
        for name in sorted({*conditions, *table.conditions}):
            wanted, found = conditions.get(name), table.conditions.get(name)
            if wanted != found:
                raise ValueError(
                    f"{out.name}.conditions.{name} must be {wanted!r}, not {found!r}: "
                    "-o another FILE starts a new table"
                )
        return table, False
    if not fresh:
        packaged = CostTable.load()
        if dict(packaged.conditions) == conditions:
            return CostTable(conditions, packaged.rows, out.name), True
    return CostTable(conditions, {}, out.name), False


def _say_fits(table: CostTable) -> None:
    from afp_hw.search.cost_fit import FEWEST_ROWS

    if len(table.rows) < FEWEST_ROWS:
        click.echo(f"no fit: fewer than {FEWEST_ROWS} rows, so only these pairs have a cost")
        return
    for name, fit in table.fits.items():
        click.echo(
            f"fit of {name} for other pairs: residual {fit.mean_residual:.1%} mean, "
            f"{fit.max_residual:.1%} largest, {fit.max_left_out:.1%} of a row that is left out"
        )


@click.command(name="costs")
@click.option(
    "--weights", type=_Formats(), metavar="FORMATS", help="Weight formats, e.g. e2m1,e3m1."
)
@click.option(
    "--acts",
    type=_Formats(),
    metavar="FORMATS",
    help="Activation formats, e.g. ue3m2,e3m2: each with each of --weights.  [default: a lattice "
    "over all splits of widths 2 to 8]",
)
@click.option(
    "--liberty",
    type=FILE,
    multiple=True,
    metavar="FILE",
    help="Liberty file instead of the embedded SKY130; several make one library.",
)
@click.option("--k", type=click.IntRange(1), metavar="N", help="Products in a sum.  [default: 576]")
@click.option("--clock-ns", type=float, metavar="T", help="Clock period.  [default: 10]")
@click.option(
    "--recipe", metavar="NAME", help="The one recipe of all rows.  [default: ripple-balanced]"
)
@click.option("--fresh", is_flag=True, help="Begin a new FILE without the packaged rows.")
@click.option(
    "--jobs", type=click.IntRange(1), metavar="N", help="Syntheses at once.  [default: CPUs]"
)
@click.option(
    "-o",
    "--out",
    type=FILE,
    default=Path("costs.json"),
    show_default=True,
    metavar="FILE",
    help="Table to extend, or to write.",
)
def command(
    weights: tuple[AFPFormat, ...] | None,
    acts: tuple[AFPFormat, ...] | None,
    liberty: tuple[Path, ...],
    fresh: bool,
    jobs: int | None,
    out: Path,
    **given: Any,
) -> None:
    """Write or extend a table of what a MAC costs in hardware, by pair of formats.

    Each pair is a processing element, synthesised with one recipe and run gate by gate on seeded
    random operands. Rows that FILE has are not measured again, and it is written after each row:
    interrupt and repeat as you like.

    Example: afp-hw costs --weights e2m1,e3m1 --acts ue3m2 -o costs.json
    """
    from afp_hw.search.costs import Cost
    from afp_hw.synth import Technology
    from afp_hw.synth.cost_table import Conditions, default_pairs, measure_pairs

    if (weights is None) != (acts is None):
        raise ValueError("--weights must come with --acts, and --acts with --weights")
    conditions = Conditions(**{name: value for name, value in given.items() if value is not None})
    technology = Technology.from_liberty(liberty) if liberty else Technology.sky130()
    table, packaged = _begun(out, conditions.described(technology), fresh)
    pairs = [(w, a) for w in weights for a in acts] if weights and acts else default_pairs()
    missing = [pair for pair in dict.fromkeys(pairs) if pair not in table.rows]
    had = len(table.rows)
    output_directory(out.absolute().parent)
    found = measure_pairs(
        missing, technology, conditions, jobs=jobs or len(os.sched_getaffinity(0))
    )
    with progress_bars() as start, closing(found):
        report = start("pairs of formats")
        for done, row in enumerate(found, 1):
            cost = Cost(row.area_um2, row.energy_fj, row.delay_ns)
            table = table.with_row((row.weights, row.acts), cost)
            write_atomic(out, table.json_text())
            report(done, len(missing))
    write_atomic(out, table.json_text())
    kept = f"{had} from the packaged table" if packaged else f"{had} were there"
    click.echo(f"{out}: {len(table.rows)} rows, {len(missing)} measured, {kept}")
    _say_fits(table)
