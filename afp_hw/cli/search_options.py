"""What options of ``afp-hw search`` stand for: limits, widths, costs, labelled images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from afp_hw.cli.dataset import embedded_test_set
from afp_hw.cli.model import EMBEDDED

if TYPE_CHECKING:
    from afp_hw.network import Graph
    from afp_hw.network.dataset import Dataset
    from afp_hw.search.costs import CostTable
    from afp_hw.search.options import Cost


class _Limits(click.ParamType[tuple[float, float]]):
    """``4.8``, or ``4.8,5.2`` for weights and activations."""

    name = "limits"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        try:
            numbers = [float(part) for part in str(value).split(",")]
        except ValueError:
            numbers = []
        if len(numbers) not in (1, 2) or not all(0 < number < 64 for number in numbers):
            self.fail(f"must be one number of bits or two, not {value!r}", param, ctx)
        return numbers[0], numbers[-1]


class _Widths(click.ParamType[tuple[int, int]]):
    """``2:8``."""

    name = "widths"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        low, _, high = str(value).partition(":")
        if not (low.isdecimal() and high.isdecimal()):
            self.fail(f"must be two widths like 2:8, not {value!r}", param, ctx)
        return int(low), int(high)


LIMITS = _Limits()
WIDTHS = _Widths()


def cost_named(name: str, table: CostTable) -> Cost:
    """Cost of a format, by name; area and energy are those beside a five-bit other operand."""
    from afp_hw.formats import AFPFormat
    from afp_hw.search.options import paper_cost

    if name == "penalty":
        return paper_cost
    figure = table.area_um2 if name == "area" else table.energy_fj
    weights, acts = AFPFormat(2, 2), AFPFormat(2, 3, signed=False)
    return lambda fmt: figure(fmt, acts) if fmt.signed else figure(weights, fmt)


def test_data(
    model: str, path: Path | None, graph: Graph, needed: bool, scale: dict[str, Any]
) -> Dataset | None:
    """Images and labels of ``--data``; the embedded ones where they are `needed`, else None."""
    from afp_hw.network.dataset import read_dataset

    if path is not None:
        return read_dataset("--data", path, graph, **scale, labels=True)
    if model == EMBEDDED and needed:
        return embedded_test_set()
    if needed:
        raise ValueError("--data must be given with --max-loss")
    return None
