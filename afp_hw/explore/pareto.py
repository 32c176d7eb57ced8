"""The Pareto front: points that no other point beats in everything."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def front(values: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which points are not dominated, all objectives to be made small; exact.

    A point dominates another that is nowhere smaller and somewhere larger. Equal points do not
    dominate each other: both stand on the front, or neither does.

    Parameters
    ----------
    values
        [points, objectives]; an objective to be made large comes with its sign turned.

    Returns
    -------
    NDArray
        [points], True on the front.

    Raises
    ------
    ValueError
        Not two axes, no objective, or a value that is not a number.
    """
    if values.ndim != 2 or values.shape[1] == 0:
        raise ValueError(f"front.values must be [points, objectives], not {values.shape}")
    if np.isnan(values).any():
        raise ValueError("front.values must be numbers, not NaN")
    # In lexicographic order none is dominated by a later one: what has been looked at stays.
    order = np.lexsort(values.T[::-1])
    left, rows = order, values[order]
    at = 0
    while at < len(rows):
        beaten = (rows >= rows[at]).all(axis=1) & (rows > rows[at]).any(axis=1)
        left, rows = left[~beaten], rows[~beaten]
        at += 1
    mask = np.zeros(len(values), dtype=np.bool_)
    mask[left] = True
    return mask
