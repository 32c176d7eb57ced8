"""Drawing of a comparison: energy against area of a MAC, a point a format."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from afp_hw.report.figure_file import Document
from afp_hw.report.style import BLUE, GREEN, GREY, INK, ORANGE

_KINDS = {
    "AFPFormat": ("AFP", BLUE, "o"),
    "IntFormat": ("integer", ORANGE, "s"),
    "FloatFormat": ("floating point into FP32", GREEN, "^"),
}


def draw_compare(found: Document) -> Figure:
    """Both axes logarithmic; a line down to the energy without glitches."""
    figure = Figure(figsize=(7.2, 5.0))
    axes = figure.subplots()
    for kind, (label, colour, marker) in _KINDS.items():
        rows = [row for row in found["rows"] if row["kind"] == kind]
        if not rows:
            continue
        areas = [row["area_um2"] for row in rows]
        energies = [row["energy_glitch_fj"] for row in rows]
        settled = [row["energy_fj"] for row in rows]
        axes.vlines(areas, settled, energies, color=GREY, alpha=0.4, linewidth=3, zorder=1)
        axes.scatter(
            areas, energies, color=colour, marker=marker, s=46, label=label, zorder=3, linewidth=0
        )
        for row in rows:
            axes.annotate(
                row["format"],
                (row["area_um2"], row["energy_glitch_fj"]),
                xytext=(6, -11 if kind == "IntFormat" else 5),
                textcoords="offset points",
                fontsize=8.5,
                color=INK,
            )
    for scale, axis in ((axes.set_xscale, axes.xaxis), (axes.set_yscale, axes.yaxis)):
        scale("log")
        for locate, subs in ((axis.set_major_locator, (1, 2, 5)), (axis.set_minor_locator, (3, 7))):
            locate(LogLocator(subs=subs))
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axis.set_minor_formatter(NullFormatter())
    axes.margins(0.12)
    axes.grid(visible=True, which="major", linewidth=0.6)
    axes.set_xlabel("area of a MAC, µm²\n" + found["title"].replace("; ", ";\n", 1))
    axes.xaxis.label.set_fontsize(8.5)
    axes.set_ylabel("energy of a MAC, fJ, with glitches\n(the grey line ends at that without)")
    axes.set_title("What a MAC costs in cells")
    axes.legend(loc="upper left")
    return figure
