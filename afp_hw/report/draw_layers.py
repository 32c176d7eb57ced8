"""Drawings of layers: bits of their codes, and a histogram with the values of a format."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from afp_hw.report.figure_file import Document
from afp_hw.report.style import BLUE, GREY, INK, ORANGE, PALE, PARTS


def draw_bits(found: Document) -> Figure:
    """Stacked bars: weights up, the layer's input down."""
    layers = found["layers"]
    count = len(layers)
    figure = Figure(figsize=(min(max(5.5, 0.42 * count + 2), 16), 4.8))
    axes = figure.subplots()
    places = np.arange(count)
    for side, sign in (("weights", 1), ("acts", -1)):
        base = np.zeros(count)
        for part, colour in PARTS.items():
            bits = np.array([layer[side][part] for layer in layers], float)
            axes.bar(
                places,
                sign * bits,
                bottom=sign * base,
                color=colour,
                width=0.78,
                edgecolor="white",
                linewidth=0.8,
                label=part if sign > 0 else None,
            )
            base += bits
        for place, total in zip(range(count), base, strict=True):
            axes.text(
                place,
                sign * (total + 0.18),
                f"{total:.0f}",
                ha="center",
                va="bottom" if sign > 0 else "top",
                fontsize=8.5,
            )
    axes.axhline(0, color=INK, linewidth=1)
    limit = max(abs(end) for end in axes.get_ylim()) + 0.8
    axes.set_ylim(-limit, limit)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks(places, [layer["name"] for layer in layers], rotation=90, fontsize=8)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.7, count - 0.3)
    axes.text(
        -0.02, 0.75, "weights", transform=axes.transAxes, rotation=90, ha="right", va="center"
    )
    axes.text(-0.02, 0.25, "input", transform=axes.transAxes, rotation=90, ha="right", va="center")
    axes.set_title(f"{found['model']}: bits of every layer")
    axes.legend(
        loc="lower right", bbox_to_anchor=(1, 1), ncols=3, handlelength=1, borderaxespad=0.2
    )
    return figure


def draw_histogram(found: Document) -> Figure:
    """Counts on a logarithmic axis, the format's values as stems below."""
    figure = Figure(figsize=(7.2, 4.2))
    axes, rug = figure.subplots(2, 1, sharex=True, height_ratios=(5, 1))
    edges, counts = np.array(found["edges"]), np.array(found["counts"], float)
    axes.stairs(counts, edges, fill=True, color="#9CC9E5", edgecolor=BLUE, linewidth=0.8)
    axes.set_yscale("log")
    axes.set_ylim(0.7, counts.max() * 2)
    axes.set_ylabel("weights")
    axes.grid(axis="y")
    points = np.array(found["points"])
    reach = max(float(np.abs(edges).max()), float(np.abs(points).max())) * 1.05
    axes.set_xlim(-reach, reach)
    rug.vlines(points, 0, 1, color=ORANGE, linewidth=1.1)
    rug.set_ylim(0, 1.15)
    rug.set_yticks([])
    for side in ("left", "top", "right"):
        rug.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(PALE)
    axes.tick_params(axis="x", length=0)
    rug.set_xlabel("value")
    rug.set_ylabel(found["format"], rotation=0, ha="right", va="center", color=ORANGE)
    axes.set_title(
        f"{found['layer']}: {found['weights']:,} weights and the values of {found['format']}"
    )
    axes.text(
        0.99,
        0.94,
        f"lsb 2^{found['lsb']}\nmean squared error {found['error']:.3g}",
        transform=axes.transAxes,
        ha="right",
        va="top",
        color=GREY,
        fontsize=9,
    )
    return figure
