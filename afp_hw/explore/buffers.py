"""Bits over the ports of an accelerator's buffers, by layer, from its program.

What the DMAs write and read, and what the array reads in each cycle of its loops:

* outputs stationary: a vector of activations and one of weights, ``rows * lanes`` and
  ``cols * lanes`` codes;
* weights stationary: a vector of ``rows * lanes`` activations, the weights once for each strip, and
  a sum for each column read from the accumulator memory and written back;
* without a product: a code for each column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from afp_hw.design import AcceleratorDesign


def buffer_bits(
    layer: Mapping[str, Any],
    descriptors: Sequence[Mapping[str, int]],
    accelerator: AcceleratorDesign,
    widths: tuple[int, int],
) -> int:
    """Bits that a layer moves over the ports of all buffers.

    Parameters
    ----------
    layer
        As a manifest has it.
    descriptors
        Of this layer.
    accelerator
        Its sizes.
    widths
        Bits of a weight and of an activation.
    """
    array, cycles = accelerator.array, layer["loop_cycles"]
    wgt_width, act_width = widths
    loaded = sum(layer["loaded_bytes"][name] for name in ("records", "weights", "acts", "side"))
    # Through the output buffer each code goes twice, and so does what is loaded: in and out; out
    # of the others is what the loops read.
    moved = 8 * (loaded + 2 * layer["stored_bytes"])
    if layer["dataflow"] == "side":
        return int(moved + cycles * array.cols * act_width)
    moved += cycles * array.group * act_width
    if layer["dataflow"] == "outputs_stationary":
        return int(moved + cycles * array.cols * array.lanes * wgt_width)
    loads = sum(each["wgt_beats"] > 0 for each in descriptors)
    once = 8 * layer["loaded_bytes"]["weights"] * layer["pieces"] / max(loads, 1)
    sums = 2 * cycles * array.cols * array.acc_width
    return int(moved + once * layer["strips"] + sums)
