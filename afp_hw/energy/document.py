"""Energies of a network as one JSON document: what ``afp-hw energy --json`` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from afp_hw.energy.bench import Bench
from afp_hw.energy.comparison import Comparison, comparison_document
from afp_hw.energy.layer import GROUPS, LOGIC, LayerEnergy
from afp_hw.energy.memory import MemoryTable
from afp_hw.energy.outputs import MOST_LANES, MOST_STEPS
from afp_hw.energy.scheme import Scheme
from afp_hw.energy.sensitivity import Sensitivity


@dataclass(frozen=True, slots=True)
class Total:
    """Energy of some layers in one scheme, for one image.

    Attributes
    ----------
    scheme
        How they are computed.
    groups_j
        By :data:`.GROUPS`, joule.
    leakage_j
        Of all circuits in the time of the layers.
    macs, outputs
        Products, and results that are requantized.
    """

    scheme: Scheme
    groups_j: Mapping[str, float]
    leakage_j: float
    macs: int
    outputs: int

    @classmethod
    def of(cls, layers: Sequence[LayerEnergy], scheme: Scheme) -> Total:
        """The layers of a scheme among all."""
        mine = [layer for layer in layers if layer.scheme is scheme]
        return cls(
            scheme,
            {group: sum(layer.parts_j[group] for layer in mine) for group in GROUPS},
            sum(layer.leakage_j for layer in mine),
            sum(layer.macs for layer in mine),
            sum(layer.outputs for layer in mine),
        )

    @property
    def total_j(self) -> float:
        """Everything but leakage."""
        return sum(self.groups_j.values())

    @property
    def logic_j(self) -> float:
        """Without memories."""
        return sum(self.groups_j[group] for group in LOGIC)

    @property
    def mac_j(self) -> float:
        """One MAC in the array."""
        return self.groups_j["array"] / self.macs

    @property
    def requantize_j(self) -> float | None:
        """One result requantized; None where nothing is."""
        return self.groups_j["requantizer"] / self.outputs if self.outputs else None


def totals(layers: Sequence[LayerEnergy]) -> list[Total]:
    """Of every scheme."""
    return [Total.of(layers, scheme) for scheme in Scheme]


def document(
    layers: Sequence[LayerEnergy],
    compared: Sequence[Comparison],
    sensitivities: Sequence[Sensitivity],
    bench: Bench,
    memory: MemoryTable,
    **conditions: Any,
) -> dict[str, Any]:
    """Everything; `conditions` (model, design, images, ...) come first."""
    return {
        **conditions,
        "technology": bench.technology.description,
        "clock_ns": bench.clock_ns,
        "memory": memory.as_json(),
        "outputs_run_per_layer": MOST_LANES * MOST_STEPS,
        "results_checked": sum(layer.checked for layer in layers),
        "schemes": {total.scheme.key: _total(total) for total in totals(layers)},
        "layers": [_layer(layer) for layer in layers],
        "comparison": comparison_document(compared),
        "sensitivity": [asdict(item) for item in sensitivities],
        "parts": [
            {
                "name": part.name,
                "recipe": part.recipe,
                "area_um2": part.area_um2,
                "delay_ns": part.delay_ns,
                "meets_clock": part.delay_ns <= bench.clock_ns,
            }
            for part in bench.known
        ],
    }


def _total(total: Total) -> dict[str, Any]:
    requantize = total.requantize_j
    return {
        "name": total.scheme.value,
        "total_nj": total.total_j * 1e9,
        "logic_nj": total.logic_j * 1e9,
        "groups_nj": {group: energy * 1e9 for group, energy in total.groups_j.items()},
        "leakage_nj": total.leakage_j * 1e9,
        "macs": total.macs,
        "requantized": total.outputs,
        "mac_fj": total.mac_j * 1e15,
        "requantize_fj": None if requantize is None else requantize * 1e15,
    }


def _layer(layer: LayerEnergy) -> dict[str, Any]:
    return {
        "layer": layer.name,
        "scheme": layer.scheme.key,
        "total_nj": layer.total_j * 1e9,
        "groups_nj": {group: energy * 1e9 for group, energy in layer.parts_j.items()},
        "leakage_nj": layer.leakage_j * 1e9,
        "macs": layer.macs,
        "requantized": layer.outputs,
        "mac_fj": layer.mac_j * 1e15,
        "requantize_fj": layer.requantize_j * 1e15,
        "parts_fj": {
            group: {name: energy * 1e15 for name, energy in found.items()}
            for group, found in layer.parts.items()
        },
        "traffic_bits": asdict(layer.traffic),
        "checked": layer.checked,
    }
