"""Where the cycles of a program go: each layer's share of a schedule.

The cycles of a layer are those from the end of the last descriptor of the layer before it, or the
start, to the end of its own last one: a descriptor ends when it is computed, the last one of all
when its store is answered and the run ends. So the cycles of all layers are those of the run, and a
layer that waits for the one before it pays for that itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from afp_hw.design import AcceleratorDesign
from afp_hw.schedule.accelerator import NetworkSchedule

Layer = Mapping[str, Any]
"""As in a manifest: ``name kind dataflow descriptors macs loaded_bytes stored_bytes``."""


@dataclass(frozen=True, slots=True)
class Share:
    """A layer, or all of them.

    Attributes
    ----------
    name, kind, dataflow
        As in the manifest.
    descriptors, macs, cycles
        How many. Products that a layer has, not those with zeros that fill the array.
    peak
        Products of the array in a cycle.
    waits
        Cycles in which the compute and the load engine wait, by what for: ``compute_load``,
        ``compute_store``, ``load_compute``, ``load_store``.
    bytes
        Over the bus: ``descriptors``, ``records``, ``weights``, ``acts``, ``side``, ``stored``.
    """

    name: str
    kind: str
    dataflow: str
    descriptors: int
    macs: int
    cycles: int
    peak: int
    waits: Mapping[str, int]
    bytes: Mapping[str, int]

    @property
    def utilisation(self) -> float:
        """MACs by those that the array could have done."""
        return self.macs / (self.peak * self.cycles) if self.cycles else 0.0

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"utilisation": self.utilisation}


@dataclass(frozen=True, eq=False)
class Account:
    """Shares of all layers, in order, and what they add up to.

    Attributes
    ----------
    layers, total
        The shares.
    convolutions
        MACs of all convolutions by those that the array could have done from the start to when the
        last of them is stored; None where there are none.
    """

    layers: tuple[Share, ...]
    total: Share
    convolutions: float | None

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "layers": [layer.document() for layer in self.layers],
            "total": self.total.document(),
            "utilisation_over_convolutions": self.convolutions,
        }


def account(
    layers: Sequence[Layer],
    descriptors: Sequence[Mapping[str, int]],
    design: AcceleratorDesign,
    schedule: NetworkSchedule,
) -> Account:
    """Share a schedule out among the layers of a manifest."""
    ends = _ends(schedule)
    peak = design.group * design.array.cols
    shares = []
    begun = 0
    for layer in layers:
        first, end = layer["descriptors"]
        ended = ends[end - 1]
        waited = schedule.waited[first:end]
        shares.append(
            Share(
                layer["name"],
                layer["kind"],
                layer["dataflow"],
                end - first,
                layer["macs"],
                ended - begun,
                peak,
                {
                    name.lower().replace("_waits", ""): sum(each[name] for each in waited)
                    for name in waited[0]
                },
                {**layer["loaded_bytes"], "stored": layer["stored_bytes"]},
            )
        )
        begun = ended
    return Account(tuple(shares), _total(shares, peak), _over(shares, descriptors, schedule))


def _ends(schedule: NetworkSchedule) -> list[int]:
    """Cycle, as the counter counts them, with which each descriptor ends."""
    return [*(cycle - 1 for cycle in schedule.computed[:-1]), schedule.cycles]


def _over(
    shares: Sequence[Share], descriptors: Sequence[Mapping[str, int]], schedule: NetworkSchedule
) -> float | None:
    """Utilisation over convolutions."""
    convolutions = [index for index, share in enumerate(shares) if share.kind == "conv"]
    if not convolutions:
        return None
    count = sum(share.descriptors for share in shares[: convolutions[-1] + 1])
    stores = sum(each["store"] for each in descriptors[:count])
    macs = sum(shares[index].macs for index in convolutions)
    return macs / (shares[0].peak * (schedule.stored[stores - 1] - 1))


def _total(shares: Sequence[Share], peak: int) -> Share:
    return Share(
        "total",
        "network",
        "",
        sum(share.descriptors for share in shares),
        sum(share.macs for share in shares),
        sum(share.cycles for share in shares),
        peak,
        _added([share.waits for share in shares]),
        _added([share.bytes for share in shares]),
    )


def _added(parts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    return {name: sum(part[name] for part in parts) for name in parts[0]}
