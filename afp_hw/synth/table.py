"""A library as a short table: a few points of each look-up table, in convenient units, as JSON.

Times are picoseconds, capacitances femtofarads, energies femtojoules, leakage picowatts, areas
square micrometres. All delays share the axes ``slews_ps`` and ``loads_ff``; energies of outputs are
over the loads, of inputs one figure, both at :data:`.NOMINAL_SLEW_S`; setup is over the slews.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from afp_hw.synth.cells import NOMINAL_SLEW_S, Arc, Cell, ClockGate, FlipFlop, Pin, Table

_PS: Final = 1e-12
_FF: Final = 1e-15
_FJ: Final = 1e-15
_PW: Final = 1e-12


def _round(value: float) -> float:
    """Four digits: what characterisation means, and half the size."""
    return float(f"{value:.4g}")


def _sample(
    table: Table | None, rows: Sequence[float], columns: Sequence[float]
) -> list[float] | None:
    """Figures of a table of times on other axes, picoseconds, row by row."""
    if table is None:
        return None
    return [_round(table.at(row, column) / _PS) for row in rows for column in columns]


def _arc_entry(arc: Arc, slews: Sequence[float], loads: Sequence[float]) -> list[Any]:
    if arc.kind.startswith("setup"):
        tables = [_sample(table, (NOMINAL_SLEW_S,), slews) for table in (arc.rise, arc.fall)]
    else:
        tables = [
            _sample(table, slews, loads)
            for table in (arc.rise, arc.fall, arc.rise_slew, arc.fall_slew)
        ]
    return [arc.related, arc.pin, arc.kind, arc.sense, *tables]


def cell_entry(cell: Cell, slews: Sequence[float], loads: Sequence[float]) -> dict[str, Any]:
    """One cell as JSON; `slews` in seconds and `loads` in farads are the axes of its delays."""
    entry: dict[str, Any] = {
        "area": cell.area_um2,
        "leakage": _round(cell.leakage_w / _PW),
        "inputs": {
            pin.name: [_round(pin.capacitance_f / _FF), _round(cell.input_energy_j(pin.name) / _FJ)]
            for pin in cell.inputs
        },
        "outputs": {
            pin.name: [
                pin.function,
                None if pin.max_load_f is None else _round(pin.max_load_f / _FF),
                [
                    _round(cell.internal_energy_j(pin.name, load, NOMINAL_SLEW_S) / _FJ)
                    for load in loads
                ],
            ]
            for pin in cell.outputs
        },
        "arcs": [_arc_entry(arc, slews, loads) for arc in cell.arcs],
    }
    if cell.flip_flop is not None:
        ff = cell.flip_flop
        entry["flip_flop"] = [ff.next_state, ff.clocked_on, ff.state, ff.inverted]
    if cell.clock_gate is not None:
        gate = cell.clock_gate
        entry["clock_gate"] = [gate.clock, gate.enable, gate.output, *gate.test]
    return entry


def table_text(
    cells: Sequence[Cell], slews_ps: Sequence[float], loads_ff: Sequence[float], **head: Any
) -> str:
    """The JSON text of a table: `head`, the axes, then one line a cell."""
    slews, loads = [s * _PS for s in slews_ps], [load * _FF for load in loads_ff]
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    lines += [
        f'  "slews_ps": {list(slews_ps)},',
        f'  "loads_ff": {list(loads_ff)},',
        '  "cells": {',
    ]
    entries = (
        f"    {json.dumps(cell.name)}: "
        + json.dumps(cell_entry(cell, slews, loads), separators=(",", ":"))
        for cell in cells
    )
    return "{\n" + "\n".join(lines) + "\n" + ",\n".join(entries) + "\n  }\n}\n"


def _table(
    figures: Sequence[float] | None, rows: Sequence[float], columns: Sequence[float], unit: float
) -> Table | None:
    if figures is None:
        return None
    width = len(columns)
    return Table(
        tuple(rows),
        tuple(columns),
        tuple(
            tuple(x * unit for x in figures[r * width : (r + 1) * width]) for r in range(len(rows))
        ),
    )


def _arc(entry: Sequence[Any], slews: Sequence[float], loads: Sequence[float]) -> Arc:
    related, pin, kind, sense, *tables = entry
    axes = ((NOMINAL_SLEW_S,), slews) if kind.startswith("setup") else (slews, loads)
    return Arc(related, pin, kind, sense, *(_table(table, *axes, _PS) for table in tables))


def _clock_gate(entry: Sequence[str] | None) -> ClockGate | None:
    if entry is None:
        return None
    clock, enable, output, *test = entry
    return ClockGate(clock, enable, output, tuple(test))


def cells_of(table: Mapping[str, Any]) -> dict[str, Cell]:
    """The cells of a table that :func:`table_text` wrote and JSON read."""
    slews = [s * _PS for s in table["slews_ps"]]
    loads = [load * _FF for load in table["loads_ff"]]
    cells = {}
    for name, entry in table["cells"].items():
        stored = entry.get("flip_flop")
        flip_flop = FlipFlop(*stored) if stored else None
        clock_gate = _clock_gate(entry.get("clock_gate"))
        inputs = tuple(
            Pin(
                pin,
                capacitance * _FF,
                None,
                clock=pin in (flip_flop and flip_flop.clocked_on, clock_gate and clock_gate.clock),
                energy=Table((0.0,), (0.0,), ((energy * _FJ,),)),
            )
            for pin, (capacitance, energy) in entry["inputs"].items()
        )
        outputs = tuple(
            Pin(
                pin,
                0.0,
                function,
                clock=False,
                max_load_f=None if limit is None else limit * _FF,
                energy=_table(energies, (0.0,), loads, _FJ),
            )
            for pin, (function, limit, energies) in entry["outputs"].items()
        )
        cells[name] = Cell(
            name=name,
            area_um2=entry["area"],
            leakage_w=entry["leakage"] * _PW,
            inputs=inputs,
            outputs=outputs,
            flip_flop=flip_flop,
            dont_use=clock_gate is not None,
            arcs=tuple(_arc(arc, slews, loads) for arc in entry["arcs"]),
            clock_gate=clock_gate,
        )
    return cells
