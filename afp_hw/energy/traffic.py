"""Bits that a layer moves: over the ports of the on-chip memory, and to and from DRAM."""

from __future__ import annotations

from dataclasses import dataclass

from afp_hw.schedule import LayerSchedule


@dataclass(frozen=True, slots=True)
class Widths:
    """Bits of the words of a layer, as they are stored.

    Attributes
    ----------
    weight, act
        Of a code.
    output
        Of a result.
    waiting
        Of a result that waits for its grid, 0 where none does.
    init
        Of an initial value, 0 for none.
    """

    weight: int
    act: int
    output: int
    waiting: int = 0
    init: int = 0


@dataclass(frozen=True, slots=True)
class Tensors:
    """Elements of a layer's tensors, of one image and all groups.

    Attributes
    ----------
    weights, inputs, outputs
        How many. A pixel that a convolution reads several times is one input.
    first, last
        Whether the input comes from outside, and whether the output goes there.
    """

    weights: int
    inputs: int
    outputs: int
    first: bool
    last: bool


@dataclass(frozen=True, slots=True)
class LayerTraffic:
    """Bits moved for one image.

    Attributes
    ----------
    weight_reads, act_reads
        From on-chip memory into the array: weights once for each row of tiles, the matrix of
        activations once for each column of tiles.
    output_writes
        Results, from the array.
    waiting_moves
        Results that wait for their grid, written and read.
    init_reads
        Initial values.
    fills
        Written into on-chip memory from DRAM, and read from it for DRAM.
    dram
        To and from DRAM.
    """

    weight_reads: int
    act_reads: int
    output_writes: int
    waiting_moves: int
    init_reads: int
    fills: int
    dram: int

    @property
    def sram(self) -> int:
        """All over the ports of on-chip memory."""
        return (
            self.weight_reads + self.act_reads + self.output_writes + self.waiting_moves
            + self.init_reads + self.fills
        )  # fmt: skip


def layer_traffic(
    schedule: LayerSchedule, groups: int, widths: Widths, tensors: Tensors, *, on_chip_bits: int
) -> LayerTraffic:
    """Traffic of a layer on an output-stationary array.

    Every weight comes from DRAM once an image; so does the network's input, and its output goes
    there. An activation tensor stays on the chip unless input and output of the layer, and what
    waits, do not fit there together: then both are moved to and from DRAM.

    Parameters
    ----------
    schedule
        Of one group.
    groups
        How many there are.
    widths, tensors
        Of the layer.
    on_chip_bits
        Room for activations.
    """
    m, k, n = schedule.m, schedule.k, schedule.n
    input_bits = tensors.inputs * widths.act
    output_bits = tensors.outputs * widths.output
    waiting_bits = tensors.outputs * widths.waiting
    spilled = input_bits + max(output_bits, waiting_bits) > on_chip_bits
    dram = tensors.weights * widths.weight
    dram += input_bits * (tensors.first or spilled) + output_bits * (tensors.last or spilled)
    waiting_out = 2 * waiting_bits if spilled else 0
    return LayerTraffic(
        weight_reads=groups * k * n * schedule.row_tiles * widths.weight,
        act_reads=groups * m * k * schedule.col_tiles * widths.act,
        output_writes=output_bits,
        waiting_moves=2 * waiting_bits,
        init_reads=groups * m * n * widths.init,
        fills=dram + waiting_out,
        dram=dram + waiting_out,
    )
