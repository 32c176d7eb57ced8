"""Rounding of a layer's weights that minimises the error of its output, not of the weights.

For weights `v` on a grid, wanted weights `w` and the second moments `h = mean(x x')` of the input,
the mean squared error of the output is ``sum over n of (v - w)[:, n]' h (v - w)[:, n]``. Columns
(output channels) are independent, so every step below treats all of them at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from afp_hw.search.tuning.matrices import Array

Nearest = Callable[[Array], Array]
"""Rounds ``[..., N]`` to the nearest values of the grid of each column."""

DAMPING: Final = 0.01
"""Added to the diagonal of the moments, as a part of its mean: the value of the GPTQ paper."""

_BLOCK: Final = 64
"""Weights of a column that are rounded before the rest of the matrix is brought up to date."""


def damped(square: Array, damping: float = DAMPING) -> Array:
    """`square` [K, K] with `damping` times its mean diagonal added to the diagonal.

    An input that is always 0 then has a small weight of its own, and the matrix an inverse.
    """
    mean = float(np.mean(np.diag(square)))
    return square + np.eye(len(square)) * (damping * mean if mean > 0 else 1.0)


def output_error(rounded: Array, wanted: Array, square: Array) -> Array:
    """Mean squared error of each output: ``(v - w)' h (v - w)``, float64 [N]."""
    error = rounded - wanted
    return np.asarray(np.einsum("kn,kn->n", error, square @ error))


def adjust(weight: Array, square: Array, cross: Array, damping: float = DAMPING) -> Array:
    """Weights whose output, from the quantized input, is nearest to the output that is wanted.

    The least squares ``min over v of mean((x v - y)**2)``, held near `weight` by the damping `d`:
    ``v = (h + d)**-1 (cross + d weight)``.

    Parameters
    ----------
    weight
        float64 [K, N].
    square, cross
        Means of ``x x'``, [K, K], and of ``x y'``, [K, N].
    damping
        As in :func:`damped`.
    """
    held = damped(square, damping)
    return weight + np.linalg.solve(held, cross - square @ weight)


def compensate(weight: Array, square: Array, nearest: Nearest) -> Array:
    """Round weight by weight; what an error does to the output, the weights still to come undo.

    Parameters
    ----------
    weight
        float64 [K, N].
    square
        Damped second moments of the input, [K, K], positive definite.
    nearest
        Rounds a row [N] to the grid.

    Returns
    -------
    float64 [K, N], every value on the grid.

    Notes
    -----
    Source: E. Frantar et al., "GPTQ: Accurate Post-Training Quantization for Generative
    Pre-trained Transformers", ICLR 2023, arXiv 2210.17323, algorithm 1, with the weights in
    descending order of the diagonal. With ``h**-1 = u' u`` (`u` upper triangular) and the error
    ``e = (w[k] - v[k]) / u[k, k]``, the best answer of the rest is ``w[j] -= u[k, j] * e``.
    """
    order = np.argsort(-np.diag(square), kind="stable")
    back = np.argsort(order, kind="stable")
    inverse = np.linalg.inv(square[np.ix_(order, order)])
    upper = np.linalg.cholesky((inverse + inverse.T) / 2).T
    left = weight[order].copy()
    rounded = np.empty_like(left)
    for start in range(0, len(left), _BLOCK):
        stop = min(start + _BLOCK, len(left))
        errors = np.empty((stop - start, left.shape[1]))
        for k in range(start, stop):
            rounded[k] = nearest(left[k])
            errors[k - start] = (left[k] - rounded[k]) / upper[k, k]
            left[k + 1 : stop] -= np.outer(upper[k, k + 1 : stop], errors[k - start])
        left[stop:] -= upper[start:stop, stop:].T @ errors
    return rounded[back]


def refine(
    rounded: Array, wanted: Array, square: Array, nearest: Nearest, sweeps: int = 20
) -> Array:
    """Lower the output's error by changing one weight of a column at a time, until none helps.

    With all others fixed the error is a parabola in one weight, so that the best value on the grid
    is the one nearest to its vertex. The error of a column never grows.

    Parameters
    ----------
    rounded
        float64 [K, N] on the grid, where the descent starts.
    wanted
        float64 [K, N].
    square
        Damped second moments of the input, [K, K].
    nearest
        Rounds a row [N] to the grid.
    sweeps
        Passes over all weights, at most.
    """
    rounded = rounded.copy()
    slope = square @ (rounded - wanted)  # half the gradient
    curve = np.diag(square)
    for _ in range(sweeps):
        changed = False
        for start in range(0, len(rounded), _BLOCK):
            part = slice(start, min(start + _BLOCK, len(rounded)))
            within, local = square[part, part], slope[part].copy()
            before = rounded[part].copy()
            for k in range(len(within)):
                row = rounded[start + k]
                vertex = row - local[k] / curve[start + k]
                better = nearest(vertex)
                # Of two values that are equally good, keep the one that is there.
                gain = np.abs(vertex - better) < np.abs(vertex - row)
                step = np.where(gain, better - row, 0.0)
                if gain.any():
                    rounded[start + k] += step
                    local += np.outer(within[:, k], step)
            delta = rounded[part] - before
            moved = delta.any(axis=0)
            if moved.any():
                changed = True
                slope[:, moved] += square[:, part] @ delta[:, moved]
        if not changed:
            break
    return rounded
