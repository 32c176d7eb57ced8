"""A layer in floating point: the MAC, edges and packing of an array, memories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.design import Design
from afp_hw.design.float_design import FloatDesign
from afp_hw.energy.bench import Bench, RunEnergy
from afp_hw.energy.job import Job
from afp_hw.energy.layer import LayerEnergy, Ledger, Meter, Place
from afp_hw.energy.outputs import Columns
from afp_hw.energy.packing import Layout, packer, unpacker
from afp_hw.energy.real import RealLayer
from afp_hw.energy.scheme import Scheme, float_designs
from afp_hw.energy.tiles import Tiles
from afp_hw.energy.traffic import Widths
from afp_hw.formats.floating import BF16, FP32, FloatFormat
from afp_hw.hdl.float_pe import FloatPe
from afp_hw.quantize import quantize_codes
from afp_hw.synth.float_stimulus import FloatOperands
from afp_hw.verilog import Part

# A floating-point MAC has ten times the cells of another, and its energy settles as quickly.
_PIXELS: Final = 16
_CHANNELS: Final = 16
_STEPS: Final = 128

SLICE: Final = 8
"""Registers of words are run in slices of so many bits, each with its own."""


def sampled(layer: RealLayer) -> tuple[NDArray[Any], NDArray[Any]]:
    """Some pixels, channels and steps of a layer, spread evenly over it: [M, K] and [K, N]."""
    m, k = layer.act.shape
    n = layer.wgt.shape[1]
    pixels, channels, steps = (
        np.linspace(0, size - 1, min(size, most)).round().astype(np.int64)
        for size, most in ((m, _PIXELS), (n, _CHANNELS), (k, _STEPS))
    )
    return layer.act[np.ix_(pixels, steps)], layer.wgt[np.ix_(steps, channels)]


def float_part(design: FloatDesign) -> Part:
    """The processing element of a design."""
    return Part(design.pe_name, lambda place: FloatPe(design, place))


def float_mac(bench: Bench, layer: RealLayer, fmt: FloatFormat) -> tuple[Part, RunEnergy]:
    """The MAC of a floating-point format, accumulating in binary32.

    Not an array's cell: it has operand registers and an accumulator, but no drain register.

    Raises
    ------
    MismatchError
        A sum is not golden's.
    """
    act, wgt = sampled(layer)
    designs = float_designs(fmt)
    index = bench.first_in_time([float_part(design) for design in designs])
    part = float_part(designs[index])
    operands = FloatOperands.from_tensors(layer.name, act, wgt, designs[index])
    return part, bench.run_pe(part, operands)


def float_layer(
    meter: Meter,
    bench: Bench,
    place: Place,
    layer: RealLayer,
    design: Design,
    fmt: FloatFormat = FP32,
) -> LayerEnergy:
    """Energy of a layer in floating point on an array of the size of `design`.

    Sums are binary32; what is stored is rounded to `fmt`, which costs nothing here.

    Raises
    ------
    MismatchError
        A sum is not golden's.
    """
    ledger, schedule, width = Ledger(), place.schedule, stored_width(fmt)
    part, mac = float_mac(bench, layer, fmt)
    macs = place.groups * schedule.macs
    ledger.add("array", part.name, mac, macs, design.rows * design.cols * design.lanes)
    cycles = place.groups * schedule.tiles * schedule.spacing
    vectors = place.groups * schedule.tiles * schedule.steps * design.lanes
    act, wgt = (quantize_codes(values, fmt).astype(np.int64) for values in (layer.act, layer.wgt))
    sums = np.maximum(layer.act @ layer.wgt + layer.init, 0.0 if layer.relu else -np.inf)
    columns = Columns.of(len(sums), sums.shape[1], design)
    results = columns.take(quantize_codes(sums, fmt).astype(np.int64), *sums.shape)
    for byte in range(width // SLICE):
        tiles = Tiles(_slice(act, byte), _slice(wgt, byte), design)
        for side in ("act", "wgt"):
            skew = tiles.skew(side, SLICE)
            job = unpacker(tiles.codes(side), Layout.plain(SLICE))
            _run(ledger, bench, "edges", skew, byte, cycles * design.lanes, design.lanes)
            _run(ledger, bench, "packing", job, byte, vectors, design.lanes)
        if not layer.last:
            job = packer(_slice(results, byte), Layout.plain(SLICE))
            _run(ledger, bench, "packing", job, byte, place.outputs, design.cols)
    widths = Widths(width, width, width, init=width if place.skip else 0)
    return meter.finished(place, Scheme.FLOAT, ledger, widths, mac.each_j)


def stored_width(fmt: FloatFormat) -> int:
    """Bits of a number in memory: whole bytes."""
    return -(-fmt.width // SLICE) * SLICE


def network_macs(bench: Bench, layers: Sequence[LayerEnergy], real: RealLayer) -> dict[str, float]:
    """Energy of a network's MACs in floating point, joule, by format.

    In FP32 that of all layers; of the others that of one layer's MAC, times all of them.

    Raises
    ------
    MismatchError
        A sum is not golden's.
    """
    mine = [layer for layer in layers if layer.scheme is Scheme.FLOAT]
    found = {"FP32": sum(layer.parts_j["array"] for layer in mine)}
    macs = sum(layer.macs for layer in mine)
    found["BF16"] = float_mac(bench, real, BF16)[1].each_j * macs
    return found


def _run(
    ledger: Ledger, bench: Bench, group: str, job: Job, byte: int, times: float, instances: int
) -> None:
    run = bench.run(job.part, job.stream)
    ledger.add(group, f"{job.part.name}[{byte}]", run, times, instances)


def _slice(words: NDArray[np.int64], byte: int) -> NDArray[np.int64]:
    return words >> (byte * SLICE) & ((1 << SLICE) - 1)
