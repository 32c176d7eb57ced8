"""The rivals of AFP as post-training quantizers: fitted to values, no retraining."""

from afp_hw.quantize.rivals.adaptive import Afp
from afp_hw.quantize.rivals.catalogue import catalogue, of_fixed_width, of_weights_alone, with_bits
from afp_hw.quantize.rivals.codebook import Codebook, ScaledGrid
from afp_hw.quantize.rivals.logarithmic import AdditivePowersOfTwo, PowersOfTwo
from afp_hw.quantize.rivals.published import PAPER_TABLE, PublishedRow
from afp_hw.quantize.rivals.quantile import Quantile
from afp_hw.quantize.rivals.quantizer import Quantizer, Rounding
from afp_hw.quantize.rivals.scale import SortedRows
from afp_hw.quantize.rivals.small_floats import AdaptivFloat, OcpFloat
from afp_hw.quantize.rivals.tails import TwoScale, ValueAware
from afp_hw.quantize.rivals.uniform import Integer, UniformGrid
from afp_hw.quantize.rivals.wide_floats import Unrounded, WideFloat

__all__ = [
    "PAPER_TABLE",
    "AdaptivFloat",
    "AdditivePowersOfTwo",
    "Afp",
    "Codebook",
    "Integer",
    "OcpFloat",
    "PowersOfTwo",
    "PublishedRow",
    "Quantile",
    "Quantizer",
    "Rounding",
    "ScaledGrid",
    "SortedRows",
    "TwoScale",
    "UniformGrid",
    "Unrounded",
    "ValueAware",
    "WideFloat",
    "catalogue",
    "of_fixed_width",
    "of_weights_alone",
    "with_bits",
]
