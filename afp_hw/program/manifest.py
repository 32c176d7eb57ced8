"""``manifest.json``: what lies where in a program, for hosts and for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any, Final

import numpy as np

from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import DESCRIPTOR_BYTES
from afp_hw.formats import AFPFormat
from afp_hw.program.layout import TensorLayout
from afp_hw.program.plans import Plan
from afp_hw.program.program import TensorPlace

SCHEMA: Final = "afp-hw program 1"


@dataclass(frozen=True, slots=True)
class Parts:
    """What an image is made of: bytes of descriptors, the records, the weights."""

    descriptors: int
    records: bytes
    weights: bytes

    @property
    def size(self) -> int:
        """Bytes of the image."""
        return self.descriptors + len(self.records) + len(self.weights)


def manifest_of(
    model: str,
    accelerator: AcceleratorDesign,
    image: bytes,
    parts: Parts,
    plans: Sequence[Plan],
    descriptors: Sequence[Mapping[str, int]],
    ends: Sequence[int],
    tensors: Mapping[str, TensorPlace],
    places: Mapping[str, TensorPlace],
) -> dict[str, Any]:
    """The document.

    Parameters
    ----------
    model, accelerator
        What runs on what.
    image, parts
        The bytes, and how many are of which kind.
    plans, descriptors, ends
        The layers; all descriptors, and up to which of them each layer goes.
    tensors, places
        All stored tensors; the network's input and output.
    """
    return {
        "schema": SCHEMA,
        "model": model,
        "design": _design(accelerator),
        "image": {
            "bytes": len(image),
            "sha256": sha256(image).hexdigest(),
            "descriptors": parts.descriptors // DESCRIPTOR_BYTES,
            "descriptor_bytes": parts.descriptors,
            "record_bytes": len(parts.records),
            "weight_bytes": len(parts.weights),
        },
        "memory_bytes": max(place.end for place in tensors.values()),
        **{name: _tensor(place) for name, place in places.items()},
        "layers": layers_of(plans, descriptors, ends, accelerator.beat_bytes),
        "tensors": [_tensor(place) for place in tensors.values()],
    }


def layers_of(
    plans: Sequence[Plan],
    descriptors: Sequence[Mapping[str, int]],
    ends: Sequence[int],
    beat_bytes: int,
) -> list[dict[str, Any]]:
    """What is computed, by which descriptors, and the bytes that they move."""
    begins = [0, *ends[:-1]]
    return [
        _layer(plan, begin, end) | _moved(descriptors[begin:end], beat_bytes)
        for plan, begin, end in zip(plans, begins, ends, strict=True)
    ]


def _design(accelerator: AcceleratorDesign) -> dict[str, Any]:
    """Both tables of a recipe."""
    array = {
        field.name: getattr(accelerator.array, field.name) for field in fields(accelerator.array)
    }
    sizes = {
        field.name: getattr(accelerator, field.name)
        for field in fields(accelerator)
        if field.name != "array"
    }
    return {"design": {name: _plain(value) for name, value in array.items()}, "accelerator": sizes}


def _plain(value: Any) -> Any:
    if isinstance(value, AFPFormat):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _tensor(place: TensorPlace) -> dict[str, Any]:
    layout: TensorLayout = place.layout
    document = {
        "name": layout.name,
        "address": place.address,
        "bytes": layout.size,
        "shape": list(layout.shape),
        "grid": list(layout.grid),
        "pitch": layout.pitch,
        "row_bytes": layout.row_bytes,
        "code_width": layout.width,
    }
    if layout.item is None:
        lsbs = [lsb - layout.further_left for lsb in np.atleast_1d(layout.lsb).tolist()]
        return document | {
            "slices": layout.slices,
            "sum_width": layout.sum_width,
            "lsb": lsbs if isinstance(layout.lsb, tuple) else lsbs[0],
            **({} if layout.above is None else {"above": layout.above}),
        }
    fmt = layout.item.fmt
    document |= {"format": str(fmt), "lsb": layout.item.lsb}
    if layout.place is None:
        return document
    return document | {"lsb": "dynamic", "grid_place": layout.place, "words": layout.words}


def _moved(descriptors: Sequence[Mapping[str, int]], beat_bytes: int) -> dict[str, Any]:
    """Bytes over the bus, descriptors included."""
    moved = {
        name: sum(each[f"{kind}_beats"] for each in descriptors) * beat_bytes
        for name, kind in (
            ("records", "parameter"),
            ("weights", "wgt"),
            ("acts", "act"),
            ("side", "side"),
        )
    }
    stored = sum(each["store_rows"] * each["store_row_beats"] for each in descriptors)
    fetched = {"descriptors": DESCRIPTOR_BYTES * len(descriptors)}
    return {"loaded_bytes": fetched | moved, "stored_bytes": stored * beat_bytes}


def _layer(plan: Plan, begin: int, end: int) -> dict[str, Any]:
    task = plan.task
    product = task.product
    formats = {} if product is None else {"weights": str(product.wgt), "acts": str(product.act)}
    return {
        "name": task.name,
        "kind": task.kind,
        "output": task.output.name,
        **formats,
        "dataflow": plan.operation.name.lower(),
        "descriptors": [begin, end],
        "strips": plan.strip_count,
        "pieces": len(plan.pieces),
        "macs": 0 if product is None else product.macs,
        "loop_cycles": plan.time.loops,
    }
