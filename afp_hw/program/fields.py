"""Fields of a descriptor: where the rows that it needs lie in a bank, and loops over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from afp_hw.design import AcceleratorDesign
from afp_hw.design.accelerator import SUM_CYCLES
from afp_hw.design.descriptor import Operation, OutputKind, SideUse
from afp_hw.formats import AFPFormat
from afp_hw.program.layout import TensorLayout
from afp_hw.program.plans import Plan
from afp_hw.program.tasks import Operand, Product, Window
from afp_hw.program.views import View
from afp_hw.program.weights import Chunks

Fields = dict[str, int]

_ONE = ("n_tiles", "pixels", "tile_pixels", "out_width", "ky_count", "kx_count", "cj_count")

NOTHING: Final[Mapping[str, int]] = {
    "operation": int(Operation.SIDE),
    "slots": SUM_CYCLES,
    "accumulate": 1,
    **dict.fromkeys(_ONE, 1),
}
"""A computation of which nothing is left, and which needs no records: for its loads alone."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a view that a strip needs.

    Attributes
    ----------
    begin, end
        Those that are there, in rows of the view.
    first
        Row of the view that the first window begins with; it need not be there.
    stored
        First and end of the rows of the stored tensor that are loaded.
    """

    begin: int
    end: int
    first: int
    stored: tuple[int, int]

    @classmethod
    def of(cls, view: View, window: Window, strip: tuple[int, int]) -> Rows:
        """Of output rows first .. end - 1."""
        begin, end = window.rows(*strip, view.y)
        stored = (view.y.place(begin), view.y.place(end - 1) + 1) if end > begin else (0, 0)
        return cls(begin, end, window.first_row(strip[0]), stored)


def loops(plan: Plan, piece: Chunks, strip: tuple[int, int], design: AcceleratorDesign) -> Fields:
    """Column tiles, pixels, slots."""
    wide = piece.count if plan.across else plan.task.output.grid[2]
    pixels = (strip[1] - strip[0]) * wide
    rows = design.array.rows
    outputs = plan.operation is Operation.OUTPUTS_STATIONARY
    least = SUM_CYCLES if plan.operation is Operation.SIDE else design.least_slots
    return {
        "operation": int(plan.operation),
        "n_tiles": 1 if plan.across else piece.count,
        "pixels": pixels,
        "tile_pixels": rows if outputs else pixels,
        "slots": rows if outputs else max(pixels, least),
        "out_width": wide,
    }


def product_fields(product: Product, piece: Chunks, layout: TensorLayout, rows: Rows) -> Fields:
    """Activations and weights."""
    view, window, width, pitch = product.view, product.window, layout.width, layout.pitch
    x = view.x
    channel = view.c.place(piece.channel)
    start = (rows.first - rows.begin) * view.y.step * layout.row_bits
    start += (x.place(-window.left) * pitch + channel) * width
    row = view.y.step * layout.row_bits
    column = x.step * pitch * width
    return {
        "ky_count": window.kernel[0],
        "kx_count": piece.kx,
        "cj_count": piece.cj,
        **_format("act", product.act),
        "act_width": width,
        "act_start": start,
        "act_x_step": column * window.strides[1],
        "act_y_step": row * window.strides[0],
        "act_kx_step": column * window.dilations[1] if piece.kx > 1 else 0,
        "act_ky_step": row * window.dilations[0],
        "act_n_step": piece.step * width,
        "act_y": rows.first - rows.begin,
        "act_y_stride": window.strides[0],
        "act_y_dilation": window.dilations[0],
        "act_y_limit": rows.end - rows.begin,
        "act_q": (-window.left - x.low) * pitch + channel,
        "act_q_x_step": pitch * window.strides[1],
        "act_q_kx_step": pitch * window.dilations[1] if piece.kx > 1 else 0,
        "act_q_n_step": piece.step,
        "act_q_limit": (x.high - x.low) * pitch,
        "wgt_n_exp": product.wgt.n_exp,
        "wgt_n_man": product.wgt.n_man,
        "wgt_width": product.wgt.width,
    }


def group_fields(product: Product, layout: TensorLayout, design: AcceleratorDesign) -> Fields:
    """Steps that follow from the array alone."""
    array = design.array
    return {
        "act_cj_step": array.group * layout.width,
        "act_q_cj_step": array.group,
        "wgt_row_bits": array.cols * array.lanes * product.wgt.width,
    }


def side_fields(
    operand: Operand, use: SideUse, piece: Chunks, layout: TensorLayout, rows: Rows, columns: int
) -> Fields:
    """Side operand: of a step without products its window and table of shifts too."""
    view, window, fmt, pitch = operand.view, operand.window, operand.fmt, layout.pitch
    channel = piece.tiles[0] * columns
    width = layout.width
    start = (rows.first - rows.begin) * view.y.step * layout.row_bits
    start += (view.x.place(-window.left) * pitch + view.c.place(channel)) * width
    row = view.y.step * layout.row_bits
    column = view.x.step * pitch * width
    table: Fields = {}
    for index, (shift, minus) in enumerate(zip(operand.shifts, operand.negated, strict=True)):
        table[f"shift_{index}"] = shift + fmt.n_man
        table[f"negate_{index}"] = int(minus)
    return {
        "side_use": int(use),
        **_format("side", fmt),
        "side_width": width,
        "side_start": start,
        "side_x_step": column * window.strides[1],
        "side_y_step": row * window.strides[0],
        "side_kx_step": column * window.dilations[1],
        "side_ky_step": row * window.dilations[0],
        "side_n_step": columns * width,
        "side_y": rows.first - rows.begin,
        "side_y_stride": window.strides[0],
        "side_y_dilation": window.dilations[0],
        "side_y_limit": rows.end - rows.begin,
        "side_x": -window.left - view.x.low,
        "side_x_stride": window.strides[1],
        "side_x_dilation": window.dilations[1],
        "side_x_limit": view.x.high - view.x.low,
        "side_channel": channel - view.c.low,
        "side_channel_step": columns,
        "side_channel_limit": view.c.high - view.c.low,
        **table,
    }


def across_fields(layout: TensorLayout, columns: int) -> Fields:
    """What of a side operand differs where column tiles take the place of pixels."""
    return {
        "side_x_step": columns * layout.width,
        "side_x_stride": 0,
        "side_channel": 0,
        "side_channel_limit": columns,
    }


def side_loops(operand: Operand) -> Fields:
    """Chunks of a step without products."""
    return {
        "ky_count": operand.window.kernel[0],
        "kx_count": operand.window.kernel[1],
        "cj_count": len(operand.shifts),
    }


def output_fields(plan: Plan, piece: Chunks, columns: int) -> Fields:
    """Where what leaves is written in the output bank."""
    layout = plan.task.output
    slices = max(layout.slices, 1)
    fields = {
        "out_bits": layout.width,
        "out_start": piece.tiles[0] * slices,
        "out_x_step": 1 if plan.across else -(-layout.grid[0] // columns) * slices,
        "out_n_step": slices,
        "relu": int(plan.task.relu),
    }
    if layout.item is None:
        return fields | {"output": int(OutputKind.SUMS), "extra_chunks": layout.slices - 1}
    product = plan.task.product
    if product is not None and plan.operation is Operation.OUTPUTS_STATIONARY:
        # Sums of a tile drain while the next one begins: that takes two chunks at least.
        fields["extra_chunks"] = int(product.window.kernel[0] * piece.kx * piece.cj == 1)
    kind = OutputKind.WORDS if layout.words else OutputKind.CODES
    return fields | {"output": int(kind), **_format("out", layout.item.fmt)}


def store_fields(plan: Plan, strip: tuple[int, int], address: int, columns: int) -> Fields:
    """What is stored behind the last piece of a strip; `address` is that of the tensor."""
    layout = plan.task.output
    words = -(-layout.grid[0] // columns) * max(layout.slices, 1)
    return {
        "store_address": address + strip[0] * layout.row_bytes,
        "store_rows": strip[1] - strip[0],
        "store_row_words": layout.grid[2] * words,
        "store_row_beats": layout.row_bytes // layout.beat_bytes,
    }


def _format(prefix: str, fmt: AFPFormat) -> Fields:
    return {
        f"{prefix}_n_exp": fmt.n_exp,
        f"{prefix}_n_man": fmt.n_man,
        f"{prefix}_signed": int(fmt.signed),
    }
