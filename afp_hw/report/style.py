"""How all pictures look: colours that colour-blind readers tell apart, little ink, large type."""

from __future__ import annotations

from typing import Any, Final

BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
GREEN: Final = "#009E73"
SKY: Final = "#56B4E9"
YELLOW: Final = "#E69F00"
PINK: Final = "#CC79A7"
INK: Final = "#222222"
GREY: Final = "#8A8A8A"
PALE: Final = "#D9D9D9"
"""Okabe and Ito, "Color Universal Design", 2008, and greys."""

PARTS: Final = {"sign": GREY, "exponent": ORANGE, "mantissa": BLUE}
"""Colours of the parts of a code."""

RC: Final[dict[str, Any]] = {
    "svg.hashsalt": "afp-hw",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#EBEBEB",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "legend.frameon": False,
}
