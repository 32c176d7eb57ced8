"""The sweet spot: exponent bits against mantissa bits, with measured loss, area and energy."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import altair as alt

from afp_hw.report.html.charts import chart
from afp_hw.report.html.metrics import ACCURACY, AREA, ENERGY, LOSS, Metric
from afp_hw.report.html.page import Chart, Grid, Section
from afp_hw.report.html.space import Case, Point
from afp_hw.report.html.verdict import NEAR, winner

_SPLIT: Final = re.compile(r"u?e(\d+)m(\d+)")
_REFERENCE: Final = "int8"
_FAVOUR: Final = 2
"""Splits that the headline's options may have fewer than others, and still make the map."""
_CELL: Final = 44
"""Height of a cell, pixels."""


@dataclass(frozen=True)
class Cell:
    """A split of the map and its point."""

    n_exp: int
    n_man: int
    point: Point


@dataclass(frozen=True)
class Map:
    """Uniform AFP formats under the same options.

    Attributes
    ----------
    cells
        One a split.
    rivals
        INT8 with the same options, if measured.
    """

    cells: Sequence[Cell]
    rivals: Sequence[Point]

    def reference(self, cost: Metric) -> Point | None:
        """The point that a cost is relative to: INT8, else the widest cell that has it."""
        widest = sorted(
            self.cells, key=lambda cell: (cell.n_exp + cell.n_man, cell.n_man), reverse=True
        )
        points = [*self.rivals, *(cell.point for cell in widest)]
        return next((point for point in points if point.of(cost)), None)


def sweet_spot(case: Case) -> Map | None:
    """The map of the options that most splits were measured with; None for less than four."""
    groups: dict[str, dict[tuple[int, int], Cell]] = {}
    for point in case.measured(ACCURACY):
        split = uniform_split(point)
        if split is not None:
            groups.setdefault(_options(point), {}).setdefault(split, Cell(*split, point))
    if not groups:
        return None
    won = winner(case, ENERGY)
    near = None if won is None else _options(won.point)
    options, cells = max(
        groups.items(), key=lambda item: len(item[1]) + _FAVOUR * (item[0] == near)
    )
    if len(cells) < 4:
        return None
    ordered = [cells[split] for split in sorted(cells)]
    rivals = [
        point
        for point in case.measured(ACCURACY)
        if point.name == _REFERENCE and _options(point) == options
    ]
    return Map(ordered, rivals)


def uniform_split(point: Point) -> tuple[int, int] | None:
    """Exponent and mantissa bits that all tensors have; None where they differ, or for rivals."""
    if point.family != "AFP":
        return None
    splits = {_SPLIT.fullmatch(part) for part in point.name.split("/")}
    found = {(int(split[1]), int(split[2])) for split in splits if split}
    return found.pop() if None not in splits and len(found) == 1 else None


def _options(point: Point) -> str:
    """Everything that is not the format."""
    of_formats = ("formats", "family", "bits", "bias_rule", "tune")
    axes = {name: value for name, value in point.axes.items() if name not in of_formats}
    return json.dumps(axes, sort_keys=True)


def best_cell(found: Map) -> Cell:
    """The cheapest split near the best accuracy of the map: in energy, else area, else bits."""
    top = max(cell.point.of(ACCURACY) or 0.0 for cell in found.cells)
    near = [cell for cell in found.cells if (cell.point.of(ACCURACY) or 0.0) >= top - NEAR]
    for cost in (ENERGY, AREA):
        known = [cell for cell in near if cell.point.of(cost) is not None]
        if known:
            return min(known, key=lambda cell: cell.point.of(cost) or 0.0)
    return min(near, key=lambda cell: cell.n_exp + cell.n_man)


