"""Points as tables: CSV, Parquet, JSON, and those on the Pareto front."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from afp_hw.explore.axes import AXES, SIZE
from afp_hw.explore.metrics import METRICS, in_time
from afp_hw.explore.pareto import front

Document = Mapping[str, Any]


def rows(document: Document) -> list[dict[str, Any]]:
    """A row for each point: key, state, axes, figures, and groups of area and of energy.

    The figures are there whatever was measured, so that tables of two stores go together.
    """
    return [
        {
            "key": point["key"],
            "state": point["state"],
            **{name: _plain(value) for name, value in point["axes"].items()},
            **{name: point["metrics"].get(name) for name in (*METRICS, "meets_clock")},
            **{
                f"{group}_{suffix}": value
                for suffix, table in (("um2", "area_um2"), ("nj", "energy_nj"))
                for group, value in point["details"].get(table, {}).items()
            },
            "reason": point["reason"],
        }
        for point in document["points"]
    ]


def _plain(value: Any) -> Any:
    return " ".join(value) if isinstance(value, list) else value


def _columns(table: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in table for name in row))


def csv_text(document: Document) -> str:
    """Comma-separated values with a line of titles."""
    table = rows(document)
    text = io.StringIO()
    writer = csv.DictWriter(text, _columns(table), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue()


def json_text(document: Document) -> str:
    """The document, details of layers included."""
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


TEXT: Final[Mapping[str, Callable[[Document], str]]] = {"csv": csv_text, "json": json_text}
"""By name, tables that are text."""


def parquet_bytes(document: Document) -> bytes:
    """A Parquet file: the columns of the CSV, with their types.

    Raises
    ------
    ModuleNotFoundError
        PyArrow is not installed.
    """
    import pyarrow
    import pyarrow.parquet

    table = rows(document)
    columns = {name: [row.get(name) for row in table] for name in _columns(table)}
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()


def named_axes(document: Document) -> list[str]:
    """Axes that a space varies, for tables: what stands behind a size or a pair too."""
    varied = {name for name, values in document["space"]["axes"].items() if len(values) > 1}
    if SIZE in varied:
        varied |= {"rows", "cols"}
    if any("@" in formats for formats in document["space"]["axes"].get("formats", ())):
        varied.add("bits")  # budgets stand behind their pairs
    return [name for name in AXES if name in varied] or ["formats"]


def front_rows(document: Document, objectives: Sequence[str]) -> list[dict[str, Any]]:
    """Points on the front that meet their clock, from the best in the first objective on.

    Raises
    ------
    ValueError
        An objective was not measured at any point.
    """
    for name in objectives:
        if all(point["metrics"].get(name) is None for point in document["points"]):
            raise ValueError(f"objective must be measured at some point, which {name!r} is not")
    points = [
        point
        for point in document["points"]
        if in_time(point["metrics"])
        and all(point["metrics"].get(name) is not None for name in objectives)
    ]
    if not points:
        return []
    signs = [-1.0 if METRICS[name].direction == "max" else 1.0 for name in objectives]
    values = np.array(
        [
            [sign * point["metrics"][name] for name, sign in zip(objectives, signs, strict=True)]
            for point in points
        ]
    )
    chosen = np.flatnonzero(front(values))
    order = chosen[np.lexsort(values[chosen].T[::-1])]
    return [points[index] for index in order.tolist()]
