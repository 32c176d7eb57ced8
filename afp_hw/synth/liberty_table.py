"""Look-up tables of Liberty files, with their templates and units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from afp_hw.synth.cells import Table
from afp_hw.synth.liberty_text import Group

_ROW_VARIABLES: Final = ("input_net_transition", "input_transition_time", "related_pin_transition")
_COLUMN_VARIABLES: Final = ("total_output_net_capacitance", "constrained_pin_transition")
_TEMPLATES: Final = ("lu_table_template", "power_lut_template")


def combine(tables: Sequence[Table], divisor: float) -> Table:
    """Sum of tables over a divisor, on the axes of the largest; the others are interpolated."""
    shape = max(tables, key=lambda table: len(table.rows) * len(table.columns))
    values = tuple(
        tuple(
            sum(
                table.values[r][c]
                if table.rows == shape.rows and table.columns == shape.columns
                else table.at(row, column)
                for table in tables
            )
            / divisor
            for c, column in enumerate(shape.columns)
        )
        for r, row in enumerate(shape.rows)
    )
    return Table(shape.rows, shape.columns, values)


class TableReader:
    """Reads the tables of one library; knows its templates.

    Parameters
    ----------
    library
        The ``library`` group.
    where
        Its name in messages.
    """

    def __init__(self, library: Group, where: str) -> None:
        self._where = where
        self._templates = {
            group.name: group.attributes for kind in _TEMPLATES for group in library.all(kind)
        }

    def read(self, group: Group, *, row: float, column: float, value: float) -> Table:
        """The table in `group`, given the units of its axes and values.

        Raises
        ------
        ValueError
            Three axes, an unknown one, or a count of values that does not fit the axes.
        """
        template = self._templates.get(group.name, {})
        variables = [template[key] for key in ("variable_1", "variable_2") if key in template]
        if "variable_3" in template or set(variables) - {*_ROW_VARIABLES, *_COLUMN_VARIABLES}:
            raise ValueError(
                f"{self._where}: table {group.name!r} must be over transition times and load, "
                f"not {[*variables, template.get('variable_3', '')]!r}"
            )
        rows = self._axis(group, template, variables, _ROW_VARIABLES, row)
        columns = self._axis(group, template, variables, _COLUMN_VARIABLES, column)
        numbers = [float(x) * value for x in group.attributes["values"].split()]
        if len(numbers) != len(rows) * len(columns):
            raise ValueError(
                f"{self._where}: table {group.name!r} must have {len(rows)} x {len(columns)} "
                f"values, not {len(numbers)}"
            )
        if variables and variables[0] in _COLUMN_VARIABLES:  # stored column by column
            found = tuple(tuple(numbers[r :: len(rows)]) for r in range(len(rows)))
        else:
            width = len(columns)
            found = tuple(tuple(numbers[r * width : (r + 1) * width]) for r in range(len(rows)))
        return Table(rows, columns, found)

    @staticmethod
    def _axis(
        group: Group,
        template: Mapping[str, str],
        variables: Sequence[str],
        kinds: Sequence[str],
        unit: float,
    ) -> tuple[float, ...]:
        place = next((i for i, variable in enumerate(variables, 1) if variable in kinds), None)
        if place is None:
            return (0.0,)
        index = f"index_{place}"
        text = group.attributes.get(index) or template.get(index, "0")
        return tuple(float(x) * unit for x in text.split())
