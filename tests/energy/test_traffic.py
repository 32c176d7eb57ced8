"""Traffic of small layers, counted by hand and tile by tile."""

from __future__ import annotations

from dataclasses import replace

from afp_hw import AFPFormat
from afp_hw.design import Design
from afp_hw.energy.traffic import Tensors, Widths, layer_traffic
from afp_hw.schedule import LayerSchedule

DESIGN = Design(AFPFormat(3, 1), AFPFormat(3, 2), rows=4, cols=3, k=64)
# A convolution of 3 x 3 over 2 channels of 5 x 2 pixels, into 7 channels: M 10, K 18, N 7.
SCHEDULE = LayerSchedule(DESIGN, 10, 18, 7)
TENSORS = Tensors(weights=126, inputs=20, outputs=70, first=False, last=False)
WIDTHS = Widths(weight=5, act=5, output=6)
ROOM = 10_000


def streamed() -> tuple[int, int]:
    """Weight and activation codes that enter, by walking over the tiles."""
    weights = acts = 0
    for row in range(0, 10, 4):
        for col in range(0, 7, 3):
            for _ in range(18):
                weights += min(3, 7 - col)
                acts += min(4, 10 - row)
    return weights, acts


def test_operands_enter_once_for_each_tile_that_needs_them() -> None:
    found = layer_traffic(SCHEDULE, 1, WIDTHS, TENSORS, on_chip_bits=ROOM)
    weights, acts = streamed()
    assert (found.weight_reads, found.act_reads) == (5 * weights, 5 * acts)
    assert weights == 18 * 7 * 3  # by hand: each weight for three row tiles
    assert acts == 10 * 18 * 3  # each activation for three column tiles


def test_weights_come_from_dram_and_results_stay() -> None:
    found = layer_traffic(SCHEDULE, 1, WIDTHS, TENSORS, on_chip_bits=ROOM)
    assert found.output_writes == 70 * 6
    assert found.dram == found.fills == 126 * 5
    assert (found.waiting_moves, found.init_reads) == (0, 0)
    total = 5 * 378 + 5 * 540 + 420 + 630
    assert found.sram == total


def test_the_first_input_and_the_last_output_cross_the_edge_of_the_chip() -> None:
    ends = replace(TENSORS, first=True, last=True)
    found = layer_traffic(SCHEDULE, 1, WIDTHS, ends, on_chip_bits=ROOM)
    assert found.dram == 126 * 5 + 20 * 5 + 70 * 6


def test_what_waits_for_its_grid_is_written_and_read() -> None:
    widths = replace(WIDTHS, waiting=11, init=5)
    found = layer_traffic(SCHEDULE, 1, widths, TENSORS, on_chip_bits=ROOM)
    assert found.waiting_moves == 2 * 70 * 11
    assert found.init_reads == 70 * 5
    assert found.sram == 5 * 378 + 5 * 540 + 420 + 630 + 1540 + 350


def test_what_does_not_fit_goes_to_dram() -> None:
    widths = replace(WIDTHS, waiting=11)
    # Input 100 bits, output 420, waiting 770: one bit less than both together.
    fits = layer_traffic(SCHEDULE, 1, widths, TENSORS, on_chip_bits=870)
    spilled = layer_traffic(SCHEDULE, 1, widths, TENSORS, on_chip_bits=869)
    assert fits.dram == 630
    assert spilled.dram == 630 + 100 + 420 + 2 * 770


def test_groups_are_products_of_their_own() -> None:
    one = layer_traffic(SCHEDULE, 1, WIDTHS, TENSORS, on_chip_bits=ROOM)
    many = layer_traffic(SCHEDULE, 3, WIDTHS, TENSORS, on_chip_bits=ROOM)
    assert many.weight_reads == 3 * one.weight_reads
    assert many.act_reads == 3 * one.act_reads
