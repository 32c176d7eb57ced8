"""One descriptor's sums in NumPy, ``docs/accelerator.md``, Loops and Sums: exact integers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import Operation, SideUse
from afp_hw.formats import AFPFormat
from afp_hw.program.interpreter_buffers import Buffer, embedded_fix
from afp_hw.program.interpreter_grids import Looked, stored_fix

Descriptor = Mapping[str, int]


def format_of(descriptor: Descriptor, prefix: str) -> AFPFormat:
    """The format that the fields of `prefix` name."""
    signed = prefix == "wgt" or bool(descriptor[f"{prefix}_signed"])
    return AFPFormat(descriptor[f"{prefix}_n_exp"], descriptor[f"{prefix}_n_man"], signed)


def pixel_places(descriptor: Descriptor) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column of each output pixel."""
    pixels = np.arange(descriptor["pixels"])
    return pixels // descriptor["out_width"], pixels % descriptor["out_width"]


def _loop(descriptor: Descriptor, name: str) -> NDArray[np.int64]:
    return np.arange(descriptor[f"{name}_count"])


class Products:
    """What the array adds to the sums of each column tile.

    Parameters
    ----------
    design
        The accelerator.
    descriptor
        With weights or outputs stationary.
    act, wgt
        The buffers.
    looked
        Dynamic grids.
    """

    def __init__(
        self,
        design: AcceleratorDesign,
        descriptor: Descriptor,
        act: Buffer,
        wgt: Buffer,
        looked: Looked,
    ) -> None:
        self._design, self._d, self._act = design.array, descriptor, act
        fmt = format_of(descriptor, "act")
        self._table = stored_fix(design, fmt, looked.act, words=descriptor["act_words"])
        self._weights = self._all_weights(wgt)
        moves = descriptor["act_n_step"] or descriptor["act_q_n_step"]
        self._rows = None if moves else self._activations(0)

    def of_tile(self, n: int) -> NDArray[Any]:
        """[pixels, cols]."""
        rows = self._activations(n) if self._rows is None else self._rows
        return golden.gemm(rows, self._weights[n])

    def _all_weights(self, wgt: Buffer) -> NDArray[Any]:
        """Embedded integers, [tiles, K, cols], in the order of the activations."""
        d, array = self._d, self._design
        fmt = format_of(d, "wgt")
        if d["wgt_row_bits"] != array.cols * array.lanes * d["wgt_width"]:
            raise ValueError(
                f"descriptor.wgt_row_bits must be {array.cols * array.lanes * d['wgt_width']}, "
                f"not {d['wgt_row_bits']}"
            )
        chunks = d["ky_count"] * d["kx_count"] * d["cj_count"]
        rows = (d["n_tiles"], chunks, array.rows, array.cols, array.lanes)
        codes = wgt.stream(d["wgt_bank"], d["wgt_width"], math.prod(rows)).reshape(rows)
        if d["operation"] == Operation.WEIGHTS_STATIONARY:
            codes = codes[:, :, ::-1]
        fix = embedded_fix(fmt, array.afp_weights)[codes]
        shape = (d["n_tiles"], chunks * array.group, array.cols)
        return np.asarray(fix.swapaxes(3, 4).reshape(shape))

    def _activations(self, n: int) -> NDArray[Any]:
        """Embedded integers, [pixels, K]: chunk by chunk a group."""
        d = self._d
        py, px = pixel_places(d)
        ky, kx, cj = (_loop(d, name) for name in ("ky", "kx", "cj"))
        code = np.arange(self._design.group)
        grid = np.ix_(np.arange(d["pixels"]), ky, kx, cj, code)
        pixel, ky, kx, cj, code = grid
        px, py = px[pixel], py[pixel]
        bits = d["act_start"] + n * d["act_n_step"] + kx * d["act_kx_step"]
        bits = bits + ky * d["act_ky_step"] + cj * d["act_cj_step"]
        bits = bits + px * d["act_x_step"] + py * d["act_y_step"] + code * d["act_width"]
        row = d["act_y"] + ky * d["act_y_dilation"] + py * d["act_y_stride"]
        place = d["act_q"] + n * d["act_q_n_step"] + kx * d["act_q_kx_step"]
        place = place + cj * d["act_q_cj_step"] + px * d["act_q_x_step"] + code
        there = (row >= 0) & (row < d["act_y_limit"])
        there = there & (place >= 0) & (place < d["act_q_limit"])
        fix = self._table[self._act.codes(d["act_bank"], d["act_width"], bits)]
        return np.where(there, fix, 0).reshape(d["pixels"], -1)


