"""Energy of an inference at a point: circuits on the layers' own operands, memories by traffic.

Logic is that of an array with outputs stationary, run gate by gate with glitches
(:mod:`afp_hw.energy`); memories are those of the accelerator's program at its own dataflow. What
the accelerator does not carry, numbers of 16 bits and more, has the traffic of the array alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from afp_hw.design import Design
from afp_hw.energy.cases import afp_case, int_case
from afp_hw.energy.floating import float_layer
from afp_hw.energy.layer import GROUPS, LayerEnergy, Meter
from afp_hw.energy.memory import MemoryTable
from afp_hw.energy.network import place_of, problems_by_layer
from afp_hw.energy.real import real_layers
from afp_hw.energy.scheme import Scheme
from afp_hw.explore.area_job import bench_of
from afp_hw.explore.buffers import buffer_bits
from afp_hw.explore.chosen import lowered_network
from afp_hw.explore.configuration import Configuration, Sums
from afp_hw.explore.formats import AFP, CARRIED_BITS
from afp_hw.explore.inputs import Loaded, load_memory, load_network
from afp_hw.explore.jobs import Job, Result
from afp_hw.explore.program_of import Run, run_of
from afp_hw.formats import AFPFormat, FloatFormat
from afp_hw.network import LoweredNetwork, calibrate, lower
from afp_hw.network.calibrate import largest_magnitudes

_IMAGES = 1
"""Test images whose operands are run: figures of a layer are over thousands of products."""


def run_energy(job: Job) -> Result:
    """Energy of one inference, leakage apart.

    Raises
    ------
    TypeError, ValueError
        The array is refused, or does not hold the network.
    MismatchError
        A circuit does not compute what golden does.
    ToolError
        Yosys failed.
    """
    configuration = Configuration.of(job.given["axes"])
    memory = load_memory(job.files["memory"], job.given["memory"])
    meter = Meter(bench_of(job), memory)
    found = {layer.name: layer for layer in _layers(job, configuration, meter)}
    parts = {name: dict(layer.parts_j) for name, layer in found.items()}
    if configuration.pair.width <= CARRIED_BITS:
        for name, moved in _memories(run_of(job), memory).items():
            parts[name] = {**dict.fromkeys(GROUPS, 0.0), **parts.get(name, {}), **moved}
    groups = {group: sum(part[group] for part in parts.values()) * 1e9 for group in GROUPS}
    return {
        "energy_nj": sum(groups.values()),
        "leakage_nj": sum(layer.leakage_j for layer in found.values()) * 1e9,
        "energies_nj": groups,
        "layers": [
            {
                "name": name,
                "energy_nj": {group: value * 1e9 for group, value in part.items()},
                "mac_fj": found[name].mac_j * 1e15 if name in found else None,
            }
            for name, part in parts.items()
        ],
        "checked": sum(layer.checked for layer in found.values()),
        "memory": memory.as_json(),
    }


def _layers(job: Job, configuration: Configuration, meter: Meter) -> Iterator[LayerEnergy]:
    """Logic of all layers."""
    if configuration.pair.family == AFP:
        loaded, lowered = lowered_network(job)
        yield from _adaptive(loaded, lowered, configuration, meter)
        return
    loaded = load_network(job.files["network"], job.given["network"])
    # What is lowered here only says where the layers stand.
    formats = calibrate(loaded.graph, loaded.calibration.images)
    lowered = lower(loaded.graph, formats)
    names = [layer.name for layer in loaded.graph.layers()]
    images = loaded.data.images[:_IMAGES]
    fmt = configuration.pair.acts
    if isinstance(fmt, FloatFormat):
        design = _size_of(configuration, loaded.sums)
        for real in real_layers(lowered, names, images):
            place = place_of(lowered, real, design)
            yield float_layer(meter, meter.bench, place, real, design, fmt)
        return
    design = configuration.design(loaded.sums)
    largest = largest_magnitudes(loaded.graph, loaded.calibration.images)
    for real in real_layers(lowered, names, images):
        step = lowered.gemm(real.name)
        case = int_case(
            real, design, input_max=largest[step.input], output_max=largest[step.output]
        )
        place = place_of(lowered, real, design)
        yield meter.layer(place, Scheme.INT_STATIC, case, [design])


def _adaptive(
    loaded: Loaded, lowered: LoweredNetwork, configuration: Configuration, meter: Meter
) -> Iterator[LayerEnergy]:
    design = configuration.design(loaded.sums)
    names = [layer.name for layer in loaded.graph.layers()]
    images = loaded.data.images[:_IMAGES]
    problems = problems_by_layer(lowered, names, images)
    for real in real_layers(lowered, names, images):
        place = place_of(lowered, real, design)
        case = afp_case(problems[real.name], design)
        yield meter.layer(place, Scheme.AFP_STATIC, case, [design])


def _size_of(configuration: Configuration, sums: Sums) -> Design:
    """An array of the same size: where floating-point numbers are due."""
    small = AFPFormat(3, 1)
    axes = configuration.axes
    sizes: dict[str, Any] = {name: axes[name] for name in ("rows", "cols", "lanes")}
    return replace(Design(small, small, k=sums.products), **sizes)


def _memories(run: Run, memory: MemoryTable) -> Mapping[str, dict[str, float]]:
    """Energy of buffers and of DRAM by layer, joule."""
    found = {}
    for layer, share in zip(run.program.manifest["layers"], run.account.layers, strict=True):
        begin, end = layer["descriptors"]
        bits = buffer_bits(run.program.descriptors[begin:end], run.accelerator)
        found[layer["name"]] = {
            "SRAM": bits * memory.bank.bit_j,
            "DRAM": 8 * sum(share.bytes.values()) * memory.dram.bit_j,
        }
    return found
