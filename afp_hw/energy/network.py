"""Energy of a network in every scheme, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.design import Design
from afp_hw.energy.bench import Bench
from afp_hw.energy.cases import Case, afp_case, int_case
from afp_hw.energy.floating import float_layer
from afp_hw.energy.layer import LayerEnergy, Meter, Place
from afp_hw.energy.memory import MemoryTable
from afp_hw.energy.real import RealLayer, real_layers
from afp_hw.energy.scheme import Scheme, int_designs
from afp_hw.energy.traffic import Tensors
from afp_hw.network import LayerProblem, LoweredNetwork, problems_of
from afp_hw.network.calibrate import largest_magnitudes
from afp_hw.schedule import LayerSchedule


@dataclass(frozen=True, eq=False)
class Subject:
    """A network to be measured.

    Attributes
    ----------
    static, dynamic
        Lowered with static and with dynamic grids.
    images
        To run.
    largest
        Largest magnitude of each tensor by calibration, for static INT8.
    """

    static: LoweredNetwork
    dynamic: LoweredNetwork
    images: NDArray[Any]
    largest: Mapping[str, float]

    @classmethod
    def of(
        cls,
        static: LoweredNetwork,
        dynamic: LoweredNetwork,
        images: NDArray[Any],
        calibration: NDArray[Any],
    ) -> Subject:
        """With calibration images."""
        return cls(static, dynamic, images, largest_magnitudes(static.graph, calibration))


@dataclass(frozen=True, eq=False)
class LayerCases:
    """A layer, ready to be measured in every scheme.

    Attributes
    ----------
    place
        Where it stands.
    real
        Its numbers.
    cases
        Its operands and sums, by scheme; FP32 needs none.
    """

    place: Place
    real: RealLayer
    cases: Mapping[Scheme, Case]


def layer_cases(subject: Subject, names: Sequence[str], design: Design) -> Iterator[LayerCases]:
    """Layers one after the other; both exact chains and the floating-point one run once.

    Raises
    ------
    ValueError
        The design does not hold a layer.
    """
    integers = int_designs(design)[0]
    static = problems_by_layer(subject.static, names, subject.images)
    dynamic = problems_by_layer(subject.dynamic, names, subject.images)
    for real in real_layers(subject.static, list(names), subject.images):
        step = subject.static.gemm(real.name)
        calibrated = {
            "input_max": subject.largest[step.input],
            "output_max": subject.largest[step.output],
        }
        measured = {"input_max": None, "output_max": None}
        moving = int_case(real, integers, **measured)
        yield LayerCases(
            place_of(subject.static, real, design),
            real,
            {
                Scheme.AFP_STATIC: afp_case(static[real.name], design),
                Scheme.AFP_DYNAMIC: afp_case(dynamic[real.name], design),
                Scheme.INT_STATIC: int_case(real, integers, **calibrated),
                Scheme.INT_DYNAMIC: moving,
                Scheme.INT_FLOAT: moving,
            },
        )


def place_of(lowered: LoweredNetwork, real: RealLayer, design: Design) -> Place:
    """Where a layer stands in a network.

    Raises
    ------
    ValueError
        The design does not hold its sums.
    """
    graph, step = lowered.graph, lowered.gemm(real.name)
    k, n = real.wgt.shape
    return Place(
        name=real.name,
        schedule=LayerSchedule(design, real.rows, k, n),
        groups=real.groups,
        tensors=Tensors(
            weights=real.groups * k * n,
            inputs=int(np.prod(graph.shapes[step.input])),
            outputs=real.groups * real.rows * n,
            first=real.name == graph.layers()[0].name,
            last=real.last,
        ),
        skip=step.skip is not None,
    )


def problems_by_layer(
    lowered: LoweredNetwork, names: Sequence[str], images: NDArray[Any]
) -> dict[str, list[LayerProblem]]:
    """Products by layer, of a grouped one those of the middle group."""
    found: dict[str, list[LayerProblem]] = {name: [] for name in names}
    for problem in problems_of(lowered, names, images):
        name, _, group = problem.name.partition(":")
        layer = name.partition("@")[0]
        groups = lowered.gemm(layer).wgt_codes.shape[0]
        if groups == 1 or int(group) == groups // 2:
            found[layer].append(problem)
    return found


def measure(
    subject: Subject,
    names: Sequence[str],
    design: Design,
    bench: Bench,
    memory: MemoryTable,
    schemes: Sequence[Scheme] = tuple(Scheme),
    progress: Callable[[int], None] = lambda done: None,
) -> list[LayerEnergy]:
    """Energy of layers in schemes, layer by layer; `progress` is called with those done.

    Raises
    ------
    MismatchError
        A circuit does not compute what golden does.
    ValueError
        The design does not hold a layer.
    """
    meter, integers = Meter(bench, memory), int_designs(design)
    found = []
    for index, layer in enumerate(layer_cases(subject, names, design)):
        progress(index)
        for scheme in schemes:
            if scheme is Scheme.FLOAT:
                found.append(float_layer(meter, bench, layer.place, layer.real, design))
                continue
            designs = [design] if scheme.adaptive else integers
            found.append(meter.layer(layer.place, scheme, layer.cases[scheme], designs))
    return found
