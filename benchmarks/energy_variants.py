"""What INT8's requantizer and FP32's MAC would take otherwise than ``afp-hw energy`` has them.

Two tables of ``docs/energy.md``: other widths, multipliers and registers of the requantizer on
three layers with static grids, and other registers of the FP32 element on all layers; SKY130, 10
ns. Every result is compared with golden. A variant that meets the clock and takes less than the
one that is taken favours the rival: the page says so.

    benchmarks/energy_variants.py
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.cli.layer_inputs import calibration_for, images_for, lowered_network
from afp_hw.cli.layer_options import LayerInputs
from afp_hw.design import Design, load_recipe
from afp_hw.design.float_design import FloatDesign
from afp_hw.energy.bench import Bench
from afp_hw.energy.cases import int_case
from afp_hw.energy.floating import float_part, sampled
from afp_hw.energy.int_outputs import IntSums, fixed_point_part
from afp_hw.energy.outputs import Columns
from afp_hw.energy.real import RealLayer, real_layers
from afp_hw.energy.scheme import INT8, int_designs
from afp_hw.energy.stream import Stream
from afp_hw.formats.floating import FP32
from afp_hw.golden import fixed_factor, requantize_integer
from afp_hw.hdl import IntRequantization
from afp_hw.network import LoweredNetwork
from afp_hw.network.calibrate import largest_magnitudes
from afp_hw.synth import Technology
from afp_hw.synth.float_stimulus import FloatOperands

_LAYERS: Final = ("block1.conv1", "block2.conv1", "block2.conv2")

_REQUANTIZERS: Final[tuple[dict[str, Any], ...]] = (
    {"tree": "compressed"},
    {"tree": "booth"},
    {"tree": "compressed", "registers": ("magnitude",)},
    {"tree": "compressed", "registers": ()},
    {"tree": "compressed", "acc_width": 28, "factor_width": 15},
    {"tree": "compressed", "acc_width": 28, "factor_width": 15, "registers": ("magnitude",)},
    {"factor_width": 0, "registers": ("magnitude",)},
    {"factor_width": 0, "registers": ()},
)

# (stages, gate_zeros, bank_sums)
_MACS: Final = ((4, True, False), (4, False, False), (4, True, True), (5, True, True))


def factor_and_shift(ratio: float, width: int) -> tuple[int, int]:
    """A ratio as a factor of `width` bits and a shift; of none: the nearest power of two."""
    if not width:
        return 1, round(-np.log2(ratio))
    factor, shift = fixed_factor(ratio)
    narrower = 31 - width
    factor = factor + (1 << narrower >> 1) >> narrower
    if factor == 1 << width:
        return factor >> 1, shift - narrower - 1
    return factor, shift - narrower


def requantizer_stream(sums: IntSums, parameters: IntRequantization, design: Design) -> Stream:
    """A layer's sums through a requantizer, and golden's codes."""
    m, n = sums.acc.shape
    columns = Columns.of(m, n, design)
    acc: NDArray[Any] = columns.take(sums.acc, m, n)
    ratio = float(np.unique(np.asarray(sums.scale) / np.asarray(sums.out_scale)).item())
    factor, shift = factor_and_shift(ratio, parameters.factor_width)
    inputs = {
        "i_valid": columns.constant(1),
        "i_acc": acc,
        "i_shift": columns.constant(shift),
        "i_relu": columns.constant(sums.relu),
    }
    if parameters.factor_width:
        inputs["i_factor"] = columns.constant(factor)
    codes = requantize_integer(acc, factor, shift, parameters.out, relu=sums.relu)
    return Stream(inputs, {"o_code": codes}, parameters.latency, columns.count)


def print_row(*cells: str) -> None:
    """A row of a Markdown table."""
    print("|", " | ".join(cells), "|", flush=True)


def requantizers(
    bench: Bench, lowered: LoweredNetwork, images: NDArray[Any], design: Design
) -> None:
    """The table of INT8's requantizers, fJ an output."""
    calibration = calibration_for("embedded", images, None)[1]
    largest = largest_magnitudes(lowered.graph, calibration)
    found = {}
    for real in real_layers(lowered, list(_LAYERS), images):
        step = lowered.gemm(real.name)
        bounds = largest[step.input], largest[step.output]
        case = int_case(real, int_designs(design)[0], input_max=bounds[0], output_max=bounds[1])
        assert isinstance(case.sums, IntSums)  # not a network's last layer
        found[real.name] = case.sums
    print_row("requantizer", *found, "ns", "µm²")
    print_row("---", *["---:"] * (len(found) + 2))
    for options in _REQUANTIZERS:
        parameters = IntRequantization(INT8, **options)
        part = fixed_point_part(parameters)
        (mapped,) = bench.map([part])
        streams = [requantizer_stream(sums, parameters, design) for sums in found.values()]
        energies = [f"{bench.run(part, stream).each_j * 1e15:,.0f}" for stream in streams]
        print_row(part.name, *energies, f"{mapped.delay_ns:.1f}", f"{mapped.area_um2:,.0f}")


def macs(bench: Bench, layers: list[RealLayer]) -> None:
    """The table of FP32's elements, fJ a MAC, over all layers by their MACs."""
    count = sum(layer.groups * layer.act.size * layer.wgt.shape[1] for layer in layers)
    print_row("FP32 MAC", "fJ", "ns", "µm²")
    print_row("---", "---:", "---:", "---:")
    for stages, gate_zeros, bank_sums in _MACS:
        design = FloatDesign(FP32, FP32, stages, gate_zeros, bank_sums)
        part = float_part(design)
        (mapped,) = bench.map([part])
        energy = 0.0
        for layer in layers:
            operands = FloatOperands.from_tensors(layer.name, *sampled(layer), design)
            each = bench.run_pe(part, operands).each_j
            energy += each * layer.groups * layer.act.size * layer.wgt.shape[1]
        numbers = f"{energy / count * 1e15:,.0f}", f"{mapped.delay_ns:.1f}"
        print_row(part.name, *numbers, f"{mapped.area_um2:,.0f}")


def main() -> None:
    """Print both tables."""
    design = load_recipe(Path(__file__).parent.parent / "gen" / "square16.toml")
    inputs = LayerInputs()
    images = images_for("embedded", inputs)
    lowered = lowered_network("embedded", images, design, inputs)
    names = [layer.name for layer in lowered.graph.layers()]
    jobs = len(os.sched_getaffinity(0))
    with closing(Bench(Technology.sky130(), 10.0, jobs=jobs)) as bench:
        requantizers(bench, lowered, images, design)
        print()
        macs(bench, list(real_layers(lowered, names, images)))


if __name__ == "__main__":
    main()
