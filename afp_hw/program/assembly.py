"""Descriptors of a program from its plans: what lies where, and what is loaded when."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Items
from dataclasses import dataclass
from itertools import pairwise

from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import DESCRIPTOR_BYTES, FIELDS, SideUse
from afp_hw.program import fields
from afp_hw.program.grid_fields import grid_fields, operand_fields
from afp_hw.program.layout import TensorLayout
from afp_hw.program.plans import Plan
from afp_hw.program.program import TensorPlace
from afp_hw.program.sequence import Load, Sequence, require_count
from afp_hw.program.settings import tile_bytes
from afp_hw.program.tasks import Operand, Product
from afp_hw.program.weights import Chunks, weight_bytes


@dataclass(frozen=True, eq=False)
class Assembly:
    """A program without its records' and weights' values.

    Attributes
    ----------
    descriptors
        All fields of each, in order.
    ends
        By plan, up to which of them it goes.
    places
        Of all stored tensors, behind the image.
    image_bytes
        Descriptors, then the records of all plans, then their weights, piece by piece.
    size
        Bytes of memory that a run needs.
    """

    descriptors: tuple[Mapping[str, int], ...]
    ends: tuple[int, ...]
    places: Mapping[str, TensorPlace]
    image_bytes: int
    size: int


def assemble(
    plans: Items[Plan], layouts: Mapping[str, TensorLayout], accelerator: AcceleratorDesign
) -> Assembly:
    """Put plans one after the other; only the shapes of their weights are looked at.

    Raises
    ------
    ValueError
        There are more descriptors than waits count, or a number is beyond its field.
    """
    return _Assembler(plans, layouts, accelerator).run()


class _Assembler:
    def __init__(
        self,
        plans: Items[Plan],
        layouts: Mapping[str, TensorLayout],
        accelerator: AcceleratorDesign,
    ) -> None:
        self._accelerator, self._layouts, self._plans = accelerator, layouts, plans
        self._columns = accelerator.array.cols
        self._sequence = Sequence(accelerator.beat_bytes)
        # By tensor: up to which row it is stored behind how many stores, strip by strip.
        self._stored: dict[str, list[tuple[int, int]]] = {}
        self._records: list[int] = []
        self._weights: list[list[Load]] = []
        self._places: dict[str, TensorPlace] = {}
        self._ahead = {
            number for number, pair in enumerate(pairwise(plans)) if pair[0].loads_ahead(pair[1])
        }
        self._first = {
            number
            for number, pair in enumerate(pairwise(plans), 1)
            if pair[1].rows_go_first(pair[0])
        }
        # By tensor: behind how many descriptors and stores it is complete.
        self._complete: dict[str, tuple[int, int]] = {}
        self._count = sum(each.descriptors for each in plans) + len(self._ahead) + len(self._first)
        require_count(self._count)

    def run(self) -> Assembly:
        image = self._parameters_from(DESCRIPTOR_BYTES * self._count)
        size = self._place(image)
        ends = []
        for number, each in enumerate(self._plans):
            self._compute(number, each)
            ends.append(len(self._sequence.descriptors))
        self._sequence.end()
        nothing = dict.fromkeys(FIELDS, 0)
        descriptors = tuple(nothing | values for values in self._sequence.descriptors)
        return Assembly(descriptors, tuple(ends), self._places, image, size)

    # Memory

    def _parameters_from(self, at: int) -> int:
        """Give records and weights their places; the end of the image."""
        for each in self._plans:
            tiles = -(-each.task.output.grid[0] // self._columns)
            self._records.append(at)
            at += tiles * tile_bytes(self._accelerator)
        array, beat = self._accelerator.array, self._accelerator.beat_bytes
        for number, each in enumerate(self._plans):
            loads = []
            for piece in each.pieces if each.task.product is not None else ():
                assert each.task.product is not None
                size = weight_bytes(each.task.product, piece, array, beat)
                loads.append(Load((number, piece.tiles), at, size))
                at += size
            self._weights.append(loads)
        return at

    def _place(self, at: int) -> int:
        """Give each tensor its place behind the image; the end of memory."""
        for name, layout in self._layouts.items():
            self._places[name] = TensorPlace(layout, at)
            at += layout.size
        return at

    # Descriptors

    def _compute(self, number: int, each: Plan) -> None:
        if number in self._first:
            self._load_first(number, each)
        # Behind the second strip: both are in their banks then, and the third waits for one.
        ahead = 2 if number in self._ahead else None
        for order, strip in enumerate(each.strips):
            if order == ahead:
                self._load_ahead(number)
            for index, piece in enumerate(each.pieces):
                values = fields.loops(each, piece, strip, self._accelerator)
                values |= fields.output_fields(each, piece, self._columns)
                loads = {"parameter": self._parameters(number, piece, each.across)}
                last = index + 1 == len(each.pieces)
                ends = last and order + 1 == each.strip_count
                values |= grid_fields(each.task, self._layouts, ends=ends)
                if last:
                    address = self._places[each.task.output.name].address
                    values |= fields.store_fields(each, strip, address, self._columns)
                if each.task.product is not None:
                    loads["wgt"] = self._weights[number][index]
                    self._product(each, each.task.product, piece, strip, values, loads, last)
                else:
                    following = self._weights[number + 1 : number + 2]
                    if order == index == 0 and following and following[0]:
                        # No weights are needed here: those of the next task may come already.
                        loads["wgt"] = following[0][0]
                    self._side(each, piece, strip, values, loads, last)
            self._stored.setdefault(each.task.output.name, []).append(
                (strip[1], self._sequence.stores)
            )
        if ahead == each.strip_count:
            self._load_ahead(number)
        complete = len(self._sequence.descriptors), self._sequence.stores
        self._complete[each.task.output.name] = complete

    def _load_ahead(self, number: int) -> None:
        """A descriptor that computes nothing, for records and weights of the next task."""
        following = self._plans[number + 1]
        loads = {"wgt": self._weights[number + 1][0]}
        if following.task.grid_shift is None:  # else records wait for the grid of the input
            loads["parameter"] = self._parameters(number + 1, following.pieces[0], False)
        name = self._plans[number].task.name
        self._sequence.add(name, fields.NOTHING, loads, emit=False, store=False)

    def _load_first(self, number: int, each: Plan) -> None:
        """A descriptor that computes nothing, for weights and first rows; records wait longer."""
        product = each.task.product
        assert product is not None
        rows = fields.Rows.of(product.view, product.window, next(each.strips))
        loads = {
            "wgt": self._weights[number][0],
            "act": self._rows(self._layouts[product.view.tensor], rows),
        }
        self._sequence.add(each.task.name, fields.NOTHING, loads, emit=False, store=False)

    def _product(
        self,
        each: Plan,
        product: Product,
        piece: Chunks,
        strip: tuple[int, int],
        values: dict[str, int],
        loads: dict[str, Load],
        last: bool,
    ) -> None:
        rows = fields.Rows.of(product.view, product.window, strip)
        layout = self._layouts[product.view.tensor]
        values |= fields.product_fields(product, piece, layout, rows)
        values |= fields.group_fields(product, layout, self._accelerator)
        loads["act"] = self._rows(layout, rows)
        for operand in each.task.operands:
            self._read(operand, each.task.use, piece, strip, values, loads)
        self._sequence.add(each.task.name, values, loads, emit=True, store=last)

    def _side(
        self,
        each: Plan,
        piece: Chunks,
        strip: tuple[int, int],
        values: dict[str, int],
        loads: dict[str, Load],
        last: bool,
    ) -> None:
        operands = each.task.operands
        for index, operand in enumerate(operands):
            ends = index + 1 == len(operands)
            own = values | fields.side_loops(operand)
            own["accumulate"] = int(index > 0)
            own["sum_n_step"] = values["pixels"] if len(operands) > 1 else 0
            needed = dict(loads)
            self._read(operand, each.task.use, piece, strip, own, needed)
            own |= operand_fields(each.task, operand, self._layouts, self._accelerator)
            if each.across:
                layout = self._layouts[operand.view.tensor]
                own |= fields.across_fields(layout, self._columns)
            if not ends:
                own = {name: value for name, value in own.items() if "store" not in name}
                own.pop("dynamic_end", None)
            self._sequence.add(each.task.name, own, needed, emit=ends, store=ends and last)

    def _read(
        self,
        operand: Operand,
        use: SideUse,
        piece: Chunks,
        strip: tuple[int, int],
        values: dict[str, int],
        loads: dict[str, Load],
    ) -> None:
        """Add a side operand."""
        rows = fields.Rows.of(operand.view, operand.window, strip)
        layout = self._layouts[operand.view.tensor]
        values |= fields.side_fields(operand, use, piece, layout, rows, self._columns)
        loads["side"] = self._rows(layout, rows)

    def _parameters(self, number: int, piece: Chunks, across: bool) -> Load:
        """Records of a piece, or of one tile for all."""
        size = tile_bytes(self._accelerator)
        first, count = (0, 1) if across else (piece.tiles[0], piece.count)
        computed, stores = self._grid_behind(number)
        at = self._records[number] + first * size
        return Load((number, first, count), at, count * size, stores, computed)

    def _grid_behind(self, number: int) -> tuple[int, int]:
        """Descriptors and stores behind which records are loaded: they need a dynamic grid.

        It is known as soon as the tensor is computed; to wait for that, weights must be there.
        """
        task = self._plans[number].task
        if task.grid_shift is None or task.product is None:
            return 0, 0
        computed, stores = self._complete.get(task.product.view.tensor, (0, 0))
        return (computed, 0) if number in self._first else (0, stores)

    def _rows(self, layout: TensorLayout, rows: fields.Rows) -> Load:
        """Rows of a tensor, which must have been stored."""
        first, end = rows.stored
        address = self._places[layout.name].address + first * layout.row_bytes
        stores = next((n for stored, n in self._stored.get(layout.name, ()) if stored >= end), 0)
        return Load((layout.name, first, end), address, (end - first) * layout.row_bytes, stores)
