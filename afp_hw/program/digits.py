"""Products by a constant as shifts and additions: canonical signed digits."""

from __future__ import annotations


def signed_digits(value: int) -> list[tuple[int, bool]]:
    """The fewest powers of two that add up to `value`, at least 1: exponent, whether subtracted.

    No two exponents are neighbours; from the lowest on.
    """
    digits = []
    exponent = 0
    while value:
        if value & 1:
            negative = value & 3 == 3
            digits.append((exponent, negative))
            value += 1 if negative else -1
        value >>= 1
        exponent += 1
    return digits
