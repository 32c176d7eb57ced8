"""Figures of a standard-cell library, in SI units, out of Liberty files.

Source of the meanings: the Liberty User Guide and Reference Manual (Open Source Liberty). Energies
are in units of ``capacitive_load_unit * voltage_unit**2``. What leaves through a ground pin came in
through the supply, so tables and leakage of ground pins are not added to those of supply pins.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import takewhile
from pathlib import Path
from typing import Final

from afp_hw.synth.cells import Arc, Cell, ClockGate, FlipFlop, Pin, Table
from afp_hw.synth.liberty_table import TableReader, combine
from afp_hw.synth.liberty_text import Group, read_groups

_PREFIX: Final = {"": 1.0, "k": 1e3, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
_UNIT: Final = re.compile(r"([0-9.eE+-]*)\s*([kmunpf]?)[svwf]", re.IGNORECASE)
_NOT_OURS: Final = ("latch", "statetable", "test_cell", "latch_bank", "ff_bank")
_ARC_KINDS: Final = (
    "combinational",
    "rising_edge",
    "falling_edge",
    "setup_rising",
    "clear",
    "preset",
)


@dataclass(frozen=True, slots=True)
class Library:
    """A library as figures: its name, its nominal voltage (volt) and its cells by name."""

    name: str
    voltage_v: float
    cells: Mapping[str, Cell]


def _unit(library: Group, key: str, default: str, where: str) -> float:
    """A unit such as ``1ns`` or ``1.0 pf`` as a number of seconds, farads."""
    text = library.attributes.get(key, default)
    match = _UNIT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{where}: {key} must be a unit such as {default!r}, not {text!r}")
    return float(match[1] or 1) * _PREFIX[match[2].lower()]


class _CellReader:
    """Reads the cells of one library."""

    def __init__(self, library: Group, where: str, dont_use: Sequence[str]) -> None:
        self._tables = TableReader(library, where)
        self._dont_use = dont_use
        self._time = _unit(library, "time_unit", "1ns", where)
        self._load = _unit(library, "capacitive_load_unit", "1pf", where)
        self._power = _unit(library, "leakage_power_unit", "1nW", where)
        self._energy = self._load * _unit(library, "voltage_unit", "1V", where) ** 2

    def read(self, group: Group) -> Cell:
        get = group.attributes.get
        ground = {
            pin.name for pin in group.all("pg_pin") if "ground" in pin.attributes.get("pg_type", "")
        }
        pins = list(group.all("pin"))
        by_direction = {
            direction: tuple(
                self._pin(pin, ground) for pin in pins if pin.attributes["direction"] == direction
            )
            for direction in ("input", "output")
        }
        outputs = by_direction["output"]
        odd = (
            any(group.first(kind) for kind in _NOT_OURS)
            or any("three_state" in pin.attributes for pin in pins)
            or not outputs
            or any(pin.function is None for pin in outputs)
            or any(fnmatchcase(group.name, pattern) for pattern in self._dont_use)
        )
        return Cell(
            name=group.name,
            area_um2=float(get("area", "0")),
            leakage_w=self._leakage(group, ground),
            inputs=by_direction["input"],
            outputs=outputs,
            flip_flop=self._flip_flop(group.first("ff")),
            dont_use=odd or get("dont_use", "false") == "true",
            arcs=tuple(
                arc
                for pin in pins
                for timing in pin.all("timing")
                for arc in self._arcs(pin, timing)
            ),
            clock_gate=self._clock_gate(group),
        )

    @staticmethod
    def _clock_gate(group: Group) -> ClockGate | None:
        """The pins of a clock gate for rising edges; None for any other cell."""
        kind = group.attributes.get("clock_gating_integrated_cell", "")
        if not kind.startswith("latch_posedge") or kind.endswith("obs"):
            return None
        pins = {
            key: [
                pin.name
                for pin in group.all("pin")
                if pin.attributes.get(f"clock_gate_{key}_pin") == "true"
            ]
            for key in ("clock", "enable", "out", "test")
        }
        if any(len(pins[key]) != 1 for key in ("clock", "enable", "out")):
            return None
        (clock,), (enable,), (output,) = pins["clock"], pins["enable"], pins["out"]
        return ClockGate(clock, enable, output, tuple(pins["test"]))

    @staticmethod
    def _flip_flop(group: Group | None) -> FlipFlop | None:
        if group is None:
            return None
        get = group.attributes.get
        return FlipFlop(
            next_state=get("next_state", ""),
            clocked_on=get("clocked_on", ""),
            state=group.args[0],
            inverted=group.args[1],
            clear=get("clear"),
            preset=get("preset"),
        )

    def _leakage(self, cell: Group, ground: set[str]) -> float:
        """Mean over the states of each supply pin, then the sum over these pins."""
        states: dict[str, list[float]] = {}
        always: dict[str, list[float]] = {}
        for group in cell.all("leakage_power"):
            supply = group.attributes.get("related_pg_pin", "")
            if supply not in ground:
                into = states if "when" in group.attributes else always
                into.setdefault(supply, []).append(float(group.attributes["value"]))
        found = always | states
        if not found:
            return float(cell.attributes.get("cell_leakage_power", "0")) * self._power
        return math.fsum(math.fsum(x) / len(x) for x in found.values()) * self._power

    def _pin(self, group: Group, ground: set[str]) -> Pin:
        get = group.attributes.get
        output = get("direction") == "output"
        limit = get("max_capacitance") if output else None
        return Pin(
            name=group.name,
            capacitance_f=0.0 if output else float(get("capacitance", "0")) * self._load,
            function=get("function"),
            clock=get("clock", "false") == "true",
            max_load_f=float(limit) * self._load if limit is not None else None,
            energy=self._internal(group, ground),
        )

    def _internal(self, pin: Group, ground: set[str]) -> Table | None:
        """Mean of rise and fall, then of all arcs and states; the sum over the supply pins."""
        found: dict[str, list[Table]] = {}
        for group in pin.all("internal_power"):
            supply = group.attributes.get("related_pg_pin", "")
            both = group.first("power")
            sides = [both, both] if both else [group.first("rise_power"), group.first("fall_power")]
            tables = [self._power_table(side) for side in sides if side is not None]
            if tables and supply not in ground:
                found.setdefault(supply, []).append(combine(tables, 2))
        if not found:
            return None
        return combine([combine(tables, len(tables)) for tables in found.values()], 1)

    def _power_table(self, group: Group) -> Table:
        return self._tables.read(group, row=self._time, column=self._load, value=self._energy)

    def _arcs(self, pin: Group, timing: Group) -> Iterable[Arc]:
        get = timing.attributes.get
        kind = get("timing_type", "combinational")
        if kind not in _ARC_KINDS:
            return
        setup = kind == "setup_rising"
        tables: dict[str, Table] = {}
        for name in (
            ("rise_constraint", "fall_constraint")
            if setup
            else ("cell_rise", "cell_fall", "rise_transition", "fall_transition")
        ):
            group = timing.first(name)
            if group is not None:
                column = self._time if setup else self._load
                tables[name] = self._tables.read(
                    group, row=self._time, column=column, value=self._time
                )
        for related in get("related_pin", "").split():
            yield Arc(
                related=related,
                pin=pin.name,
                kind=kind,
                sense=get("timing_sense", "non_unate"),
                rise=tables.get("rise_constraint" if setup else "cell_rise"),
                fall=tables.get("fall_constraint" if setup else "cell_fall"),
                rise_slew=tables.get("rise_transition"),
                fall_slew=tables.get("fall_transition"),
            )


def _voltage(library: Group) -> float:
    unit = _unit(library, "voltage_unit", "1V", library.name)
    stated = library.attributes.get("nom_voltage")
    if stated is None:
        conditions = library.first("operating_conditions")
        stated = conditions.attributes.get("voltage") if conditions else None
    if stated is None:
        raise ValueError(f"library {library.name!r} must state nom_voltage or operating_conditions")
    return float(stated) * unit


def _common_start(names: Sequence[str]) -> str:
    same = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    return "".join(letters[0] for letters in same).rstrip("_-")


def read_liberty(paths: Sequence[str | Path], *, dont_use: Sequence[str] = ()) -> Library:
    """Read one library, which may be spread over several files, plain or gzip.

    Parameters
    ----------
    paths
        Files; what their libraries' names begin with names the whole.
    dont_use
        Patterns such as ``*_probe_*`` of cells to mark as not to be used.

    Raises
    ------
    OSError
        A file cannot be read.
    ValueError
        No file, one that is no Liberty file or not a whole one, one cell twice, or two voltages.
    """
    if not paths:
        raise ValueError("read_liberty.paths must be at least one Liberty file, not none")
    cells: dict[str, Cell] = {}
    groups: list[Group] = []
    for path in map(Path, paths):
        group = read_groups(path)
        groups.append(group)
        reader = _CellReader(group, path.name, dont_use)
        for found in group.all("cell"):
            if found.name in cells:
                raise ValueError(
                    f"{path.name}: cell {found.name!r} must be defined once, not twice"
                )
            try:
                cells[found.name] = reader.read(found)
            except (KeyError, ValueError, IndexError) as error:
                raise ValueError(
                    f"{path.name}: cell {found.name!r} must be whole: {error}"
                ) from error
    voltages = {_voltage(group) for group in groups}
    if len(voltages) > 1:
        raise ValueError(f"read_liberty.paths must have one voltage, not {sorted(voltages)}")
    names = [group.name for group in groups]
    name = _common_start(names) or names[0]
    return Library(name=name, voltage_v=voltages.pop(), cells=cells)
