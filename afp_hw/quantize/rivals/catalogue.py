"""All rivals, in the order of the table."""

from __future__ import annotations

from collections.abc import Iterable

from afp_hw.quantize.rivals.adaptive import Afp
from afp_hw.quantize.rivals.logarithmic import AdditivePowersOfTwo, PowersOfTwo
from afp_hw.quantize.rivals.quantile import Quantile
from afp_hw.quantize.rivals.quantizer import Quantizer
from afp_hw.quantize.rivals.small_floats import AdaptivFloat, OcpFloat
from afp_hw.quantize.rivals.tails import TwoScale, ValueAware
from afp_hw.quantize.rivals.uniform import Integer
from afp_hw.quantize.rivals.wide_floats import Unrounded, WideFloat

LOWEST_BITS, HIGHEST_BITS = 2, 8
"""Bits at which every method that has a choice of bits is defined."""


def with_bits(n_bits: int) -> list[Quantizer]:
    """Every method that has a choice of bits, at `n_bits`."""
    return [
        Afp(n_bits),
        Afp(n_bits, per_channel=True),
        Afp(n_bits, clip=False),
        Integer(n_bits),
        Integer(n_bits, clip=True),
        Integer(n_bits, clip=True, sign_bit=True),
        Integer(n_bits, per_channel=True),
        Integer(n_bits, per_channel=True, clip=True),
        PowersOfTwo(n_bits),
        AdditivePowersOfTwo(n_bits),
        Quantile(n_bits),
        TwoScale(n_bits),
        ValueAware(n_bits),
        AdaptivFloat(n_bits),
    ]


def of_fixed_width() -> list[Quantizer]:
    """The formats whose width is their own: OCP FP4, FP6, FP8, and BF16, FP16, TF32."""
    elements = ("e2m1", "e2m3", "e3m2", "e4m3", "e5m2")
    small = [OcpFloat(element, real) for element in elements for real in (False, True)]
    return [*small, *(WideFloat(kind) for kind in ("BF16", "FP16", "TF32"))]


def of_weights_alone(n_bits: int) -> list[Quantizer]:
    """INQ and UNIQ were made for weights: their sets, and AFP beside them."""
    return [Afp(n_bits), PowersOfTwo(n_bits), Quantile(n_bits)]


def catalogue(bits: Iterable[int]) -> list[tuple[Quantizer, Quantizer]]:
    """Every rival for weights and for activations, at each of `bits` (2 to 8), each once.

    Behind them the formats of fixed width, and the methods for weights alone with activations that
    are not rounded.

    Raises
    ------
    ValueError
        A number of bits is out of range, or there is none.
    """
    wanted = sorted(set(bits))
    if not wanted:
        raise ValueError("catalogue.bits must have at least one number, not none")
    for n_bits in wanted:
        if not LOWEST_BITS <= n_bits <= HIGHEST_BITS:
            raise ValueError(
                f"catalogue.bits must be in {LOWEST_BITS}..{HIGHEST_BITS}, not {n_bits!r}"
            )
    both = [method for n_bits in wanted for method in with_bits(n_bits)] + of_fixed_width()
    alone = [method for n_bits in wanted for method in of_weights_alone(n_bits)]
    return [(method, method) for method in both] + [(method, Unrounded()) for method in alone]
