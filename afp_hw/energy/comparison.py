"""Ratios between schemes, and the paper's with the baselines that come nearest.

Source: F. Liu et al., ICCV 2021, which gives 11.2 for the energy of a network, 9.3 for its MACs and
13.2 for its quantization operations, and does not say what it compares with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from afp_hw.energy.layer import LayerEnergy
from afp_hw.energy.scheme import Scheme

PAPER: Final[Mapping[str, float]] = {"MACs": 9.3, "quantization": 13.2, "total": 11.2}
"""The paper's ratios."""


@dataclass(frozen=True, slots=True)
class Operations:
    """Energy of a network's MACs and of its quantization operations, joule.

    Attributes
    ----------
    mac_j, quantize_j
        Of one image; logic only.
    """

    mac_j: float
    quantize_j: float

    @property
    def total_j(self) -> float:
        """Both."""
        return self.mac_j + self.quantize_j

    @classmethod
    def of(cls, layers: Sequence[LayerEnergy]) -> Operations:
        """Of layers in one scheme."""
        return cls(
            sum(layer.parts_j["array"] for layer in layers),
            sum(layer.parts_j["requantizer"] for layer in layers),
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """One baseline against one AFP scheme.

    Attributes
    ----------
    baseline
        What it is.
    against
        Name of the AFP scheme.
    ratios
        Baseline over AFP for MACs, quantization operations and both together; None where the
        baseline has no such operation.
    """

    baseline: str
    against: str
    ratios: Mapping[str, float | None]


def operations(layers: Sequence[LayerEnergy], scheme: Scheme) -> Operations:
    """Energy of the operations of all layers in a scheme."""
    return Operations.of([layer for layer in layers if layer.scheme is scheme])


def comparisons(layers: Sequence[LayerEnergy], macs: Mapping[str, float]) -> list[Comparison]:
    """Every baseline against static and dynamic AFP.

    Parameters
    ----------
    layers
        In every scheme.
    macs
        Energy of the network's MACs in further formats by name, joule; with each the quantization
        operations are those in FP32, as in a network that only pretends to be quantized.
    """
    found = {scheme: operations(layers, scheme) for scheme in Scheme}
    single = found[Scheme.INT_FLOAT].quantize_j
    baselines = {
        "INT8 MACs, static factor": found[Scheme.INT_STATIC],
        "INT8 MACs, dynamic factor": found[Scheme.INT_DYNAMIC],
        "INT8 MACs, dynamic in FP32": found[Scheme.INT_FLOAT],
    }
    for name, energy in macs.items():
        baselines[f"{name} MACs"] = Operations(energy, 0.0)
        baselines[f"{name} MACs, quantized in FP32"] = Operations(energy, single)
    return [
        Comparison(name, scheme.value, _ratios(baseline, found[scheme]))
        for name, baseline in baselines.items()
        for scheme in (Scheme.AFP_STATIC, Scheme.AFP_DYNAMIC)
    ]


def _ratios(baseline: Operations, afp: Operations) -> dict[str, float | None]:
    quantized = baseline.quantize_j / afp.quantize_j if baseline.quantize_j else None
    return {
        "MACs": baseline.mac_j / afp.mac_j,
        "quantization": quantized,
        "total": baseline.total_j / afp.total_j,
    }


def nearest(found: Sequence[Comparison], figure: str) -> Comparison:
    """The baseline whose ratio is nearest to the paper's `figure`, by factor."""

    def distance(item: Comparison) -> float:
        value = item.ratios[figure]
        return math.inf if not value else abs(math.log(value / PAPER[figure]))

    return min(found, key=distance)


def comparison_document(found: Sequence[Comparison]) -> dict[str, Any]:
    """Everything as JSON."""
    return {
        "paper": dict(PAPER),
        "ratios": [
            {"baseline": item.baseline, "against": item.against, **item.ratios} for item in found
        ],
        "nearest": {
            figure: {
                "paper": value,
                "baseline": nearest(found, figure).baseline,
                "against": nearest(found, figure).against,
                "ratio": nearest(found, figure).ratios[figure],
            }
            for figure, value in PAPER.items()
        },
    }
