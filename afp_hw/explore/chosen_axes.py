"""Axes that the formats of tensors depend on, besides the network."""

from typing import Final

CHOSEN_BY: Final = ("formats", "bits", "bias_rule", "tune")
