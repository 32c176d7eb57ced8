"""Error measures of a tensor encoded in one format: float64, not exact."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from afp_hw.formats import AFPFormat
from afp_hw.golden import decode, encode


def mse(values: ArrayLike, fmt: AFPFormat, bias: int | ArrayLike) -> float:
    """Mean squared error of `values` after encoding; 0.0 for an empty tensor.

    Parameters
    ----------
    values
        Finite floats, any shape.
    fmt
        Format.
    bias
        An integer, or integers that broadcast with `values`.

    Raises
    ------
    ValueError
        `values` has NaN or infinity.
    """
    exact = np.asarray(values, np.float64)
    error = exact - decode(encode(values, fmt, bias), fmt, bias)
    return float(np.mean(np.square(error))) if error.size else 0.0


def sqnr_db(values: ArrayLike, fmt: AFPFormat, bias: int | ArrayLike) -> float:
    """Signal-to-quantization-noise ratio in decibel: ``10 log10(mean(x**2) / mse)``.

    Infinity where the error is 0; minus infinity cannot occur, as a signal of 0 has no error.
    Arguments and errors as those of :func:`mse`.
    """
    noise = mse(values, fmt, bias)
    if noise == 0.0:
        return math.inf
    signal = float(np.mean(np.square(np.asarray(values, np.float64))))
    return 10.0 * math.log10(signal / noise)