def sweet_spot_section(case: Case, where: str) -> Section | None:
    """Three maps: loss, energy and area; None without enough uniform formats."""
    found = sweet_spot(case)
    if found is None:
        return None
    best = best_cell(found)
    charts = [_loss_map(case, found, best)]
    for cost in (ENERGY, AREA):
        reference = found.reference(cost)
        cells = [cell for cell in found.cells if cell.point.of(cost) is not None]
        if reference is not None and cells:
            charts.append(_cost_map(case, Map(cells, found.rivals), best, cost, reference))
    options = ", ".join(best.point.options.values())
    text = (
        f"One AFP format for every tensor{f', {options}' if options else ''}. Framed: e{best.n_exp}"
        f"m{best.n_man}, the cheapest split within {NEAR:g} points of the best of these."
    )
    return Section(
        f"sweet-spot{case.suffix}", f"The sweet spot{where}", [Grid(charts, small=True)], text
    )


def _loss_map(case: Case, found: Map, best: Cell) -> Chart:
    top = case.float32_accuracy
    if top is None:
        top = max(cell.point.of(ACCURACY) or 0.0 for cell in found.cells)
    values = [LOSS.of(c.point.metrics) for c in found.cells]
    losses = [
        top - (cell.point.of(ACCURACY) or 0.0) if value is None else value
        for cell, value in zip(found.cells, values, strict=True)
    ]
    rows = [
        _row(cell, loss, f"{loss:.1f}", cell is best, LOSS.show(loss))
        for cell, loss in zip(found.cells, losses, strict=True)
    ]
    heat = [min(max(loss, 0.0), 10.0) for loss in losses]
    return _map(
        f"sweet-spot-loss{case.suffix}", "Accuracy loss, points", _shaded(rows, heat, 0.0), "loss"
    )


def _cost_map(case: Case, found: Map, best: Cell, cost: Metric, reference: Point) -> Chart:
    whole = reference.of(cost) or 1.0
    values = [cell.point.of(cost) or 0.0 for cell in found.cells]
    shares = [100 * value / whole for value in values]
    rows = [
        _row(cell, share, f"{share:.0f}", cell is best, cost.show(value))
        for cell, share, value in zip(found.cells, shares, values, strict=True)
    ]
    name = reference.name.upper() if reference.family == "INT" else reference.name
    title = cost.title.removesuffix(" an image").capitalize()
    return _map(
        f"sweet-spot-{cost.key.partition('_')[0]}{case.suffix}",
        f"{title}, % of {name} ({cost.show(whole)})",
        _shaded(rows, shares, min(shares)),
        cost.title,
    )


def _row(cell: Cell, value: float, text: str, framed: bool, told: str) -> dict[str, Any]:
    return {
        "n_exp": cell.n_exp,
        "n_man": cell.n_man,
        "label": cell.point.label,
        "value": round(value, 3),
        "text": text,
        "framed": framed,
        "told": told,
    }


def _shaded(
    rows: Sequence[dict[str, Any]], heat: Sequence[float], lowest: float
) -> list[dict[str, Any]]:
    """Rows with `shade`, 0.04 (little) to 0.7 (much): text stands out on either paper."""
    reach = (max(heat) - lowest) or 1.0
    return [
        {**row, "shade": round(0.04 + 0.66 * (value - lowest) / reach, 3)}
        for row, value in zip(rows, heat, strict=True)
    ]


def _map(name: str, title: str, rows: list[dict[str, Any]], told: str) -> Chart:
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X("n_exp:O", title="exponent bits", axis=alt.Axis(labelAngle=0, ticks=False)),
        y=alt.Y("n_man:O", title="mantissa bits", sort="descending", axis=alt.Axis(ticks=False)),
        tooltip=[
            alt.Tooltip("label:N", title="format"),
            alt.Tooltip("told:N", title=told),
        ],
    )
    heat = base.mark_rect(color="var(--heat)", stroke="var(--paper)", strokeWidth=3).encode(
        fillOpacity=alt.FillOpacity("shade:Q", scale=None, legend=None)
    )
    frame = base.transform_filter("datum.framed").mark_rect(
        fill="transparent", stroke="currentColor", strokeWidth=2.5
    )
    text = base.mark_text(fontSize=13, color="currentColor").encode(text="text:N")
    height = _CELL * len({row["n_man"] for row in rows})
    return chart(name, title, alt.layer(heat, frame, text).properties(height=height))
