"""Bias rules and error measures of tensors. Imports formats and golden only."""

from afp_hw.quantize.bias import bias_for, bias_for_channels
from afp_hw.quantize.errors import mse, sqnr_db

__all__ = ["bias_for", "bias_for_channels", "mse", "sqnr_db"]
