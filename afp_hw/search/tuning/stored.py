"""Stored activations as numbers: what rounding them to their formats does to a float evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.network import FormatAssignment, LoweredNetwork, TensorFormat
from afp_hw.network.steps import GemmStep
from afp_hw.quantize import bias_for

Floats = NDArray[Any]


def stored_values(values: Floats, item: TensorFormat) -> Floats:
    """The values that a tensor [B, ...] has once it is stored in a format, of its own dtype.

    A dynamic format gives each image the finest grid on which its largest magnitude fits.
    """
    if item.lsb is not None:
        codes = golden.encode(values, item.fmt, item.bias)
        return golden.decode(codes, item.fmt, item.bias).astype(values.dtype)
    stored = np.empty_like(values)
    for index, image in enumerate(values):
        top = image.max(initial=0.0)
        # A format without a sign stores no negative value, whatever its magnitude.
        reach = max(top, -image.min(initial=0.0)) if item.fmt.signed else top
        bias = bias_for(float(reach), item.fmt)
        stored[index] = golden.decode(golden.encode(image, item.fmt, bias), item.fmt, bias)
    return stored


def storers(
    lowered: LoweredNetwork, assignment: FormatAssignment
) -> dict[str, Callable[[Floats], Floats]]:
    """What to apply to each tensor of a float evaluation when it is made, by the tensor's name.

    Those that the lowered network never stores (sums that a skip tensor is added to) are left out:
    so are tensors whose codes are only moved, which are on the grid already.
    """

    def storer(item: TensorFormat) -> Callable[[Floats], Floats]:
        return lambda values: stored_values(values, item)

    made = {step.output for step in lowered.steps} | {spec.name for spec in lowered.graph.inputs}
    return {name: storer(item) for name, item in assignment.acts.items() if name in made}


def bias_in_hardware(step: GemmStep, bias: NDArray[np.float64]) -> NDArray[np.float64]:
    """The bias [N] that a layer's sums really start from: rounded and saturated.

    With a dynamic input that differs from image to image, and `bias` is returned as it is.
    """
    if step.act.lsb is None:
        return bias
    b_int, lsb_b = golden.bias_to_int(bias)
    init = golden.init_from_bias(b_int, lsb_b, step.lsb_acc, step.init_max)
    return np.asarray(np.ldexp(init.astype(np.float64), step.lsb_acc))
