"""One grid per output channel: the same rules, for all channels of a tensor at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from afp_hw.formats import AFPFormat
from afp_hw.golden import decode, encode
from afp_hw.quantize.bias import bias_for_channels
from afp_hw.quantize.sorted_magnitudes import Rule


def best_lsb_channels(
    values: NDArray[np.float64], fmt: AFPFormat, rule: Rule = "absmax"
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Exponent of the grid of each channel, and its squared error.

    Parameters
    ----------
    values
        float64 [N, K], finite: `N` channels.
    fmt, rule
        As of :meth:`.SortedMagnitudes.best_lsb`.

    Returns
    -------
    int64 [N] and float64 [N].
    """
    absmax = np.absolute(values).max(axis=1)
    lsb = 1 - fmt.n_man - bias_for_channels(absmax, fmt)
    errors = _squared_errors(values, fmt, lsb)
    best = lsb.copy()
    open_channels = np.flatnonzero(errors > 0) if rule == "mse" else np.array([], int)
    step = 0
    while open_channels.size:
        step += 1
        tried = lsb[open_channels] - step
        rows = values[open_channels]
        limit = np.ldexp(float(fmt.max_fix), tried)
        clipped = np.square(np.maximum(np.absolute(rows) - limit[:, None], 0)).sum(axis=1)
        # What is clipped only grows from here on: nothing below can be better.
        still = clipped < errors[open_channels]
        open_channels, tried, rows = open_channels[still], tried[still], rows[still]
        found = _squared_errors(rows, fmt, tried)
        better = found < errors[open_channels]
        errors[open_channels[better]] = found[better]
        best[open_channels[better]] = tried[better]
    return best, errors


def _squared_errors(
    values: NDArray[np.float64], fmt: AFPFormat, lsb: NDArray[np.int64]
) -> NDArray[np.float64]:
    bias = (1 - fmt.n_man - lsb)[:, None]
    rest = values - decode(encode(values, fmt, bias), fmt, bias)
    return np.asarray(np.square(rest).sum(axis=1))
