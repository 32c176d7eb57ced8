"""What a MAC costs in hardware: a table of area and energy by (weight format, activation format).

The file, which ``afp-hw costs`` writes and whose schema is read, written and checked here only::

    {"schema": "afp-hw costs 1",
     "conditions": {"technology": "sky130_fd_sc_hd", "k": 576, …},
     "columns": ["weights", "acts", "area_um2", "energy_fj", "delay_ns"],
     "rows": [["e0m1", "ue0m2", 1024.7, 1410.3, 2.3], …]}

A row is one synthesised processing element, built for its two formats, on seeded operands;
``conditions`` say of what technology, how, and on what. ``energy_fj`` is the dynamic energy of one
MAC, without leakage, glitches, wires and clock tree. A pair that has no row is fitted
(:mod:`afp_hw.search.cost_fit`), within the range of the rows only.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from afp_hw.formats import AFPFormat
from afp_hw.network.graph import Graph
from afp_hw.search.cost_fit import FEWEST_ROWS, Fit, area_terms, energy_terms, fit

Pair = tuple[AFPFormat, AFPFormat]

SCHEMA: Final = "afp-hw costs 1"
PACKAGED: Final = "costs_sky130.json"
_COLUMNS: Final = ["weights", "acts", "area_um2", "energy_fj", "delay_ns"]


@dataclass(frozen=True, slots=True)
class Cost:
    """A row: area of the element in µm², energy of a MAC in fJ, smallest clock period in ns."""

    area_um2: float
    energy_fj: float
    delay_ns: float


@dataclass(frozen=True, eq=False)
class CostTable:
    """Measured rows, and fits between them.

    Parameters
    ----------
    conditions
        What all rows have in common, by name; ``k`` (products in a sum) is among them.
    rows
        Cost by (weight format, activation format).
    where
        Name of the file, for errors.
    """

    conditions: Mapping[str, Any]
    rows: Mapping[Pair, Cost]
    where: str = "costs"

    @classmethod
    def load(cls, path: str | Path | None = None) -> CostTable:
        """Read a table; default the packaged one, of the embedded technology.

        Raises
        ------
        ValueError
            It is not of the form above.
        OSError
            It cannot be read.
        """
        source = files("afp_hw.search") / PACKAGED if path is None else Path(path)
        try:
            text = source.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{source.name} must be JSON in UTF-8, not binary") from error
        return cls.parse(text, source.name)

    @classmethod
    def parse(cls, text: str, where: str = "costs") -> CostTable:
        """Read the text of a table; `where` names it in errors, which are those of :meth:`load`."""
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:  # no JSON; nested too deep
            raise ValueError(f"{where} must be JSON, not text with the error: {error}") from error
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            found = document.get("schema") if isinstance(document, dict) else document
            raise ValueError(f"{where}.schema must be {SCHEMA!r}, not {found!r}")
        for key, kind in (("conditions", dict), ("rows", list)):
            if not isinstance(document.get(key), kind):
                found = document.get(key)
                raise ValueError(f"{where}.{key} must be a {kind.__name__}, not {found!r}")
        if document.get("columns") != _COLUMNS:
            raise ValueError(f"{where}.columns must be {_COLUMNS}, not {document.get('columns')!r}")
        k = document["conditions"].get("k")
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise ValueError(f"{where}.conditions.k must be a positive integer, not {k!r}")
        rows: dict[Pair, Cost] = {}
        for index, row in enumerate(document["rows"]):
            pair, cost = _read_row(f"{where}.rows[{index}]", row)
            if pair in rows:
                raise ValueError(f"{where}.rows must hold a pair once, not {row[:2]} again")
            rows[pair] = cost
        return cls(document["conditions"], rows, where)

    def json_text(self) -> str:
        """Text of the file, a line a row in a fixed order: the same table gives the same bytes."""
        heads = ("schema", SCHEMA), ("conditions", dict(self.conditions)), ("columns", _COLUMNS)
        lines = [f"{json.dumps(key)}: {_compact(value)}," for key, value in heads]
        rows = [
            _compact([*map(str, pair), cost.area_um2, cost.energy_fj, cost.delay_ns])
            for pair, cost in sorted(self.rows.items(), key=lambda item: _order(item[0]))
        ]
        return "{" + "\n ".join([*lines, '"rows": [']) + "\n  " + ",\n  ".join(rows) + "\n ]}\n"

    def with_row(self, pair: Pair, cost: Cost) -> CostTable:
        """The table with one row more, or replaced."""
        return CostTable(self.conditions, {**self.rows, pair: cost}, self.where)

    def area_um2(self, weights: AFPFormat, acts: AFPFormat) -> float:
        """Area of a processing element, µm²; measured, or fitted where there is no row.

        Raises
        ------
        ValueError
            No row, and the pair is outside the range of the rows, or they are too few for a fit.
        """
        row = self.rows.get((weights, acts))
        return self._fitted("area_um2", weights, acts) if row is None else row.area_um2

    def energy_fj(self, weights: AFPFormat, acts: AFPFormat) -> float:
        """Energy of one MAC, fJ; measured, or fitted. Errors as :meth:`area_um2`."""
        row = self.rows.get((weights, acts))
        return self._fitted("energy_fj", weights, acts) if row is None else row.energy_fj

    @cached_property
    def fits(self) -> Mapping[str, Fit]:
        """The fits of ``area_um2`` and ``energy_fj``, with their residuals.

        Raises
        ------
        ValueError
            The rows are too few.
        """
        if len(self.rows) < FEWEST_ROWS:
            raise ValueError(
                f"{self.where}.rows must be at least {FEWEST_ROWS} for a fit, not {len(self.rows)}"
            )
        pairs, costs, k = list(self.rows), self.rows.values(), int(self.conditions["k"])
        return {
            "area_um2": fit(area_terms, pairs, [cost.area_um2 for cost in costs], k=k),
            "energy_fj": fit(energy_terms, pairs, [cost.energy_fj for cost in costs], k=k),
        }

    def _fitted(self, name: str, weights: AFPFormat, acts: AFPFormat) -> float:
        _check_range(f"{self.where}: weights", weights, (pair[0] for pair in self.rows))
        _check_range(f"{self.where}: acts", acts, (pair[1] for pair in self.rows))
        value = self.fits[name](weights, acts)
        if not value > 0:
            raise ValueError(
                f"{self.where}.rows must be nearer to {weights} with {acts}: the fit's {name} must "
                f"be positive, not {value:g}"
            )
        return value


def layer_macs(graph: Graph) -> dict[str, int]:
    """Products of each layer for one image, by the layer's name."""
    return {
        layer.name: math.prod(graph.shapes[layer.output]) * layer.reduction
        for layer in graph.layers()
    }


