"""Drawings of formats: accuracy against bits of all rivals, and range and precision."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from afp_hw.report.figure_file import Document
from afp_hw.report.style import BLUE, GREEN, GREY, INK, ORANGE, PALE, PINK, SKY, YELLOW

_LINES = (BLUE, ORANGE, GREEN, PINK, YELLOW, SKY, GREY, INK)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_FLOAT_BITS = 32


def draw_rivals(found: Document) -> Figure:
    """Accuracy, or agreement where there are no labels, against average bits."""
    rows = [row for row in found["rows"] if row["act_bits"] < _FLOAT_BITS]
    labelled = all(row["accuracy"] is not None for row in rows)
    field = "accuracy" if labelled else "agreement"
    figure = Figure(figsize=(8.6, 5.4))
    axes = figure.subplots()
    names = sorted(
        dict.fromkeys(row["name"] for row in rows),
        key=lambda name: (
            not name.startswith("AFP"),
            -max(row[field] for row in rows if row["name"] == name),
        ),
    )
    bottom = max(0.0, min(75.0, np.percentile([row[field] for row in rows], 12) - 5))
    for index, name in enumerate(names):
        own = sorted(
            (row for row in rows if row["name"] == name), key=lambda row: row["weight_bits"]
        )
        bits = [(row["weight_bits"] + row["act_bits"]) / 2 for row in own]
        ours = name.startswith("AFP")
        axes.plot(
            bits,
            [row[field] for row in own],
            color=_LINES[index % len(_LINES)],
            marker=_MARKERS[(index // len(_LINES) + index) % len(_MARKERS)],
            linewidth=2.8 if ours else 1.2,
            markersize=7 if ours else 5,
            alpha=1.0 if ours else 0.8,
            zorder=3 if ours else 2,
            label=name,
        )
    reference = found["float32_accuracy"] if labelled else 100.0
    axes.axhline(reference, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.text(
        0.005,
        reference,
        "float32",
        transform=axes.get_yaxis_transform(),
        va="bottom",
        fontsize=9,
    )
    axes.set_ylim(bottom, reference + 0.08 * (reference - bottom))
    axes.grid()
    axes.set_xscale("log", base=2)
    ticks = sorted({round((row["weight_bits"] + row["act_bits"]) / 2) for row in rows})
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("average bits of weights and activations")
    axes.set_ylabel("accuracy, %" if labelled else "images with float32's class, %")
    axes.set_title(f"{found['model']}: accuracy against bits, {found['images']} images")
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8, handlelength=2.2)
    return figure


def draw_ranges(found: Document) -> Figure:
    """Bars from the smallest to the largest magnitude; precision as text, subnormals pale."""
    rows = found["formats"]
    figure = Figure(figsize=(7.6, 0.46 * len(rows) + 1.5))
    axes = figure.subplots()
    for index, row in enumerate(rows):
        y = len(rows) - 1 - index
        colour = BLUE if index < found["afp"] else GREY
        axes.barh(y, row["normal"] - row["smallest"], left=row["smallest"], color=PALE, height=0.5)
        axes.barh(y, row["largest"] - row["normal"], left=row["normal"], color=colour, height=0.5)
        bits = row["significand"]
        axes.text(
            row["largest"] + 3,
            y,
            f"{row['bits']} bits, {bits} of them significand",
            va="center",
            fontsize=8.5,
            color=colour if index < found["afp"] else INK,
        )
    axes.set_yticks(range(len(rows)), [row["name"] for row in reversed(rows)])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(min(row["smallest"] for row in rows) - 4, max(r["largest"] for r in rows) + 86)
    ticks = [tick for tick in range(-160, 161, 32) if axes.get_xlim()[0] < tick <= 128]
    axes.set_xticks(ticks, [f"$2^{{{tick}}}$" for tick in ticks])
    axes.grid(axis="x")
    axes.set_xlabel("magnitude (pale: subnormal); an AFP bar is moved as a whole by its bias")
    axes.set_title("Range and precision")
    return figure
