"""A lowered network on images: every tensor in AFP, every sum exact."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.network.batches import Progress, batches
from afp_hw.network.float_evaluation import check_images
from afp_hw.network.stages import Kind
from afp_hw.network.steps import CodeStep, GemmStep, LoweredNetwork, Output


def encode_images(lowered: LoweredNetwork, images: NDArray[Any]) -> NDArray[Any]:
    """Codes of the network's input."""
    item = lowered.tensors[lowered.graph.inputs[0].name]
    return golden.encode(images, item.fmt, item.bias)


def activation_rows(step: GemmStep, codes: NDArray[Any]) -> NDArray[Any]:
    """The activation matrix of a layer, [groups, M, K], from codes (or integers) of its input."""
    if step.node.op == "Linear":
        return codes[None]
    attributes = step.node.attributes
    rows = golden.im2col(
        codes,
        attributes["kernel"],
        attributes["strides"],
        attributes["pads"],
        attributes["dilations"],
        attributes["groups"],
    )
    return rows if attributes["groups"] > 1 else rows[None]


def initial_values(step: GemmStep, skip: NDArray[Any] | None, skip_fmt: Any) -> NDArray[Any]:
    """Initial values of a layer's sums: [N], or with a skip tensor [M, N]."""
    if skip is None:
        return step.init
    fix = golden.to_fix(skip, skip_fmt)
    rows = fix if fix.ndim == 2 else np.moveaxis(fix, 1, -1).reshape(-1, fix.shape[1])
    # The lowering proved that the sum stays within `init_max`.
    if step.init_max >= 1 << 62:
        rows = rows.astype(object)
    return np.asarray(step.init + (rows << step.skip_shift))


def accumulate(step: GemmStep, codes: NDArray[Any], init: NDArray[Any]) -> NDArray[Any]:
    """Exact sums of a layer, [M, N]."""
    fix = golden.to_fix(codes, step.act.fmt)
    if step.act.fmt.max_fix < 1 << 15 and fix.dtype != object:
        fix = fix.astype(np.int16)  # unfolds and multiplies in half the time
    rows = activation_rows(step, fix)
    sums = golden.gemm(rows, golden.to_fix(step.wgt_codes, step.wgt.fmt))  # [groups, M, N/groups]
    joined = np.moveaxis(sums, 0, 1).reshape(sums.shape[1], -1)
    # The product's proof does not include the initial values.
    room = step.wgt_codes.shape[1] * step.act.fmt.max_fix * step.wgt.fmt.max_fix + step.init_max
    if room >= 1 << 63:
        joined = joined.astype(object)
    return np.asarray(joined + init)


def encode_sums(sums: NDArray[Any], output: Output) -> NDArray[Any]:
    """Codes of sums whose last axis is the channels."""
    return golden.requantize(
        sums, output.offset, output.target.fmt, relu=output.relu, clip=output.clip
    )


def _images_from_rows(rows: NDArray[Any], batch: int, shape: tuple[int, ...]) -> NDArray[Any]:
    """[M, N] back to [B, N, H, W] (or [B, N])."""
    if len(shape) == 1:
        return rows
    return rows.reshape(batch, *shape[1:], shape[0]).transpose(0, 3, 1, 2)


def _gemm_step(
    lowered: LoweredNetwork, step: GemmStep, values: dict[str, NDArray[Any]]
) -> NDArray[Any]:
    skip = None if step.skip is None else values[step.skip]
    skip_fmt = None if step.skip is None else lowered.tensors[step.skip].fmt
    codes = values[step.input]
    sums = accumulate(step, codes, initial_values(step, skip, skip_fmt))
    rows = sums if step.requantize is None else encode_sums(sums, step.requantize)
    shapes = lowered.graph.shapes
    result = _images_from_rows(rows, len(codes), shapes[step.node.output])
    return result.reshape(len(codes), *shapes[step.output])


