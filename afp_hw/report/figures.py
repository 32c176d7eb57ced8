"""All kinds of figures: what their documents must have, and who draws them."""

from __future__ import annotations

from typing import Final

from afp_hw.report.draw_compare import draw_compare
from afp_hw.report.draw_formats import draw_ranges, draw_rivals
from afp_hw.report.draw_grids import draw_lambda, draw_sweet_spot
from afp_hw.report.draw_layers import draw_bits, draw_histogram
from afp_hw.report.figure_file import Draw

FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "sweet-spot": ("model", "measure", "lam", "layers", "cells", "best"),
    "lambda": ("model", "measure", "lams", "layers"),
    "bits": ("model", "layers"),
    "histogram": (
        "model",
        "layer",
        "format",
        "lsb",
        "weights",
        "edges",
        "counts",
        "points",
        "error",
    ),
    "rivals": ("model", "images", "float32_accuracy", "rows"),
    "ranges": ("formats", "afp"),
    "compare": ("title", "rows"),
}

DRAW: Final[dict[str, Draw]] = {
    "sweet-spot": draw_sweet_spot,
    "lambda": draw_lambda,
    "bits": draw_bits,
    "histogram": draw_histogram,
    "rivals": draw_rivals,
    "ranges": draw_ranges,
    "compare": draw_compare,
}
