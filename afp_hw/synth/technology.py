"""Technologies: a library's usable cells as figures, and as a Liberty file for the tools."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Final

from afp_hw.files import cache_dir, output_directory, write_atomic
from afp_hw.synth.boolean import parse_function
from afp_hw.synth.cells import NOMINAL_SLEW_S, Cell
from afp_hw.synth.liberty import read_liberty
from afp_hw.synth.liberty_write import liberty_text
from afp_hw.synth.table import cells_of

# Cells of SKY130 that its library does not mark, and that synthesis must leave alone: power
# domains, probes, delays, spares. Enabled flip-flops cost more than a multiplexer and a plain one.
NOT_FOR_SYNTHESIS: Final = (
    *("*_sc_*__lpflow_*", "*_sc_*__probe*", "*_sc_*__macro_*", "*_sc_*__clkdly*", "*_sc_*__dly*"),
    *("*_sc_*__clkinvlp_*", "*_sc_*__edf*", "*_sc_*__bufbuf_*", "*_sc_*__bufinv_*"),
)


@dataclass(frozen=True, slots=True)
class FullAdderCell:
    """A library's full adder.

    Parameters
    ----------
    cell
        The cell.
    sum_pin, carry_pin
        Names of its outputs.
    inverted
        Whether both outputs are the complements.
    """

    cell: Cell
    sum_pin: str
    carry_pin: str
    inverted: bool


@dataclass(frozen=True, eq=False)
class Technology:
    """A cell library.

    Parameters
    ----------
    name
        Short, for tables: ``"sky130_fd_sc_hd"``.
    description
        One sentence: library, corner, source.
    voltage_v
        Supply.
    cells
        All cells by name, in a fixed order.
    """

    name: str
    description: str
    voltage_v: float
    cells: Mapping[str, Cell]

    @classmethod
    def sky130(cls) -> Technology:
        """The embedded technology: figures of SKY130's high-density cells, typical, 25 C, 1.8 V.

        The source is named in the table, ``afp_hw/synth/sky130.json``.
        """
        table = json.loads((files("afp_hw.synth") / "sky130.json").read_text(encoding="utf-8"))
        return cls(
            name=table["name"],
            description=table["description"],
            voltage_v=table["voltage_v"],
            cells=cells_of(table),
        )

    @classmethod
    def from_liberty(
        cls, paths: Sequence[str | Path], *, dont_use: Sequence[str] = NOT_FOR_SYNTHESIS
    ) -> Technology:
        """The technology of Liberty files (plain or gzip), several making one library.

        Parameters
        ----------
        paths
            Files.
        dont_use
            Patterns of cells to leave alone besides those that the library marks.

        Raises
        ------
        OSError
            A file cannot be read.
        ValueError
            See :func:`.read_liberty`; or what synthesis and energy need is missing: a flip-flop
            without clear, an inverter, a NAND2, tables of energy or of delay.
        """
        library = read_liberty(paths, dont_use=dont_use)
        names = ", ".join(Path(path).name for path in paths)
        found = cls(
            name=library.name,
            description=f"{library.name} at {library.voltage_v:g} V, from {names}",
            voltage_v=library.voltage_v,
            cells=library.cells,
        )
        found.check()
        return found

    def check(self) -> None:
        """Refuse a library that lacks what synthesis and energy need; see :meth:`from_liberty`."""
        owner = f"library {self.name!r}"
        for what, cell in (
            ("a plain flip-flop", self.flip_flop),
            ("an inverter", self.cell_of("!a")),
            ("a NAND2", self.cell_of("!(a & b)")),
        ):
            if cell is None:
                raise ValueError(
                    f"{owner} must have {what}, not only {len(self.usable)} other cells"
                )
        if not any(pin.energy for cell in self.usable for pin in cell.outputs):
            raise ValueError(f"{owner} must have internal_power tables, not none at all")
        if not any(cell.arcs for cell in self.usable):
            raise ValueError(f"{owner} must have timing tables, not none at all")

    def restricted(self, names: Collection[str]) -> Technology:
        """The same library with only these cells usable.

        Raises
        ------
        ValueError
            One of them is not in the library.
        """
        missing = sorted(set(names) - set(self.cells))
        if missing:
            raise ValueError(
                f"Technology.restricted must name cells of {self.name!r}, not {missing}"
            )
        return replace(
            self, cells={name: cell for name, cell in self.cells.items() if name in names}
        )

    @cached_property
    def usable(self) -> tuple[Cell, ...]:
        """The cells that synthesis may use."""
        return tuple(cell for cell in self.cells.values() if not cell.dont_use)

    @cached_property
    def clock_gate(self) -> Cell | None:
        """The smallest gate of a rising clock: enable, clock, and nothing but test pins beside."""
        found = [
            cell
            for cell in self.cells.values()
            if cell.clock_gate is not None
            and {cell.clock_gate.clock, cell.clock_gate.enable, *cell.clock_gate.test}
            == {pin.name for pin in cell.inputs}
            and not any(fnmatchcase(cell.name, pattern) for pattern in NOT_FOR_SYNTHESIS)
        ]
        return min(found, key=lambda cell: (len(cell.inputs), cell.area_um2), default=None)

    @cached_property
    def flip_flop(self) -> Cell | None:
        """The smallest that stores an input on the rising edge, without clear or preset."""
        found = [
            cell
            for cell in self.usable
            if cell.flip_flop is not None
            and cell.flip_flop.clear is cell.flip_flop.preset is None
            and {cell.flip_flop.next_state.lstrip("!"), cell.flip_flop.clocked_on}
            == {pin.name for pin in cell.inputs}
        ]
        return min(found, key=lambda cell: cell.area_um2, default=None)

    @cached_property
    def flip_flop_delay_s(self) -> float:
        """Clock to output plus setup of :attr:`flip_flop`, loaded with four NAND2 inputs."""
        cell, nand2 = self.flip_flop, self.cell_of("!(a & b)")
        if cell is None or nand2 is None:
            return 0.0
        load_f = 4 * nand2.inputs[0].capacitance_f
        latest = {"rising_edge": 0.0, "setup_rising": 0.0}
        for arc in cell.arcs:
            if arc.kind in latest:
                column = load_f if arc.kind == "rising_edge" else NOMINAL_SLEW_S
                for table in (arc.rise, arc.fall):
                    if table is not None:
                        late = table.at(NOMINAL_SLEW_S, column)
                        latest[arc.kind] = max(latest[arc.kind], late)
        return sum(latest.values())

    def cell_of(self, *functions: str) -> Cell | None:
        """The smallest combinational cell with these outputs, over inputs ``a``, ``b`` and so on.

        Inputs of the cell are taken in any order, outputs in the order given.
        """
        trees = [parse_function(function) for function in functions]
        names = sorted(set().union(*(tree.variables for tree in trees)))
        wanted = [
            tuple(
                tree.evaluate(dict(zip(names, bits, strict=True)))
                for bits in itertools.product((0, 1), repeat=len(names))
            )
            for tree in trees
        ]
        found = [cell for cell in self.usable if _pins_for(cell, len(names), wanted) is not None]
        return min(found, key=lambda cell: cell.area_um2, default=None)

    @cached_property
    def full_adder(self) -> FullAdderCell | None:
        """The smallest full adder, or one whose outputs are both inverted; None without either."""
        for inverted in (False, True):
            sign = "!" if inverted else ""
            cell = self.cell_of(f"{sign}(a ^ b ^ c)", f"{sign}(a&b | a&c | b&c)")
            if cell is not None:
                wanted = [(0, 1, 1, 0, 1, 0, 0, 1), (0, 0, 0, 1, 0, 1, 1, 1)]
                tables = [tuple(bit ^ inverted for bit in table) for table in wanted]
                pins = _pins_for(cell, 3, tables)
                assert pins is not None  # that is how it was found
                return FullAdderCell(cell, pins[0], pins[1], inverted)
        return None

    @cached_property
    def nand2_area_um2(self) -> float:
        """Area of the smallest NAND2: what a NAND2 equivalent is."""
        cell = self.cell_of("!(a & b)")
        if cell is None:
            raise ValueError(f"library {self.name!r} must have a NAND2, not none")
        return cell.area_um2

    @cached_property
    def liberty(self) -> str:
        """The usable cells and the clock gate as a compact Liberty file."""
        gate = () if self.clock_gate is None else (self.clock_gate,)
        return liberty_text(self.name, self.voltage_v, self.usable + gate, self.description)

    def liberty_path(self) -> Path:
        """That file on disk, in the cache directory, named by its content.

        Raises
        ------
        ValueError
            The cache directory cannot be written to.
        """
        digest = hashlib.sha256(self.liberty.encode()).hexdigest()[:16]
        path = output_directory(cache_dir() / "liberty") / f"{self.name}-{digest}.lib"
        if not path.exists():
            write_atomic(path, self.liberty)
        return path


def _pins_for(cell: Cell, inputs: int, wanted: Sequence[tuple[int, ...]]) -> tuple[str, ...] | None:
    """Output pins of `cell` that have these truth tables, under one order of its inputs."""
    if cell.flip_flop or len(cell.inputs) != inputs or len(cell.outputs) != len(wanted):
        return None
    trees = {pin.name: parse_function(pin.function or "0") for pin in cell.outputs}
    for order in itertools.permutations(pin.name for pin in cell.inputs):
        tables = {
            name: tuple(
                tree.evaluate(dict(zip(order, bits, strict=True)))
                for bits in itertools.product((0, 1), repeat=inputs)
            )
            for name, tree in trees.items()
        }
        for names in itertools.permutations(tables):
            if [tables[name] for name in names] == list(wanted):
                return names
    return None
