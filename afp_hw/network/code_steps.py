"""Steps without weights: codes that are moved, compared, or added up and rounded once; exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.formats import AFPFormat
from afp_hw.golden.pool import AVERAGE_BITS
from afp_hw.network.graph import Node
from afp_hw.network.stages import Kind
from afp_hw.network.steps import CodeStep
from afp_hw.network.stored import (
    DOUBLE_EXACT,
    SINGLE_EXACT,
    Stored,
    Sums,
    fix_table,
    integers,
    store,
)


def run_code_step(step: CodeStep, items: Sequence[Stored], fmts: Sequence[AFPFormat]) -> Stored:
    """The stored output of a step on stored inputs of these formats."""
    first = items[0]
    if step.kind is Kind.MOVE:
        return Stored(_moved(step.node, first.codes), first.lsb)
    if step.kind is Kind.MAX_POOL:
        attributes = step.node.attributes
        codes = golden.max_pool(
            first.codes,
            fmts[0],
            attributes["kernel"],
            attributes["strides"],
            attributes["pads"],
            attributes["dilations"],
        )
        return Stored(codes, first.lsb)
    assert step.requantize is not None  # all other kinds round
    axis = 1 if first.codes.ndim == 4 else -1
    if step.kind is Kind.CONCAT:
        axis = step.node.attributes["axis"] + 1
        sums = _concatenated(items, fmts, axis)
    elif step.kind is Kind.ADD:
        sums = _added(items, fmts)
    elif step.kind is Kind.AVERAGE:
        sums = _averaged(step.node, first, fmts[0])
    else:
        sums = Sums(_last(_fix(first.codes, fmts[0]), axis), first.lsb[:, None])
    codes, lsb = store(sums, step.requantize)
    return Stored(np.moveaxis(codes, -1, axis), lsb)


def _moved(node: Node, codes: NDArray[Any]) -> NDArray[Any]:
    """Codes of a flatten, pad or slice."""
    if node.op == "Flatten":
        return codes.reshape(len(codes), -1)
    if node.op == "Pad":
        sides = zip(node.attributes["before"], node.attributes["after"], strict=True)
        return np.pad(codes, ((0, 0), *sides))
    return codes[(slice(None), *(slice(*bounds) for bounds in node.attributes["slices"]))]


def _fix(codes: NDArray[Any], fmt: AFPFormat) -> NDArray[Any]:
    """Integers of codes, in floating point where that holds them."""
    table = fix_table(fmt)
    return golden.to_fix(codes, fmt) if table is None else table.take(codes)


def _last(values: NDArray[Any], axis: int) -> NDArray[Any]:
    """The same with `axis` at the end, where sums have their channels."""
    return np.moveaxis(values, axis, -1)


def _added(items: Sequence[Stored], fmts: Sequence[AFPFormat]) -> Sums:
    """Two tensors on the finer of their grids, image by image."""
    first, second = items
    lsb = np.minimum(first.lsb, second.lsb)
    shifts = [item.lsb - lsb for item in items]
    bound = sum(fmt.max_fix << int(shift.max()) for fmt, shift in zip(fmts, shifts, strict=True))
    if bound > DOUBLE_EXACT or any(fix_table(fmt) is None for fmt in fmts):
        return _added_integers(items, fmts, lsb)
    kind = np.float32 if bound <= SINGLE_EXACT else np.float64
    parts = []
    for item, fmt, shift in zip(items, fmts, shifts, strict=True):
        fix = _fix(item.codes, fmt)
        scale = np.ldexp(kind(1), shift).reshape(-1, *[1] * (fix.ndim - 1))
        parts.append(fix * scale)
    return Sums(_last(parts[0] + parts[1], 1 if parts[0].ndim == 4 else -1), lsb[:, None])


def _added_integers(
    items: Sequence[Stored], fmts: Sequence[AFPFormat], lsb: NDArray[np.int64]
) -> Sums:
    """The same for grids that lie far apart, or formats beyond floating point."""
    first, second = (golden.to_fix(item.codes, fmt) for item, fmt in zip(items, fmts, strict=True))

    def each(item: Stored, index: int) -> int:
        return int(item.lsb[index if len(item.lsb) > 1 else 0])

    sums = [
        golden.add_aligned(one, each(items[0], index), two, each(items[1], index))[0]
        for index, (one, two) in enumerate(zip(first, second, strict=True))
    ]
    values = np.stack(sums)
    return Sums(_last(values, 1 if values.ndim == 4 else -1), lsb[:, None])


def _averaged(node: Node, item: Stored, fmt: AFPFormat) -> Sums:
    """Accumulators of an average."""
    attributes, whole = node.attributes, node.op == "GlobalAveragePool"
    kernel = item.codes.shape[2:] if whole else attributes["kernel"]
    strides = 1 if whole else attributes["strides"]
    pads = 0 if whole else attributes["pads"]
    sums = golden.average_pool(golden.to_fix(item.codes, fmt), kernel, strides, pads)
    return Sums(_last(_in_floating_point(sums), 1), item.lsb[:, None] - AVERAGE_BITS)


def _in_floating_point(sums: NDArray[Any]) -> NDArray[Any]:
    """The same integers in float64 where that holds them."""
    if sums.dtype == object or max(int(sums.max()), -int(sums.min())) > DOUBLE_EXACT:
        return sums
    return sums.astype(np.float64)


def _concatenated(items: Sequence[Stored], fmts: Sequence[AFPFormat], axis: int) -> Sums:
    """Tensors one after the other along `axis`, each with its exponent."""
    parts = [_last(_fix(item.codes, fmt), axis) for item, fmt in zip(items, fmts, strict=True)]
    images = max(len(item.lsb) for item in items)
    lsbs = [
        np.broadcast_to(item.lsb[:, None], (images, part.shape[-1]))
        for item, part in zip(items, parts, strict=True)
    ]
    if any(part.dtype.kind != "f" for part in parts):
        parts = [integers(part) for part in parts]
    return Sums(np.concatenate(parts, axis=-1), np.concatenate(lsbs, axis=1))