def _code_step(
    lowered: LoweredNetwork, step: CodeStep, values: dict[str, NDArray[Any]]
) -> NDArray[Any]:
    inputs = [values[name] for name in step.inputs]
    items = [lowered.tensors[name] for name in step.inputs]
    codes, attributes = inputs[0], step.node.attributes
    if step.kind is Kind.MOVE:
        if step.node.op == "Flatten":
            return codes.reshape(len(codes), -1)
        if step.node.op == "Pad":
            sides = zip(attributes["before"], attributes["after"], strict=True)
            return np.pad(codes, ((0, 0), *sides))
        return codes[(slice(None), *(slice(*bounds) for bounds in attributes["slices"]))]
    if step.kind is Kind.MAX_POOL:
        return golden.max_pool(
            codes,
            items[0].fmt,
            attributes["kernel"],
            attributes["strides"],
            attributes["pads"],
            attributes["dilations"],
        )
    assert step.requantize is not None  # all other kinds round
    fixes = [golden.to_fix(c, item.fmt) for c, item in zip(inputs, items, strict=True)]
    if step.kind is Kind.CONCAT:
        output = step.requantize
        clips = [None] * len(fixes) if output.clip is None else output.clip
        parts = [
            encode_sums(fix, replace(output, offset=int(offset), clip=clip))
            for fix, offset, clip in zip(fixes, output.offset, clips, strict=True)
        ]
        return np.concatenate(parts, axis=attributes["axis"] + 1)
    if step.kind is Kind.ADD:
        # A bias of the assignment's lists is refused when it is lowered: these are integers.
        lsbs = [item.lsb for item in items]
        assert isinstance(lsbs[0], int)
        assert isinstance(lsbs[1], int)
        sums, _ = golden.add_aligned(fixes[0], lsbs[0], fixes[1], lsbs[1])
    elif step.kind is Kind.AVERAGE:
        whole = step.node.op == "GlobalAveragePool"
        kernel = codes.shape[2:] if whole else attributes["kernel"]
        strides = 1 if whole else attributes["strides"]
        sums = golden.average_pool(fixes[0], kernel, strides, 0 if whole else attributes["pads"])
    else:
        sums = fixes[0]
    return encode_sums(sums, step.requantize)


def _last_reads(steps: Iterable[GemmStep | CodeStep], wanted: set[str]) -> dict[str, int]:
    """Index of the last step that reads each tensor; those in `wanted` are read for ever."""
    last: dict[str, int] = {}
    for index, step in enumerate(steps):
        names = (step.input, step.skip) if isinstance(step, GemmStep) else step.inputs
        last.update({name: index for name in names if name is not None})
    return last | dict.fromkeys(wanted, len(last) + 10**9)


def run_exact(
    lowered: LoweredNetwork,
    images: NDArray[Any],
    wanted: Iterable[str] | None = None,
    progress: Progress | None = None,
) -> dict[str, NDArray[Any]]:
    """Run a lowered network bit for bit.

    Parameters
    ----------
    lowered
        The network.
    images
        float [B, *input shape].
    wanted
        Names of the tensors to return; nothing is computed behind the last of them. Default: the
        network's outputs.
    progress
        ``progress(done, total)`` after each batch, in images.

    Returns
    -------
    Codes [B, ...] by tensor; for logits the exact accumulators [B, N] (see :func:`logits`).

    Raises
    ------
    ValueError
        Images of another shape or not finite; a tensor that there is not.
    """
    check_images(lowered.graph, images)
    names = set(lowered.graph.outputs if wanted is None else wanted)
    # The input is there before the first step.
    made = {lowered.graph.inputs[0].name: 0}
    made |= {step.output: index for index, step in enumerate(lowered.steps, 1)}
    for name in sorted(names - made.keys()):
        close = ", ".join(get_close_matches(name, made, n=3, cutoff=0.4) or made)
        raise ValueError(f"wanted must be tensors that are stored ({close}), not {name!r}")
    steps = lowered.steps[: max((made[name] for name in names), default=0)]
    last = _last_reads(steps, names)
    collected: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
    for batch in batches(lowered.graph, images, progress):
        values = {lowered.graph.inputs[0].name: encode_images(lowered, batch)}
        for index, step in enumerate(steps):
            if isinstance(step, GemmStep):
                values[step.output] = _gemm_step(lowered, step, values)
            else:
                values[step.output] = _code_step(lowered, step, values)
            for name in [n for n in values if last.get(n, index) <= index and n != step.output]:
                del values[name]
        for name in names:
            collected[name].append(values[name])
    return {name: np.concatenate(parts) for name, parts in collected.items()}
