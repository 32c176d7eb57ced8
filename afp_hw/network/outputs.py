"""What comes out of a lowered network: numbers and classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.network.batches import Progress
from afp_hw.network.exact import run_exact
from afp_hw.network.steps import GemmStep, LoweredNetwork


def _sums(
    lowered: LoweredNetwork, images: NDArray[Any], progress: Progress | None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Integers of the first output, [B, ...], and their exponents, which broadcast with them."""
    name = lowered.graph.outputs[0]
    values = run_exact(lowered, images, [name], progress)[name]
    for step in lowered.steps:
        if isinstance(step, GemmStep) and step.output == name and step.requantize is None:
            # Channels come first behind the batch axis, flattened or not.
            channels = len(step.init)
            each = values.size // (len(values) * channels)
            lsb = np.broadcast_to(np.asarray(step.lsb_acc), channels)
            return values, np.repeat(lsb, each).reshape(values.shape[1:])
    item = lowered.tensors[name]
    return golden.to_fix(values, item.fmt), np.asarray(item.lsb)


def logits(
    lowered: LoweredNetwork, images: NDArray[Any], progress: Progress | None = None
) -> NDArray[np.float64]:
    """The network's first output as numbers, float64 [B, ...]: exact where float64 can hold them.

    Arguments and errors as those of :func:`.run_exact`.
    """
    sums, lsb = _sums(lowered, images, progress)
    return np.asarray(np.ldexp(sums.astype(np.float64), lsb))


def classes(
    lowered: LoweredNetwork, images: NDArray[Any], progress: Progress | None = None
) -> NDArray[np.int64]:
    """Class of each image, int64 [B]: the lowest index of the largest logit. Exact.

    Logits are compared as integers on the finest of their grids; of an output [B, C, ...] the
    largest is taken over C. Arguments and errors as those of :func:`.run_exact`.
    """
    sums, lsb = _sums(lowered, images, progress)
    shift = lsb - lsb.min()
    if shift.any():
        sums = sums.astype(object) << shift.astype(object)
    return np.asarray(sums.argmax(axis=1), np.int64)
