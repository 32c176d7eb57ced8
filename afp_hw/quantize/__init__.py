"""Bias rules, error measures and scores of formats, of tensors. Imports formats and golden only."""

from afp_hw.quantize.bias import bias_for, bias_for_channels
from afp_hw.quantize.channels import best_lsb_channels
from afp_hw.quantize.codes import quantize_codes
from afp_hw.quantize.divergence import MagnitudeHistogram, kl_density, released_kl
from afp_hw.quantize.errors import mse, sqnr_db
from afp_hw.quantize.score import (
    Measure,
    Score,
    penalty,
    released_objective,
    score_grid,
    splits,
)
from afp_hw.quantize.sorted_magnitudes import Rule, SortedMagnitudes, magnitudes

__all__ = [
    "MagnitudeHistogram",
    "Measure",
    "Rule",
    "Score",
    "SortedMagnitudes",
    "best_lsb_channels",
    "bias_for",
    "bias_for_channels",
    "kl_density",
    "magnitudes",
    "mse",
    "penalty",
    "quantize_codes",
    "released_kl",
    "released_objective",
    "score_grid",
    "splits",
    "sqnr_db",
]
