"""Drawings of scores: the sweet-spot map, and width against lambda."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from afp_hw.report.figure_file import Document
from afp_hw.report.style import BLUE, INK, ORANGE, PALE

_MEASURES = {
    "mse": "squared error",
    "kl": "KL divergence of densities",
    "released": "released code's KL",
}


def draw_sweet_spot(found: Document) -> Figure:
    """Width across, exponent bits up; the objective in the cells, the least one framed."""
    cells = {(c["width"], c["n_exp"]): c["objective"] for c in found["cells"]}
    widths = sorted({width for width, _ in cells})
    exponents = sorted({n_exp for _, n_exp in cells})
    table = np.array([[cells.get((w, e), np.nan) for w in widths] for e in exponents])
    figure = Figure(figsize=(7.2, 4.6))
    axes = figure.subplots()
    colours = LinearSegmentedColormap.from_list("afp", [BLUE, "#8FC3E3", "#F4F4F4"])
    top = max(float(np.nanmax(table)), 1.001)
    axes.imshow(table, cmap=colours, norm=LogNorm(1, top), origin="lower", aspect="auto")
    least = float(np.nanmin(table))
    for row, n_exp in enumerate(exponents):
        for column, width in enumerate(widths):
            value = cells.get((width, n_exp))
            if value is None:
                continue
            dark = np.log(value) < 0.35 * np.log(top)
            axes.text(
                column,
                row,
                _number(value),
                ha="center",
                va="center",
                color="white" if dark else INK,
                fontweight="bold" if value == least else "normal",
            )
    best = found["best"]
    place = widths.index(best["width"]) - 0.5, exponents.index(best["n_exp"]) - 0.5
    axes.add_patch(Rectangle(place, 1, 1, fill=False, edgecolor=ORANGE, linewidth=3, zorder=3))
    axes.set_xticks(range(len(widths)), [str(width) for width in widths])
    axes.set_yticks(range(len(exponents)), [str(n_exp) for n_exp in exponents])
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_xlabel(
        "width, bits with the sign\n"
        "relative to each layer's best split, geometric mean; framed: the least"
    )
    axes.set_ylabel("exponent bits")
    axes.set_title(
        f"{found['model']}: {_MEASURES.get(found['measure'], found['measure'])} × "
        f"penalty^{found['lam']:g}, {found['layers']} layers"
    )
    return figure


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 9.995 else f"{value:.0f}" if value < 9999.5 else f"{value:.0e}"


def draw_lambda(found: Document) -> Figure:
    """Mean width in bold, one pale line for each layer."""
    figure = Figure(figsize=(7.2, 4.2))
    axes = figure.subplots()
    lams = np.array(found["lams"])
    curves = np.array(list(found["layers"].values()), float)
    # Lines of whole widths would lie on one another: each is moved by its own small step.
    shifts = np.linspace(-0.18, 0.18, len(curves)) if len(curves) > 1 else np.zeros(1)
    for curve, shift in zip(curves, shifts, strict=True):
        axes.plot(lams, curve + shift, color=PALE, linewidth=1, drawstyle="steps-mid")
    mean = curves.mean(axis=0)
    axes.plot(lams, mean, color=BLUE, linewidth=3)
    axes.annotate(
        f"mean of {len(curves)} layers",
        (lams[len(lams) // 3], mean[len(lams) // 3]),
        (10, 12),
        textcoords="offset points",
        color=BLUE,
        fontweight="bold",
    )
    axes.grid(axis="y")
    axes.set_xlim(0, 1)
    axes.set_yticks(range(2, 9))
    axes.set_ylim(1.6, 8.4)
    measure = _MEASURES.get(found["measure"], found["measure"])
    axes.set_xlabel(f"λ; objective = {measure} × penalty^λ")
    axes.set_ylabel("chosen width, bits")
    axes.set_title(f"{found['model']}: width with the least objective")
    return figure
