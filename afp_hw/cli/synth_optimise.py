"""``afp-hw synth pe --optimise``: a search of options and recipes ahead of the report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from afp_hw.cli.progress import progress_bars
from afp_hw.design import Design

if TYPE_CHECKING:
    from afp_hw.compare.optimise import Objective, Search
    from afp_hw.compare.point import Point
    from afp_hw.synth import Operands, Technology

OBJECTIVES: Final = ("energy", "area", "speed", "product")


def search_options(
    design: Design,
    objective: Objective,
    operands: Operands,
    technology: Technology,
    *,
    clock_ns: float,
    jobs: int,
    hidden: bool,
) -> tuple[Design, Search]:
    """The best design by `objective`, and everything that was measured on the way.

    Formats, lanes, ``k`` and ``sum_max`` are those of `design`; its options are searched.

    Raises
    ------
    ToolError, MismatchError
        As :func:`.optimise`.
    """
    from afp_hw.compare.evaluate import Evaluator
    from afp_hw.compare.operands import Codes
    from afp_hw.compare.optimise import optimise

    evaluator = Evaluator(technology, clock_ns, Codes(operands), jobs=jobs)
    with progress_bars(hidden=hidden) as start, closing(evaluator):
        search = optimise(design, evaluator, objective, report=start("options and recipes"))
    return replace(design, **search.best().options), search


def front_json(search: Search) -> str:
    """The Pareto set and the best by each objective, as text."""
    found: dict[str, Any] = {
        "objective": search.objective,
        "measured": len(search.points),
        "best": {name: search.best(name).as_json() for name in OBJECTIVES},
        "pareto": [point.as_json() for point in search.front],
    }
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def print_front(search: Search) -> None:
    """The Pareto set as a table; the best by the objective is marked."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=f"Pareto set of {len(search.points)} measured; * has the least {search.objective}",
        title_justify="left",
    )
    for heading in ("", "design", "recipe"):
        table.add_column(heading)
    for heading in ("µm²", "ns", "fJ per MAC", "with glitches"):
        table.add_column(heading, justify="right")
    for row in _rows(search.front, search.best()):
        table.add_row(*row)
    Console(highlight=False).print(table)


def _rows(points: Sequence[Point], best: Point) -> list[tuple[str, ...]]:
    return [
        (
            "*" if point.mapped.netlist == best.mapped.netlist else "",
            point.mapped.name,
            point.mapped.recipe,
            f"{point.area_um2:,.1f}",
            f"{point.mapped.delay_ns:.3f}" + ("" if point.meets else " (late)"),
            f"{point.energy.zero_delay_fj:,.1f}",
            f"{point.energy.glitch_fj:,.1f}",
        )
        for point in points
    ]
