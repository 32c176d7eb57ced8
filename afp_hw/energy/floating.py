"""A layer in floating point: the MAC, and an array's edges and memories with words of that width."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.design import Design
from afp_hw.design.float_design import FloatDesign
from afp_hw.energy.bench import Bench, RunEnergy
from afp_hw.energy.layer import Ledger, LayerEnergy, Meter, Place
from afp_hw.energy.outputs import Columns
from afp_hw.energy.packing import Layout, packer, unpacker
from afp_hw.energy.real import RealLayer
from afp_hw.energy.scheme import Scheme, float_designs
from afp_hw.energy.tiles import Tiles
from afp_hw.energy.traffic import Widths
from afp_hw.formats.floating import FP32, FloatFormat
from afp_hw.golden import float32_bits
from afp_hw.hdl.float_pe import FloatPe
from afp_hw.synth.float_stimulus import FloatOperands
from afp_hw.verilog import Part

# A floating-point MAC has ten times the cells of another, and its energy settles as quickly.
_PIXELS: Final = 16
_CHANNELS: Final = 16
_STEPS: Final = 128


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
    """The MAC of least energy in a floating-point format, accumulating in binary32.

    Not an array's cell: it has operand registers and an accumulator, but no drain register.

    Raises
    ------
    MismatchError
        A sum is not golden's.
    """
    act, wgt = sampled(layer)
    designs = float_designs(fmt)
    parts = [float_part(design) for design in designs]
    mapped = bench.map(parts)
    met = [index for index, item in enumerate(mapped) if item.delay_ns <= bench.clock_ns]
    chosen = met[:2] or [min(range(len(mapped)), key=lambda index: mapped[index].delay_ns)]
    found = []
    for index in chosen:
        operands = FloatOperands.from_tensors(layer.name, act, wgt, designs[index])
        found.append((parts[index], bench.run_pe(parts[index], operands)))
    return min(found, key=lambda item: item[1].each_j)


def float_layer(
    meter: Meter, bench: Bench, place: Place, layer: RealLayer, design: Design
) -> LayerEnergy:
    """Energy of a layer in FP32 on an array of the size of `design`; nothing is requantized."""
    ledger, schedule, width = Ledger(), place.schedule, FP32.width
    part, mac = float_mac(bench, layer, FP32)
    macs = place.groups * schedule.macs
    ledger.add("array", part.name, mac, macs, design.rows * design.cols)
    tiles = Tiles(_bits(layer.act), _bits(layer.wgt), design)
    cycles = place.groups * schedule.tiles * schedule.spacing
    vectors = place.groups * schedule.tiles * schedule.steps * design.lanes
    for side in ("act", "wgt"):
        skew = tiles.skew(side, width)
        ledger.add(
            "edges", skew.part.name, bench.run(skew.part, skew.stream), cycles * design.lanes
        )
        job = unpacker(tiles.codes(side), Layout.plain(width))
        ledger.add("packing", job.part.name, bench.run(job.part, job.stream), vectors)
    if not layer.last:
        sums = np.maximum(layer.act @ layer.wgt + layer.init, 0.0 if layer.relu else -np.inf)
        columns = Columns.of(*sums.shape, design)
        job = packer(columns.take(_bits(sums), *sums.shape), Layout.plain(width))
        run = bench.run(job.part, job.stream)
        ledger.add("packing", job.part.name, run, place.outputs, design.cols)
    widths = Widths(width, width, width, init=width if place.skip else 0)
    return meter.finished(place, Scheme.FLOAT, ledger, widths, mac.each_j)


def _bits(values: NDArray[Any]) -> NDArray[np.int64]:
    return float32_bits(values.astype(np.float32)).astype(np.int64)
