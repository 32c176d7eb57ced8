"""The page of the energy of a network: AFP against INT8 and FP32, by block, memory and layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from afp_hw.report.html.bar_charts import Scale, stacked
from afp_hw.report.html.layer_blocks import ENERGY_PARTS
from afp_hw.report.html.metrics import NO_BREAK
from afp_hw.report.html.page import Choice, Column, Facts, Figure, Page, Section, Table
from afp_hw.report.html.provenance import facts_of

Document = Mapping[str, Any]
Scheme = Mapping[str, Any]


def energy_page(document: Document) -> Page:
    """A page of what ``afp-hw energy`` wrote."""
    schemes = list(document["schemes"].values())
    names = list(dict.fromkeys(layer["layer"] for layer in document["layers"]))
    return Page.of(
        title=f"Energy: {document['model']} on {document['design']}",
        headline=_headline(schemes),
        lead=f"{_listed(names)}, for one image; every circuit run gate by gate with glitches.",
        figures=[
            Figure(_energy(scheme["total_nj"]), scheme["name"], f"{scheme['mac_fj']:,.0f} fJ a MAC")
            for scheme in schemes
        ],
        sections=[
            _schemes(schemes),
            _layers(document),
            _paper(document),
            _parts(document),
            _made(document),
        ],
    )


def _headline(schemes: Sequence[Scheme]) -> str:
    ranked = sorted(schemes, key=lambda scheme: float(scheme["total_nj"]))
    best = ranked[0]
    adaptive = best["name"].startswith("AFP")
    rivals = [scheme for scheme in ranked if scheme["name"].startswith("AFP") != adaptive]
    text = f"{best['name']} needs the least energy, {_energy(best['total_nj'])} an image"
    if not rivals:
        return f"{text}."
    ratios = [f"{rival['total_nj'] / best['total_nj']:.2f} times that" for rival in rivals]
    return f"{text}; {rivals[0]['name']}, the next of the others, {ratios[0]}."


def _schemes(schemes: Sequence[Scheme]) -> Section:
    bars = [(scheme["name"], scheme["groups_nj"]) for scheme in schemes]
    made = stacked(
        "schemes-energy",
        "Energy by block and memory",
        bars,
        ENERGY_PARTS,
        Scale("µJ an image", ",.2f", 1e-3),
    )
    columns = [
        Column("name", "scheme"),
        Column("total_nj", "all", 1, "nJ"),
        Column("logic_nj", "logic", 1, "nJ"),
        *(Column(part, part, 1, "nJ") for part in ENERGY_PARTS),
        Column("leakage_nj", "leakage", 4, "nJ"),
        Column("mac_fj", "a MAC", 0, "fJ"),
        Column("requantize_fj", "a result requantized", 0, "fJ"),
    ]
    rows = [{**scheme, **scheme["groups_nj"]} for scheme in schemes]
    table = Table("schemes-table", "Schemes", columns, rows)
    return Section("schemes", "What each scheme costs", [made, table])


def _layers(document: Document) -> Section:
    names = {key: scheme["name"] for key, scheme in document["schemes"].items()}
    panels = [
        (
            name,
            [
                stacked(
                    f"layers-{key}",
                    f"Energy of layers, {name}",
                    [
                        (layer["layer"], layer["groups_nj"])
                        for layer in document["layers"]
                        if layer["scheme"] == key
                    ],
                    ENERGY_PARTS,
                    Scale("nJ an image", ",.1f"),
                )
            ],
        )
        for key, name in names.items()
    ]
    columns = [
        Column("layer", "layer"),
        Column("scheme", "scheme"),
        Column("total_nj", "energy", 1, "nJ"),
        Column("mac_fj", "a MAC", 0, "fJ"),
        Column("requantize_fj", "a result requantized", 0, "fJ"),
        Column("macs", "MACs", 0),
        Column("checked", "results checked", 0),
    ]
    rows = [{**layer, "scheme": names[layer["scheme"]]} for layer in document["layers"]]
    table = Table("layers-table", "Layers in every scheme", columns, rows, tall=len(rows) > 20)
    return Section("layers", "Layer by layer", [Choice("layers-choice", "Scheme", panels), table])


def _paper(document: Document) -> Section | None:
    found = document.get("comparison")
    if not found or not found.get("ratios"):
        return None
    columns = [
        Column("baseline", "baseline"),
        Column("against", "against"),
        *(Column(name, name, 2, "times") for name in found["paper"]),
    ]
    table = Table("ratios-table", "Baselines over AFP", columns, found["ratios"])
    paper = ", ".join(f"{name} {value:g}" for name, value in found["paper"].items())
    return Section("paper", "Against the published ratios", [table], f"The paper says: {paper}.")


def _parts(document: Document) -> Section | None:
    if not document.get("parts"):
        return None
    columns = [
        Column("name", "circuit"),
        Column("recipe", "recipe"),
        Column("area_um2", "area", 0, "µm²"),
        Column("delay_ns", "critical path", 2, "ns"),
        Column("meets", "meets the clock"),
    ]
    rows = [{**part, "meets": "yes" if part["meets_clock"] else "no"} for part in document["parts"]]
    table = Table("parts-table", f"{len(rows)} circuits", columns, rows, tall=len(rows) > 20)
    return Section("parts", "The circuits behind it", [table])


def _made(document: Document) -> Section:
    names = ("model", "design", "images", "technology", "clock_ns", "results_checked", "memory")
    facts = facts_of(document, *names)
    return Section("provenance", "Where the numbers come from", [Facts(facts)])


def _energy(nanojoule: float) -> str:
    if nanojoule >= 1000:
        return f"{nanojoule / 1000:,.2f}{NO_BREAK}µJ"
    return f"{nanojoule:,.1f}{NO_BREAK}nJ"


def _listed(names: Sequence[str]) -> str:
    if len(names) > 3:
        return f"{len(names)} layers"
    return f"Layer {names[0]}" if len(names) == 1 else f"Layers {' and '.join(names)}"
