"""The page of a program on the accelerator: cycles, stalls and traffic of every layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from afp_hw.report.html.bar_charts import Scale, stacked
from afp_hw.report.html.layer_blocks import TRAFFIC_PARTS, layer_blocks
from afp_hw.report.html.metrics import NO_BREAK
from afp_hw.report.html.page import Facts, Figure, Page, Section
from afp_hw.report.html.provenance import facts_of

_WAITS: Final = {
    "compute_load": "computing waits for loads",
    "compute_store": "computing waits for stores",
    "load_compute": "loading waits for computing",
    "load_store": "loading waits for stores",
}


def run_page(document: Mapping[str, Any]) -> Page:
    """A page of what ``afp-hw run`` wrote."""
    layers = [_layer(share) for share in document["layers"]]
    return Page.of(
        title=f"Run: {document['model']} on {document['design']}",
        headline=_headline(document),
        lead=_lead(document),
        figures=_figures(document),
        sections=[
            Section("layers", "Layer by layer", layer_blocks(layers, "")),
            _traffic(document),
            _waits(document["total"]),
            _made(document),
        ],
    )


def _layer(share: Mapping[str, Any]) -> dict[str, Any]:
    """A layer as pages have it."""
    loaded = sum(count for name, count in share["bytes"].items() if name != "stored")
    return {
        "name": share["name"],
        "dataflow": share["dataflow"],
        "macs": share["macs"],
        "cycles": share["cycles"],
        "utilisation": 100 * share["utilisation"] if share["macs"] else None,
        "wait_load": share["waits"]["compute_load"],
        "wait_store": share["waits"]["compute_store"],
        "bytes_in": loaded,
        "bytes_out": share["bytes"]["stored"],
    }


def _headline(document: Mapping[str, Any]) -> str:
    total = document["total"]
    waits = total["waits"]["compute_load"] + total["waits"]["compute_store"]
    slowest = max(document["layers"], key=lambda share: int(share["cycles"]))
    return (
        f"{total['cycles']:,} cycles an image, the array in use for "
        f"{_percent(total['utilisation'])} of them; {_percent(waits / total['cycles'])} are lost "
        f"waiting, and {slowest['name']} takes the most, {slowest['cycles']:,}."
    )


def _lead(document: Mapping[str, Any]) -> str:
    checked = document.get("checked")
    if checked is None:
        return "Cycles are those of the schedule, which the Verilog keeps exactly."
    return (
        f"Every one of {checked['output_bits']:,} output bits of {document['images']} images "
        "equals the golden model, and every cycle count the schedule."
    )


def _figures(document: Mapping[str, Any]) -> list[Figure]:
    total = document["total"]
    figures = [
        Figure(f"{total['cycles']:,}", "cycles an image"),
        Figure(_percent(total["utilisation"]), "of the array's products are used"),
        Figure(f"{total['macs']:,}", "MACs an image"),
        Figure(f"{sum(total['bytes'].values()) / 1e3:,.1f}{NO_BREAK}kB", "over the bus an image"),
    ]
    if document.get("accuracy") is not None:
        note = f"{document['correct']} of {document['images']} images"
        figures.insert(0, Figure(f"{document['accuracy']:.2f}{NO_BREAK}%", "accuracy", note))
    return figures


def _traffic(document: Mapping[str, Any]) -> Section:
    bars = [(share["name"], share["bytes"]) for share in document["layers"]]
    made = stacked(
        "traffic-kinds", "Traffic by kind", bars, TRAFFIC_PARTS, Scale("kB an image", ",.1f", 1e-3)
    )
    return Section("traffic", "What the bus carries", [made])


def _waits(total: Mapping[str, Any]) -> Section:
    share = total["cycles"]
    facts: Sequence[tuple[str, str]] = [
        (text, f"{total['waits'][name]:,} cycles, {_percent(total['waits'][name] / share)}")
        for name, text in _WAITS.items()
    ]
    text = "Loading and computing overlap: only where computing waits does the run get longer."
    return Section("waits", "Who waits for whom", [Facts(facts)], text)


def _made(document: Mapping[str, Any]) -> Section:
    names = ("model", "design", "weights", "acts", "engine", "latency", "data", "image_sha256")
    facts = facts_of(document, *names)
    return Section("provenance", "Where the numbers come from", [Facts(facts)])


def _percent(share: float) -> str:
    return f"{100 * share:.1f}{NO_BREAK}%"
