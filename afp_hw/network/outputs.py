"""What comes out of a lowered network: numbers and classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.network.batches import Progress
from afp_hw.network.exact import run_stored
from afp_hw.network.steps import LoweredNetwork


def _sums(
    lowered: LoweredNetwork, images: NDArray[Any], progress: Progress | None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Integers of the first output, [B, ...], and their exponents, which broadcast with them."""
    name = lowered.graph.outputs[0]
    item = run_stored(lowered, images, [name], progress)[name]
    rest = item.codes.ndim - 1
    if name in lowered.tensors:
        fix = golden.to_fix(item.codes, lowered.tensors[name].fmt)
        return fix, item.lsb.reshape(-1, *[1] * rest)
    # Channels come first behind the batch axis, flattened or not.
    images_or_one, channels = item.lsb.shape
    if channels == 1:
        return item.codes, item.lsb.reshape(-1, *[1] * rest)
    each = item.codes[0].size // channels
    return item.codes, np.repeat(item.lsb, each, axis=1).reshape(
        images_or_one, *item.codes.shape[1:]
    )


def logits(
    lowered: LoweredNetwork, images: NDArray[Any], progress: Progress | None = None
) -> NDArray[np.float64]:
    """The network's first output as numbers, float64 [B, ...]: exact where float64 can hold them.

    Arguments and errors as those of :func:`.run_exact`.
    """
    return _numbers(*_sums(lowered, images, progress))


def classes(
    lowered: LoweredNetwork, images: NDArray[Any], progress: Progress | None = None
) -> NDArray[np.int64]:
    """Class of each image, int64 [B]: the lowest index of the largest logit. Exact.

    Logits are compared as integers on the finest of their grids; of an output [B, C, ...] the
    largest is taken over C. Arguments and errors as those of :func:`.run_exact`.
    """
    return _largest(*_sums(lowered, images, progress))


def classes_and_logits(
    lowered: LoweredNetwork, images: NDArray[Any], progress: Progress | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """:func:`classes` and :func:`logits` of one run."""
    sums, lsb = _sums(lowered, images, progress)
    return _largest(sums, lsb), _numbers(sums, lsb)


def _numbers(sums: NDArray[Any], lsb: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(np.ldexp(sums.astype(np.float64), lsb))


def _largest(sums: NDArray[Any], lsb: NDArray[Any]) -> NDArray[np.int64]:
    # Each image on the finest grid of its own channels.
    shift = lsb - lsb.min(axis=tuple(range(1, lsb.ndim)), keepdims=True)
    if shift.any():
        sums = sums.astype(object) << shift.astype(object)
    return np.asarray(sums.argmax(axis=1), np.int64)
