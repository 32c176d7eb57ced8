"""What one layer gives an array: operands, initial values, and what must come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.formats import AFPFormat
from afp_hw.network.exact import run_stored
from afp_hw.network.golden_layer import accumulate, activation_rows, initial_values
from afp_hw.network.steps import GemmStep, LoweredNetwork
from afp_hw.network.stored import Stored


@dataclass(frozen=True, eq=False)
class LayerProblem:
    """One matrix product of a layer; a grouped convolution has one for each group.

    Attributes
    ----------
    name
        Layer; where an exponent is dynamic and there are several images, the image behind an ``@``;
        for groups the group behind a colon.
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
    values = run_stored(lowered, images, wanted, progress)
    return (problem for step in steps for problem in _products(lowered, step, values))


def _products(
    lowered: LoweredNetwork, step: GemmStep, values: Mapping[str, Stored]
) -> Iterator[LayerProblem]:
    """Products of a layer: all images in one, or one for each where an exponent is dynamic."""
    item = values[step.input]
    output = step.requantize
    if not step.act.dynamic and (output is None or not output.target.dynamic):
        yield from _product(lowered, step, step.name, slice(None), values)
        return
    for index in range(len(item.codes)):
        name = step.name if len(item.codes) == 1 else f"{step.name}@{index}"
        yield from _product(lowered, step, name, slice(index, index + 1), values)


def _product(
    lowered: LoweredNetwork,
    step: GemmStep,
    name: str,
    images: slice,
    values: Mapping[str, Stored],
) -> Iterator[LayerProblem]:
    """Products of a layer on images that share their exponents, one for each group."""
    item = values[step.input]
    lsb_act = int(item.lsb[images.start if step.act.dynamic else 0])
    codes = item.codes[images]
    skip = None if step.skip is None else values[step.skip].codes[images]
    skip_fmt = None if step.skip is None else lowered.tensors[step.skip].fmt
    init = initial_values(step, lsb_act, skip, skip_fmt)
    sums = accumulate(step, codes, init)
    requantization = None
    if step.requantize is not None:
        requantization = _requantization(step, sums, lsb_act)
    rows = activation_rows(step, codes)
    groups, per_group = len(rows), sums.shape[1] // len(rows)
    for group in range(groups):
        part = slice(group * per_group, (group + 1) * per_group)
        yield LayerProblem(
            name=name if groups == 1 else f"{name}:{group}",
            act_codes=rows[group],
            wgt_codes=step.wgt_codes[group],
            act_fmt=step.act.fmt,
            wgt_fmt=step.wgt.fmt,
            init=init[..., part],
            expected_acc=sums[:, part],
            **_outputs(requantization, part),
        )


@dataclass(frozen=True, eq=False)
class _Requantization:
    """How the sums of a product become codes, and these codes."""

    codes: NDArray[Any]
    fmt: AFPFormat
    offset: Any
    relu: bool
    clip: Any


def _requantization(step: GemmStep, sums: NDArray[Any], lsb_act: int) -> _Requantization:
    output = step.requantize
    assert output is not None  # the caller looked
    lsb_acc = step.lsb_acc_at(lsb_act)
    clip, lsb = output.clip_at(lsb_acc), output.target.lsb
    if lsb is None:
        shown = sums if clip is None else np.minimum(sums, clip)
        shown = np.maximum(shown, 0) if output.relu else shown
        lsb = golden.dynamic_lsb(shown, lsb_acc, output.target.fmt)
    offset = output.offset_at(lsb_acc, lsb)
    codes = golden.requantize(sums, offset, output.target.fmt, relu=output.relu, clip=clip)
    return _Requantization(codes, output.target.fmt, offset, output.relu, clip)


def _outputs(whole: _Requantization | None, part: slice) -> dict[str, Any]:
    """Fields of the problem of one group, whose channels are `part`."""
    if whole is None:
        return {
            "expected_codes": None,
            "out_fmt": None,
            "offset": None,
            "relu": False,
            "clip": None,
        }

    def channels(value: Any) -> Any:
        return value[part] if isinstance(value, np.ndarray) and value.ndim else value

    return {
        "expected_codes": whole.codes[:, part],
        "out_fmt": whole.fmt,
        "offset": channels(whole.offset),
        "relu": whole.relu,
        "clip": channels(whole.clip),
    }
