"""Codes of floating-point formats on which hardware is tried."""

import numpy as np


def corners(fmt):
    """Codes with every combination of telling signs, exponents and mantissas; int64."""
    largest = (1 << fmt.n_exp) - 1
    middle = [fmt.bias - 1, fmt.bias, fmt.bias + 1]
    exponents = {0, 1, *middle, fmt.bias + fmt.n_man, largest - 1, largest}
    top = 1 << (fmt.n_man - 1)
    mantissas = {0, 1, top - 1, top, (1 << fmt.n_man) - 1}
    codes = [
        sign << fmt.magnitude_width | exponent << fmt.n_man | mantissa
        for sign in (0, 1)
        for exponent in sorted(exponents)
        if exponent <= largest
        for mantissa in sorted(mantissas)
    ]
    return np.array(codes, np.int64)


def near_one(fmt, random, shape):
    """Random finite codes whose exponents are so near one another that sums cancel and round."""
    sign = random.integers(0, 2, shape) << fmt.magnitude_width
    spread = min(fmt.bias, 6)
    exponent = random.integers(fmt.bias - spread, fmt.bias + spread + 1, shape)
    exponent = np.minimum(exponent, fmt.largest_code >> fmt.n_man)
    mantissa = random.integers(0, 1 << fmt.n_man, shape)
    return sign | np.minimum(exponent << fmt.n_man | mantissa, fmt.largest_code)