class SideOperand:
    """Side operands of each column tile.

    Parameters
    ----------
    design, descriptor, side
        As those of :class:`Products`.
    shift
        Of the records, [tiles, cols].
    looked
        Dynamic grids.
    """

    def __init__(
        self,
        design: AcceleratorDesign,
        descriptor: Descriptor,
        side: Buffer,
        shift: NDArray[np.int64],
        looked: Looked,
    ) -> None:
        self._design, self._d, self._side = design.array, descriptor, side
        self._shift = shift + looked.align
        fmt = format_of(descriptor, "side")
        table = stored_fix(design, fmt, looked.side, words=descriptor["side_words"])
        self._wide = self._design.acc_width > 62
        self._table = table.astype(object) if self._wide else table

    def chunks(self, n: int) -> Iterator[tuple[NDArray[Any], NDArray[np.bool_]]]:
        """Operand [pixels, cols] of each chunk, and which pixels are there, [pixels, 1]."""
        d = self._d
        products = d["operation"] != Operation.SIDE
        loops = [range(1) if products else range(d[f"{name}_count"]) for name in ("ky", "kx", "cj")]
        py, px = pixel_places(d)
        column = np.arange(self._design.cols)
        channel = d["side_channel"] + n * d["side_channel_step"] + column
        is_channel = (channel >= 0) & (channel < d["side_channel_limit"])
        for ky in loops[0]:
            row = d["side_y"] + ky * d["side_y_dilation"] + py * d["side_y_stride"]
            for kx in loops[1]:
                x = d["side_x"] + kx * d["side_x_dilation"] + px * d["side_x_stride"]
                there = (row >= 0) & (row < d["side_y_limit"])
                there = (there & (x >= 0) & (x < d["side_x_limit"]))[:, None]
                for cj in loops[2]:
                    bits = d["side_start"] + n * d["side_n_step"] + kx * d["side_kx_step"]
                    bits += ky * d["side_ky_step"] + cj * d["side_cj_step"]
                    each = bits + px * d["side_x_step"] + py * d["side_y_step"]
                    places = each[:, None] + column * d["side_width"]
                    codes = self._side.codes(d["side_bank"], d["side_width"], places)
                    fix = np.where(there & is_channel, self._table[codes], 0)
                    yield self._moved(fix, n, cj), there

    def _moved(self, fix: NDArray[Any], n: int, cj: int) -> NDArray[Any]:
        """``±((fix << shifts) >> N_man)``."""
        d = self._d
        shift = d[f"shift_{cj}"] + self._shift[n]
        fix = fix.astype(object)
        moved = (fix << shift.astype(object)) >> self._design.afp_acts.n_man
        moved = -moved if d[f"negate_{cj}"] else moved
        return np.asarray(moved if self._wide else moved.astype(np.int64))


def tile_sums(
    descriptor: Descriptor,
    n: int,
    base: NDArray[Any],
    products: Products | None,
    side: SideOperand | None,
) -> NDArray[Any]:
    """Sums of a column tile, [pixels, cols], from what they start from."""
    sums = base
    if side is not None:
        for operand, there in side.chunks(n):
            if descriptor["side_use"] == SideUse.MAX:
                sums = np.where(there, np.maximum(sums, operand), sums)
            else:
                sums = sums + operand
    return sums if products is None else sums + products.of_tile(n)
