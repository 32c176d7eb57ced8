"""Bits over the ports of an accelerator's buffers, from its descriptors.

What the DMAs write and read, and what the loops of ``docs/accelerator.md`` do:

* outputs stationary: for each pixel and chunk a group of activations, and for each tile of pixels
  and chunk all rows of weights;
* weights stationary: for each pixel and chunk a group of activations, for each chunk all rows of
  weights, and a sum for each column, written and, behind the first chunk, read before that;
* a side operand: a code for each column and pixel, without products in each chunk;
* what leaves: a code for each column and pixel.

Codes have the width in which they are stored. Records of channels are counted as they are loaded:
what reads them has a word of its own for each column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import Operation, OutputKind, SideUse


def buffer_bits(descriptors: Sequence[Mapping[str, int]], accelerator: AcceleratorDesign) -> int:
    """Bits that descriptors move over the ports of all buffers.

    Parameters
    ----------
    descriptors
        Of a layer, or of a whole program.
    accelerator
        What they run on.
    """
    return sum(
        _dma(each, accelerator) + _operands(each, accelerator) + _sums(each, accelerator)
        for each in descriptors
    )


def _dma(each: Mapping[str, int], accelerator: AcceleratorDesign) -> int:
    """Written by loads and read by stores."""
    beats = sum(each[f"{kind}_beats"] for kind in ("parameter", "wgt", "act", "side"))
    words = each["store_rows"] * each["store_row_words"] if each["store"] else 0
    return 8 * accelerator.beat_bytes * beats + words * accelerator.array.cols * each["out_bits"]


def _operands(each: Mapping[str, int], accelerator: AcceleratorDesign) -> int:
    """Activations, weights, side operand."""
    array, visits, chunks = accelerator.array, _visits(each), _chunks(each)
    moved = 0
    if each["operation"] != Operation.SIDE:
        tiles = -(-each["pixels"] // each["tile_pixels"])
        moved += visits * chunks * array.group * each["act_width"]
        moved += each["n_tiles"] * tiles * chunks * array.rows * each["wgt_row_bits"]
    if each["side_use"] != SideUse.NONE:
        times = chunks if each["operation"] == Operation.SIDE else 1
        moved += visits * times * array.cols * each["side_width"]
    return moved


def _sums(each: Mapping[str, int], accelerator: AcceleratorDesign) -> int:
    """Accumulator memory, and what is written to the output bank."""
    array, visits = accelerator.array, _visits(each)
    moved = 0
    if each["operation"] != Operation.OUTPUTS_STATIONARY:
        chunks = _chunks(each) + each["extra_chunks"]
        moved += visits * (2 * chunks - 1 + each["accumulate"]) * array.cols * array.acc_width
    elif each["accumulate"]:
        moved += visits * array.cols * array.acc_width
    if each["emit"]:
        slices = 1 + each["extra_chunks"] if each["output"] == OutputKind.SUMS else 1
        moved += visits * slices * array.cols * each["out_bits"]
    return moved


def _visits(each: Mapping[str, int]) -> int:
    """Pixels of all column tiles."""
    return each["n_tiles"] * each["pixels"]


def _chunks(each: Mapping[str, int]) -> int:
    """Without the extra ones."""
    return each["ky_count"] * each["kx_count"] * each["cj_count"]
