"""A layer's real numbers: what the rivals of AFP quantize in their own way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.golden import im2col
from afp_hw.network import LoweredNetwork, evaluate_float
from afp_hw.network.steps import GemmStep


@dataclass(frozen=True, eq=False)
class RealLayer:
    """One group of a layer in floating point, all images behind one another.

    Attributes
    ----------
    name
        Layer.
    groups
        How many there are like this one; this is the middle one.
    act, wgt
        [M, K] and [K, N].
    init
        Layer bias and skip tensor, [M, N].
    input_max, output_max
        Largest magnitude of the whole input, and of the whole output behind ReLU, for each image.
    rows
        Rows of `act` for one image.
    last
        Whether the sums leave the network as they are.
    relu
        Whether negative sums become 0.
    """

    name: str
    groups: int
    act: NDArray[Any]
    wgt: NDArray[Any]
    init: NDArray[Any]
    input_max: NDArray[np.float64]
    output_max: NDArray[np.float64]
    rows: int
    last: bool
    relu: bool

    def per_row(self, per_image: NDArray[Any]) -> NDArray[Any]:
        """One value an image as one value a row, [M, 1]."""
        return np.repeat(per_image, self.rows)[:, None]


def real_layers(
    lowered: LoweredNetwork, names: list[str], images: NDArray[Any]
) -> Iterator[RealLayer]:
    """Layers `names` on `images`, in order; the network runs once, in float32."""
    values: dict[str, NDArray[Any]] = {}
    steps = [lowered.gemm(name) for name in names]
    wanted = {name for step in steps for name in (step.input, step.output, step.skip) if name}

    def keep(name: str, value: NDArray[Any]) -> None:
        if name in wanted:
            values[name] = value

    evaluate_float(lowered.graph, images.astype(np.float32), visit=keep)
    return (_layer(step, values) for step in steps)


def _layer(step: GemmStep, values: dict[str, NDArray[Any]]) -> RealLayer:
    node, weight = step.node, step.node.weight
    assert weight is not None  # layers have weights
    value, output = values[step.input], values[step.output]
    if node.op == "Linear":
        groups, rows, columns = 1, value[None], weight.T[None]
    else:
        groups = node.attributes["groups"]
        names = ("kernel", "strides", "pads", "dilations", "groups")
        found = im2col(value, *(node.attributes[name] for name in names))
        rows = found if groups > 1 else found[None]
        columns = weight.reshape(groups, -1, rows.shape[-1])
    index = groups // 2
    m, n = rows.shape[1], columns.shape[1]
    channels = slice(index * n, (index + 1) * n)
    bias = np.zeros(n) if node.bias is None else node.bias[channels]
    init = np.broadcast_to(bias, (m, n)).astype(np.float64)
    if step.skip is not None:
        init = init + _by_pixel(values[step.skip])[:, channels]
    requantize = step.requantize
    return RealLayer(
        name=step.name,
        groups=groups,
        act=rows[index],
        wgt=np.ascontiguousarray(columns[index].T),
        init=init,
        input_max=_largest(value),
        output_max=_largest(output),
        rows=m // len(value),
        last=requantize is None,
        relu=requantize is not None and (requantize.relu or not requantize.target.fmt.signed),
    )


def _by_pixel(value: NDArray[Any]) -> NDArray[Any]:
    """[B, N, H, W] as [M, N]; what has no pixels stays."""
    return value if value.ndim == 2 else np.moveaxis(value, 1, -1).reshape(-1, value.shape[1])


def _largest(value: NDArray[Any]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.abs(value.reshape(len(value), -1)).max(axis=1).astype(float)
    return found
