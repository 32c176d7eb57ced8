"""Standard cells as plain figures in SI units: what a library says of them that we use."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

# Transition time at which figures are taken where none is known.
NOMINAL_SLEW_S: Final = 5e-11


def _bracket(axis: Sequence[float], at: float) -> tuple[int, float]:
    """Left neighbour of `at` on an axis of two points or more, and the fraction beyond it."""
    left = min(max(bisect_right(axis, at) - 1, 0), len(axis) - 2)
    return left, (at - axis[left]) / (axis[left + 1] - axis[left])


@dataclass(frozen=True, slots=True)
class Table:
    """A figure over one or two axes, linear between the points and beyond them.

    Parameters
    ----------
    rows, columns
        Axes, rising: transition time (second), then load (farad); of a constraint, the transition
        times of clock and data. An axis of one point is no axis: the figure does not depend on it.
    values
        ``len(rows)`` tuples of ``len(columns)`` figures, in SI units.
    """

    rows: tuple[float, ...]
    columns: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]

    def at(self, row: float, column: float) -> float:
        """The figure at a point of the two axes."""
        if len(self.rows) == 1:
            return self._along(0, column)
        low, part = _bracket(self.rows, row)
        first, second = self._along(low, column), self._along(low + 1, column)
        return first + part * (second - first)

    def _along(self, row: int, column: float) -> float:
        values = self.values[row]
        if len(self.columns) == 1:
            return values[0]
        low, part = _bracket(self.columns, column)
        return values[low] + part * (values[low + 1] - values[low])


@dataclass(frozen=True, slots=True)
class Arc:
    """How long it takes from one pin of a cell to another.

    Parameters
    ----------
    related, pin
        Where it starts and where it ends; of a setup constraint: the clock, then the data.
    kind
        ``timing_type`` of Liberty: ``combinational``, ``rising_edge``, ``setup_rising`` ...
    sense
        ``positive_unate``, ``negative_unate`` or ``non_unate``.
    rise, fall
        Delay (or constraint), second, by the direction in which `pin` goes, if there is one.
    rise_slew, fall_slew
        Transition time that comes out, second; None for a constraint.
    """

    related: str
    pin: str
    kind: str
    sense: str
    rise: Table | None
    fall: Table | None
    rise_slew: Table | None = None
    fall_slew: Table | None = None


@dataclass(frozen=True, slots=True)
class Pin:
    """One pin of a cell.

    Parameters
    ----------
    name
        Its name.
    capacitance_f
        Of an input, farad; mean of rise and fall as the library states it. 0 for an output.
    function
        Of an output, in Liberty's boolean syntax, over input pins or the names of the state; None
        where the library has none.
    clock
        Marked as a clock.
    max_load_f
        The largest load of an output, farad; None where the library has none.
    energy
        Internal energy of one transition (mean of rise and fall, of all arcs and states), joule.
    """

    name: str
    capacitance_f: float
    function: str | None
    clock: bool
    max_load_f: float | None = None
    energy: Table | None = None


@dataclass(frozen=True, slots=True)
class FlipFlop:
    """What makes a cell a flip-flop; expressions in Liberty's boolean syntax.

    Parameters
    ----------
    next_state, clocked_on
        What is stored, and the rising edge of what stores it.
    state, inverted
        Names that the functions of outputs use for the state and its complement.
    clear, preset
        Asynchronous; None where there is none.
    """

    next_state: str
    clocked_on: str
    state: str
    inverted: str
    clear: str | None = None
    preset: str | None = None


@dataclass(frozen=True, slots=True)
class ClockGate:
    """What makes a cell a clock gate (``clock_gating_integrated_cell : latch_posedge``).

    Its output follows the clock through the cycles before which its enable was 1.

    Parameters
    ----------
    clock, enable, output
        Names of the pins.
    test
        Pins that must be 0 in use: scan enables.
    """

    clock: str
    enable: str
    output: str
    test: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """One standard cell.

    Parameters
    ----------
    name
        As in the library.
    area_um2
        Square micrometres.
    leakage_w
        Watt, mean over the states that the library lists.
    inputs, outputs
        Pins; supply pins are left out.
    flip_flop
        None for a cell that is none.
    dont_use
        The library asks tools to leave it alone, or it is of no use to a mapper: a latch, a clock
        gate, a three-state buffer, an output without function.
    arcs
        Delays and setup constraints.
    clock_gate
        None for a cell that is none.
    """

    name: str
    area_um2: float
    leakage_w: float
    inputs: tuple[Pin, ...]
    outputs: tuple[Pin, ...]
    flip_flop: FlipFlop | None
    dont_use: bool
    arcs: tuple[Arc, ...] = ()
    clock_gate: ClockGate | None = None

    def pin(self, name: str) -> Pin:
        """The pin of that name.

        Raises
        ------
        KeyError
            There is none.
        """
        for pin in (*self.inputs, *self.outputs):
            if pin.name == name:
                return pin
        raise KeyError(name)

    def internal_energy_j(self, output_pin: str, load_f: float, slew_s: float) -> float:
        """Internal energy of one transition of an output, joule: mean of rise and fall.

        Without the half C V**2 of the load, which is the net's. 0 where the library has no table.
        """
        table = self.pin(output_pin).energy
        return table.at(slew_s, load_f) if table is not None else 0.0

    def input_energy_j(self, pin: str, slew_s: float = NOMINAL_SLEW_S) -> float:
        """Internal energy of one transition of an input, whatever the outputs do, joule.

        This is where a flip-flop's clock energy is. 0 where the library has no table.
        """
        table = self.pin(pin).energy
        return table.at(slew_s, 0.0) if table is not None else 0.0