def layer_energy(table: CostTable, macs: int, weights: AFPFormat, acts: AFPFormat) -> float:
    """Energy of a layer of `macs` products in fJ, each at the table's energy; errors as there."""
    return macs * table.energy_fj(weights, acts)


def _check_range(owner: str, fmt: AFPFormat, formats: Iterable[AFPFormat]) -> None:
    """Refuse what does not lie, field by field, between two formats that have a sign alike."""
    alike = sorted({other for other in formats if other.signed == fmt.signed}, key=_format_order)
    if not alike:
        signs = ("signed", "unsigned") if fmt.signed else ("unsigned", "signed")
        raise ValueError(
            f"{owner} must be {signs[1]}, not {fmt}: no row is {signs[0]} (afp-hw costs adds rows)"
        )
    if any(other.holds(fmt) for other in alike) and any(fmt.holds(other) for other in alike):
        return
    widest = [str(one) for one in alike if not any(x.holds(one) for x in alike if x != one)]
    least = [str(one) for one in alike if not any(one.holds(x) for x in alike if x != one)]
    raise ValueError(
        f"{owner} must be held by one of {', '.join(widest)} and hold one of {', '.join(least)}, "
        f"not {fmt} (afp-hw costs adds rows)"
    )


def _read_row(where: str, row: object) -> tuple[Pair, Cost]:
    if not isinstance(row, list) or len(row) != len(_COLUMNS):
        raise ValueError(f"{where} must be a list of {len(_COLUMNS)}, not {row!r}")
    try:
        weights, acts = (AFPFormat.parse(name) for name in row[:2])
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where} must begin with two formats: {error}") from error
    for name, value in zip(_COLUMNS[2:], row[2:], strict=True):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (number and math.isfinite(value) and value > 0):
            raise ValueError(f"{where}.{name} must be a positive number, not {value!r}")
    return (weights, acts), Cost(*map(float, row[2:]))


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _order(pair: Pair) -> tuple[tuple[int, int, bool], ...]:
    return tuple(map(_format_order, pair))


def _format_order(fmt: AFPFormat) -> tuple[int, int, bool]:
    return fmt.width, fmt.n_exp, fmt.signed
