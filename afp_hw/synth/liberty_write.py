"""A compact Liberty file of cells given as figures: what Yosys, ABC and OpenSTA need, no more.

Units are nanosecond, picofarad and nanowatt, so energies are picojoules. Rise and fall energies are
both written as their mean, which is what :class:`.Pin` keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from afp_hw.synth.cells import Arc, Cell, Pin, Table

_HEADER: Final = """\
  delay_model : table_lookup;
  time_unit : "1ns";
  voltage_unit : "1V";
  current_unit : "1mA";
  leakage_power_unit : "1nW";
  pulling_resistance_unit : "1kohm";
  capacitive_load_unit (1, pf);
  input_threshold_pct_rise : 50; input_threshold_pct_fall : 50;
  output_threshold_pct_rise : 50; output_threshold_pct_fall : 50;
  slew_lower_threshold_pct_rise : 20; slew_lower_threshold_pct_fall : 20;
  slew_upper_threshold_pct_rise : 80; slew_upper_threshold_pct_fall : 80;
"""

# Kind of table: its template's group and what its axes are.
_TEMPLATES: Final = {
    "delay": ("lu_table_template", "input_net_transition", "total_output_net_capacitance"),
    "setup": ("lu_table_template", "related_pin_transition", "constrained_pin_transition"),
    "energy": ("power_lut_template", "input_transition_time", "total_output_net_capacitance"),
    "input_energy": ("power_lut_template", "input_transition_time", ""),
}


def _template_name(kind: str, table: Table) -> str:
    return f"{kind}_{len(table.rows)}_{len(table.columns)}"


def _templates(cells: Iterable[Cell]) -> Iterator[str]:
    """A template for each shape of table; ABC compares the lengths of its axes with the table's."""
    used: dict[str, tuple[str, Table]] = {}
    for cell in cells:
        for pin in (*cell.inputs, *cell.outputs):
            kind = "energy" if pin in cell.outputs else "input_energy"
            if pin.energy is not None:
                used[_template_name(kind, pin.energy)] = (kind, pin.energy)
        for arc in cell.arcs:
            kind = "setup" if arc.kind.startswith("setup") else "delay"
            for table in (arc.rise, arc.fall, arc.rise_slew, arc.fall_slew):
                if table is not None:
                    used[_template_name(kind, table)] = (kind, table)
    for name, (kind, table) in sorted(used.items()):
        group, first, second = _TEMPLATES[kind]
        yield f"{group} ({name}) {{ variable_1 : {first};"
        if second:
            yield f"  variable_2 : {second};"
        yield f'  index_1 ("{_numbers(range(len(table.rows)), 1.0)}");'
        if second:
            yield f'  index_2 ("{_numbers(range(len(table.columns)), 1.0)}");'
        yield "}"


def _numbers(values: Iterable[float], unit: float) -> str:
    return ", ".join(f"{value / unit:.6g}" for value in values)


def _table(kind: str, template: str, table: Table, column: float, value: float) -> Iterator[str]:
    """Lines of one table, in nanoseconds and the units `column` and `value`."""
    yield f'{kind} ({_template_name(template, table)}) {{ index_1 ("{_numbers(table.rows, 1e-9)}");'
    if _TEMPLATES[template][2]:
        yield f'  index_2 ("{_numbers(table.columns, column)}");'
    rows = ", ".join(f'"{_numbers(row, value)}"' for row in table.values)
    yield f"  values ({rows}); }}"


def _arc(arc: Arc) -> Iterator[str]:
    yield f'timing () {{ related_pin : "{arc.related}"; timing_type : {arc.kind};'
    setup = arc.kind.startswith("setup")
    if not setup:
        yield f"  timing_sense : {arc.sense};"
    named = (
        (("rise_constraint", arc.rise), ("fall_constraint", arc.fall))
        if setup
        else (
            ("cell_rise", arc.rise),
            ("cell_fall", arc.fall),
            ("rise_transition", arc.rise_slew),
            ("fall_transition", arc.fall_slew),
        )
    )
    template, column = ("setup", 1e-9) if setup else ("delay", 1e-12)
    for kind, table in named:
        if table is not None:
            yield from _indented(_table(kind, template, table, column, 1e-9))
    yield "}"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return ("  " + line for line in lines)


def _pin(cell: Cell, pin: Pin, direction: str) -> Iterator[str]:
    yield f"pin ({pin.name}) {{ direction : {direction};"
    if direction == "input":
        yield f"  capacitance : {pin.capacitance_f / 1e-12:.6g};"
    if pin.clock:
        yield "  clock : true;"
    yield from _clock_gate_role(cell, pin)
    if pin.function is not None:
        yield f'  function : "{pin.function}";'
    if pin.max_load_f is not None:
        yield f"  max_capacitance : {pin.max_load_f / 1e-12:.6g};"
    if pin.energy is not None:
        template = "energy" if direction == "output" else "input_energy"
        for kind in ("rise_power", "fall_power"):
            table = _table(kind, template, pin.energy, 1e-12, 1e-12)
            head = "internal_power () {" if kind == "rise_power" else ""
            lines = [*([head] if head else []), *_indented(table)]
            yield from _indented(lines if kind == "rise_power" else [*lines, "}"])
    for arc in cell.arcs:
        if arc.pin == pin.name:
            yield from _indented(_arc(arc))
    yield "}"


def _clock_gate_role(cell: Cell, pin: Pin) -> Iterator[str]:
    gate = cell.clock_gate
    if gate is not None:
        roles = {gate.clock: "clock", gate.enable: "enable", gate.output: "out"}
        role = roles.get(pin.name, "test")
        yield f"  clock_gate_{role}_pin : true;"


def _cell(cell: Cell) -> Iterator[str]:
    yield f"cell ({cell.name}) {{ area : {cell.area_um2:.6g};"
    if cell.clock_gate is not None:
        yield "  clock_gating_integrated_cell : latch_posedge; dont_use : true;"
    yield f"  cell_leakage_power : {cell.leakage_w / 1e-9:.6g};"
    flip_flop = cell.flip_flop
    if flip_flop is not None:
        yield f"  ff ({flip_flop.state}, {flip_flop.inverted}) {{"
        for key in ("clocked_on", "next_state", "clear", "preset"):
            if getattr(flip_flop, key) is not None:
                yield f'    {key} : "{getattr(flip_flop, key)}";'
        yield "  }"
    for direction, pins in (("input", cell.inputs), ("output", cell.outputs)):
        for pin in pins:
            yield from _indented(_pin(cell, pin, direction))
    yield "}"


def liberty_text(name: str, voltage_v: float, cells: Sequence[Cell], comment: str) -> str:
    """The Liberty file of these cells, in their order; energies, delays and all in six digits."""
    lines = [f"/* {comment} */", f"library ({name}) {{"]
    lines.append(_HEADER.rstrip("\n"))
    lines.append(f"  nom_voltage : {voltage_v:g}; nom_temperature : 25; nom_process : 1;")
    lines.extend(_indented(_templates(cells)))
    for cell in cells:
        lines.extend(_indented(_cell(cell)))
    return "\n".join([*lines, "}"]) + "\n"
