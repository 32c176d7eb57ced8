"""Why a processing element is as big as it is, in words, from its numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

Document = Mapping[str, Any]


_RAISED: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float) -> str:
    """A positive number as people read it: a power of two as such, others with four digits."""
    mantissa, exponent = math.frexp(value)
    if mantissa == 0.5 and not 1 <= value <= 16:
        return f"2{str(exponent - 1).translate(_RAISED)}"
    return f"{value:,.0f}" if value == round(value) else f"{value:.4g}"


def largest_block(document: Document, key: str) -> tuple[str, float]:
    """The block with most of `key` (``area_um2``, ``energy_glitch_fj``), and its share."""
    blocks = document["synth"]["hierarchical"]["blocks"]
    total = sum(block[key] or 0.0 for block in blocks)
    best = max(blocks, key=lambda block: block[key] or 0.0)
    return best["block"], (best[key] or 0.0) / total


def _accumulator(document: Document) -> str:
    design = document["design"]
    pair = f"{design['weights']} × {design['acts']}"
    bits = f"{design['acc_width'] - 1} bits and a sign"
    if design["sum_max"] is not None:
        return (
            f"{design['acc_width']} bits, because sums of products {pair} are proven to stay "
            f"within {bits}, and none may wrap"
        )
    return (
        f"{design['acc_width']} bits, because {design['k']:,} products {pair} of up to "
        f"{design['product_width']} bits each can add up to {bits}, and no sum may wrap"
    )


def _multiplier(document: Document) -> str:
    weights, acts = document["formats"]
    lanes = document["design"]["lanes"]
    each = f", in each of {lanes} lanes" if lanes > 1 else ""
    if "max_sig" not in weights:
        return f"{weights['bits']} × {acts['bits']} bits of two integers{each}"
    widths = [found["max_sig"].bit_length() for found in (weights, acts)]
    return f"significands of {widths[0]} × {widths[1]} bits, hidden one included{each}"


def _shifter(document: Document) -> str:
    design, (weights, acts) = document["design"], document["formats"]
    places = weights.get("max_shift", 0) + acts.get("max_shift", 0)
    return (
        f"a product of {design['sig_product_width']} bits moves by up to {places} places to become "
        f"one of {design['product_width']}"
    )


def _adder_tree(document: Document) -> str:
    design = document["design"]
    return (
        f"{design['lanes']} products of {design['product_width']} bits are added in a cycle to "
        f"{design['lane_sum_width']}"
    )


_REASONS: Final[Mapping[str, Callable[[Document], str]]] = {
    "accumulator": _accumulator,
    "multiplier": _multiplier,
    "shifter": _shifter,
    "adder tree": _adder_tree,
    "exponent adder": lambda document: "two exponent fields are added for each product",
    "decode": lambda document: "codes become signs, significands and shifts",
    "other": lambda document: (
        "registers of operands and tags, and what holds them: none of the arithmetic"
    ),
}


def named(block: str) -> str:
    """A block within a sentence: what something is, or is part of."""
    return "in no block" if block == "other" else f"the {block}"


def headline(document: Document) -> str:
    """The largest part of the area, and why it is so large."""
    block, share = largest_block(document, "area_um2")
    reason = _REASONS.get(block, _REASONS["other"])(document)
    return f"{share:.0%} of the area is {named(block)}: {reason}."


def busiest(document: Document) -> str:
    """What the busiest cycle is, and what is special about it where that can be seen."""
    wave = document["waveform"]
    cycles = {cycle["cycle"]: cycle for cycle in wave["cycles"]}
    peak = cycles[0]
    glitches = sum(peak["toggles"].values()) - sum(peak["settled"].values())
    block = max(peak["toggles"], key=lambda name: peak["toggles"][name])
    text = (
        f"Of {wave['simulated_cycles']:,} cycles of the gate-level run on {wave['operands']} the "
        f"busiest, cycle 0 below, has {wave['toggles']:,} toggles, {glitches:,} of them glitches, "
        f"where the mean is {wave['mean_toggles']:,.0f}; "
        f"{peak['toggles'][block]:,} are {'' if block == 'other' else 'in '}{named(block)}."
    )
    before = cycles.get(-1)
    if before is not None and (before["acc"] < 0) != (peak["acc"] < 0):
        text += (
            f" In it the sum passes from {before['acc']:,} to {peak['acc']:,}: with the sign all "
            "its high bits change."
        )
    return text


def lead(document: Document) -> str:
    """What products span, where the energy goes, and what the clock waits for."""
    return " ".join(part for part in (_span(document), _energy(document), _delay(document)) if part)


def _span(document: Document) -> str:
    design, (weights, acts) = document["design"], document["formats"]
    pair = f"{weights['format']} × {acts['format']}"
    known = weights["unit"] is not None and acts["unit"] is not None
    unit = weights["unit"] * acts["unit"] if known else 1.0
    where = f"in {document['operands']['name']}" if known else "in units of the grid"
    low, high = number(unit), number(unit * design["max_product"])
    return f"Products {pair} that are not zero go from {low} to {high} {where}."


def _energy(document: Document) -> str:
    synth = document["synth"]
    block, share = largest_block(document, "energy_glitch_fj")
    kept = synth["hierarchical"]
    glitches = 1 - kept["energy_fj"] / kept["energy_glitch_fj"]
    return (
        f"{share:.0%} of the energy is {named(block)}; glitches are {glitches:.0%} of all energy."
    )


def _delay(document: Document) -> str:
    path = document["critical_path"]["hierarchical"]
    if path is None:
        return ""
    times: dict[str, float] = {}
    for stage in path["stages"]:
        times[stage["block"]] = times.get(stage["block"], 0.0) + stage["increment_ps"]
    block = max(times, key=lambda name: times[name])
    share = times[block] / (path["period_ps"] or 1.0)
    return f"{share:.0%} of the critical path is {named(block)}."
