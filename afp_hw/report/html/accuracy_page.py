"""The page of an evaluation or a search: what the formats of a network come to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from afp_hw.report.html.metrics import NO_BREAK
from afp_hw.report.html.page import Facts, Figure, Page, Section
from afp_hw.report.html.provenance import facts_of

Document = Mapping[str, Any]


def accuracy_page(document: Document) -> Page:
    """A page of what ``afp-hw evaluate --json`` or ``afp-hw search --json`` printed."""
    bits = document["average_bits"]
    figures = [
        Figure(f"{bits['weights']:.2f}", "bits of a weight"),
        Figure(f"{bits['acts']:.2f}", "bits of an activation"),
        Figure(f"{document['agreement']:.2f}{NO_BREAK}%", "agree with float32"),
        Figure(f"{document['logit_error']:.4f}", "mean error of a logit"),
    ]
    accuracy, reference = document.get("accuracy"), _reference(document)
    if accuracy is not None:
        note = "" if reference is None else f"float32 {reference:.2f}{NO_BREAK}%"
        figures.insert(0, Figure(f"{accuracy:.2f}{NO_BREAK}%", "accuracy", note))
    if document.get("energy_nj") is not None:
        energy = f"{document['energy_nj'] / 1e3:,.2f}{NO_BREAK}µJ"
        figures.append(Figure(energy, "an image in processing elements"))
    return Page.of(
        title=f"Accuracy: {document['model']}",
        headline=_headline(document),
        lead=f"On {document['images']} of {document.get('data') or document['on']}, every sum "
        "exact: what the hardware will have, bit for bit.",
        figures=figures,
        sections=[Section("numbers", "All numbers", [Facts(facts_of(document))])],
    )


def _reference(document: Document) -> float | None:
    value = document.get("float32_accuracy", document.get("float_accuracy"))
    return None if value is None else float(value)


def _headline(document: Document) -> str:
    bits = document["average_bits"]
    size = f"{bits['weights']:.2f} bits a weight and {bits['acts']:.2f} an activation"
    if document.get("loss") is None:
        return f"With {size}, {document['agreement']:.1f}{NO_BREAK}% of images keep their class."
    loss = document["loss"]
    change = (
        "lose no accuracy"
        if loss == 0
        else (f"{'lose' if loss > 0 else 'gain'} {abs(loss):.2f} points of accuracy")
    )
    return f"{size} {change}: {document['accuracy']:.2f}{NO_BREAK}%."
