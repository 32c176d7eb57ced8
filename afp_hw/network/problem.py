"""What one layer gives an array: operands, initial values, and what must come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.formats import AFPFormat
from afp_hw.network.exact import (
    accumulate,
    activation_rows,
    encode_sums,
    initial_values,
    run_exact,
)
from afp_hw.network.steps import GemmStep, LoweredNetwork


@dataclass(frozen=True, eq=False)
class LayerProblem:
    """One matrix product of a layer; a grouped convolution has one for each group.

    Attributes
    ----------
    name
        Layer, and for groups its number behind a colon.
    act_codes, wgt_codes
        Codes [M, K] and [K, N] in the layer's own formats.
    act_fmt, wgt_fmt
        These formats.
    init
        Initial values [N], or [M, N] with a skip tensor.
    expected_acc
        Golden sums [M, N].
    expected_codes
        Golden codes [M, N]; None where the sums leave the network exact.
    out_fmt
        Format of the codes, or None.
    offset, relu, clip
        Of the requantization: offset one or [N], clip one, [N] or None.
    """

    name: str
    act_codes: NDArray[Any]
    wgt_codes: NDArray[Any]
    act_fmt: AFPFormat
    wgt_fmt: AFPFormat
    init: NDArray[Any]
    expected_acc: NDArray[Any]
    expected_codes: NDArray[Any] | None
    out_fmt: AFPFormat | None
    offset: Any
    relu: bool
    clip: Any


def layer_problems(
    lowered: LoweredNetwork,
    layer: str,
    images: NDArray[Any],
    progress: Callable[[int, int], None] | None = None,
) -> list[LayerProblem]:
    """The matrix products of `layer` on `images`, behind the exact chain of the layers before it.

    Raises
    ------
    ValueError
        There is no such layer; images as :func:`.run_exact`.
    """
    return list(problems_of(lowered, [layer], images, progress))


def problems_of(
    lowered: LoweredNetwork,
    layers: Sequence[str],
    images: NDArray[Any],
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[LayerProblem]:
    """The matrix products of several layers, one after the other; the chain runs once for all.

    Raises
    ------
    ValueError
        As :func:`layer_problems`, before the first product.
    """
    steps = [lowered.gemm(layer) for layer in layers]
    wanted = {name for step in steps for name in (step.input, step.skip) if name is not None}
    values = run_exact(lowered, images, wanted, progress)
    return (problem for step in steps for problem in _products(lowered, step, values))


def _products(
    lowered: LoweredNetwork, step: GemmStep, values: Mapping[str, NDArray[Any]]
) -> Iterator[LayerProblem]:
    codes = values[step.input]
    skip = None if step.skip is None else values[step.skip]
    skip_fmt = None if step.skip is None else lowered.tensors[step.skip].fmt
    init = initial_values(step, skip, skip_fmt)
    sums = accumulate(step, codes, init)
    out = None if step.requantize is None else encode_sums(sums, step.requantize)
    rows = activation_rows(step, codes)
    groups, per_group = len(rows), sums.shape[1] // len(rows)
    for group in range(groups):
        yield _group(step, group, groups, per_group, rows, init, sums, out)


def _group(
    step: GemmStep,
    group: int,
    groups: int,
    per_group: int,
    rows: NDArray[Any],
    init: NDArray[Any],
    sums: NDArray[Any],
    out: NDArray[Any] | None,
) -> LayerProblem:
    part = slice(group * per_group, (group + 1) * per_group)

    def channels(value: Any) -> Any:
        return value[part] if isinstance(value, np.ndarray) and value.ndim else value

    output = step.requantize
    return LayerProblem(
        name=step.name if groups == 1 else f"{step.name}:{group}",
        act_codes=rows[group],
        wgt_codes=step.wgt_codes[group],
        act_fmt=step.act.fmt,
        wgt_fmt=step.wgt.fmt,
        init=init[..., part],
        expected_acc=sums[:, part],
        expected_codes=None if out is None else out[:, part],
        out_fmt=None if output is None else output.target.fmt,
        offset=None if output is None else channels(output.offset),
        relu=output is not None and output.relu,
        clip=None if output is None else channels(output.clip),
    )
