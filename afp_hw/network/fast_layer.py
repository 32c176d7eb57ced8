"""Convolutions and linear layers in float32, every sum exact: numerics section 5.

Channels lie last in memory, so that the windows of an image unfold in long runs. A sum of integers
in float32 is exact, in whatever order, while the sum of its positive terms and that of its negative
ones are at most 2**24; where activations have no sign these are sums over weights of one sign.
Weights for which that cannot be proved are cut in two, ``w = high * 2**shift + low``, so that it
holds for both halves; they are multiplied side by side in one product and joined where the sum is
seen to lie below 2**24. Where it does not, they are joined in float64, and weights beyond that are
multiplied in float64, which is exact up to 2**53.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.formats import AFPFormat
from afp_hw.golden.conv import output_size
from afp_hw.network.steps import GemmStep
from afp_hw.network.stored import DOUBLE_EXACT, SINGLE_EXACT, Stored, Sums, fix_table

_BLOCK: Final = 1 << 20
"""Elements of an activation matrix that is unfolded at a time: 4 MiB, about a cache."""


@dataclass(frozen=True, eq=False)
class _Factor:
    """Weights that are exact in a product.

    ``matrix`` is [K, N], or [K, 2N] with the high half first and ``shift`` between the halves;
    no sum passes ``bound``, whatever the activations.
    """

    matrix: NDArray[Any]
    shift: int | None
    bound: int


def _factor(fix: NDArray[np.int64], step: GemmStep) -> _Factor | None:
    """Weights [K, N] of a layer; None where float64 does not hold its sums."""
    act_max = step.act.fmt.max_fix

    def bound(part: NDArray[np.int64]) -> int:
        if step.act.fmt.signed:
            return int(np.absolute(part).sum(axis=0).max(initial=0)) * act_max
        positive = np.maximum(part, 0).sum(axis=0)
        return int(np.maximum(positive, positive - part.sum(axis=0)).max(initial=0)) * act_max

    whole = bound(fix)
    if whole <= SINGLE_EXACT:
        return _Factor(fix.astype(np.float32), None, whole)
    for shift in range(1, int(np.absolute(fix).max()).bit_length()):
        high = (fix + (1 << (shift - 1))) >> shift
        low = fix - (high << shift)
        if max(bound(high), bound(low)) <= SINGLE_EXACT:
            return _Factor(np.concatenate([high, low], axis=1).astype(np.float32), shift, whole)
    if whole + step.init_max <= DOUBLE_EXACT:
        return _Factor(fix.astype(np.float64), None, whole)
    return None


class FastLayer:
    """One layer, prepared once for all images.

    Parameters
    ----------
    step
        The layer.

    Attributes
    ----------
    holds
        Whether this method does; else the golden functions must.
    """

    def __init__(self, step: GemmStep) -> None:
        self._step = step
        self._inits: dict[int, NDArray[Any]] = {}
        node, groups = step.node, len(step.wgt_codes)
        self._depthwise = False
        self._factor: _Factor | None = None
        self.holds = False
        fix = golden.to_fix(step.wgt_codes, step.wgt.fmt)  # [groups, K, N / groups]
        table = fix_table(step.act.fmt)
        if table is None or fix.dtype == object or step.init_max > DOUBLE_EXACT:
            return
        fix = fix.astype(np.int64)
        if node.op == "Linear":
            self._factor = _factor(fix[0], step)
        elif groups == 1:
            self._factor = _factor(_channels_last(fix[0], node), step)
        elif fix.shape[1] == np.prod(node.attributes["kernel"]) and fix.shape[2] == 1:
            self._depthwise = True
            self._factor = _factor(fix[:, :, 0].T.copy(), step)
        if self._factor is None:
            return
        self._table = table.astype(self._factor.matrix.dtype)
        self.holds = True

    def sums(self, item: Stored, skip: Stored | None, skip_fmt: AFPFormat | None) -> Iterator[Sums]:
        """Sums [B, OH, OW, N] or [B, N] of a few images at a time, in their order.

        `skip_fmt` is a format that has a :func:`.fix_table`.
        """
        skip_table = None if skip_fmt is None else fix_table(skip_fmt)
        node, codes = self._step.node, item.codes
        if node.op == "Linear":
            yield self._with_init(self._product(self._table.take(codes)), item.lsb, None)
            return
        shape = self._shape(codes.shape)
        elements = shape[0] * shape[1] * int(np.prod(node.attributes["kernel"])) * codes.shape[1]
        size = max(1, _BLOCK // max(elements, 1))
        for start in range(0, len(codes), size):
            part = slice(start, min(start + size, len(codes)))
            padded = self._padded(codes[part])
            if self._depthwise:
                products = self._taps(padded, shape)
            else:
                products = self._product(self._columns(padded, shape))
            added = None
            if skip is not None and skip_table is not None:
                added = skip_table.take(skip.codes[part].transpose(0, 2, 3, 1))
                added = added * np.ldexp(added.dtype.type(1), self._step.skip_shift)
            lsb = item.lsb if len(item.lsb) == 1 else item.lsb[part]
            yield self._with_init(products, lsb, added)

    def _shape(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Rows and columns of the output."""
        attributes = self._step.node.attributes
        top, left, bottom, right = attributes["pads"]
        high, wide = (
            output_size(size, kernel, stride, pads, dilation)
            for size, kernel, stride, pads, dilation in zip(
                shape[2:],
                attributes["kernel"],
                attributes["strides"],
                ((top, bottom), (left, right)),
                attributes["dilations"],
                strict=True,
            )
        )
        return high, wide

    def _padded(self, codes: NDArray[Any]) -> NDArray[Any]:
        """Integers of the codes, [B, H, W, C], with zeros around them."""
        top, left, bottom, right = self._step.node.attributes["pads"]
        values = self._table.take(codes.transpose(0, 2, 3, 1))
        if not (top or left or bottom or right):
            return values
        batch, high, wide, channels = values.shape
        padded = np.zeros((batch, high + top + bottom, wide + left + right, channels), values.dtype)
        padded[:, top : top + high, left : left + wide] = values
        return padded

    def _columns(self, padded: NDArray[Any], shape: tuple[int, int]) -> NDArray[Any]:
        """Windows [B, OH, OW, KH * KW * C]."""
        attributes = self._step.node.attributes
        (kernel_h, kernel_w), channels = attributes["kernel"], padded.shape[3]
        if (kernel_h, kernel_w) == (1, 1) and tuple(attributes["strides"]) == (1, 1):
            return padded
        image, row, column, channel = padded.strides
        (stride_h, stride_w), (step_h, step_w) = attributes["strides"], attributes["dilations"]
        view = np.lib.stride_tricks.as_strided(
            padded,
            (len(padded), *shape, kernel_h, kernel_w, channels),
            (image, row * stride_h, column * stride_w, row * step_h, column * step_w, channel),
            writeable=False,
        )
        return np.ascontiguousarray(view).reshape(len(padded), *shape, -1)

    def _taps(self, padded: NDArray[Any], shape: tuple[int, int]) -> NDArray[Any]:
        """Depthwise products [B, OH, OW, C], joined."""
        assert self._factor is not None  # `holds`
        attributes = self._step.node.attributes
        (stride_h, stride_w), (step_h, step_w) = attributes["strides"], attributes["dilations"]
        kernel_h, kernel_w = attributes["kernel"]
        halves = 1 if self._factor.shift is None else 2
        channels = padded.shape[3]
        parts = np.zeros((halves, len(padded), *shape, channels), padded.dtype)
        taps = self._factor.matrix.reshape(kernel_h, kernel_w, halves, channels)
        for row in range(kernel_h):
            for column in range(kernel_w):
                window = padded[
                    :,
                    row * step_h : row * step_h + (shape[0] - 1) * stride_h + 1 : stride_h,
                    column * step_w : column * step_w + (shape[1] - 1) * stride_w + 1 : stride_w,
                ]
                for half in range(halves):
                    parts[half] += window * taps[row, column, half]
        return parts[0] if halves == 1 else self._joined(parts[0], parts[1])

    def _product(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Exact products with the weights, [..., N]."""
        assert self._factor is not None  # `holds`
        flat = rows.reshape(-1, rows.shape[-1]) @ self._factor.matrix
        products = flat.reshape(*rows.shape[:-1], -1)
        if self._factor.shift is None:
            return np.asarray(products)
        half = products.shape[-1] // 2
        return self._joined(products[..., :half], products[..., half:])

    def _joined(self, high: NDArray[Any], low: NDArray[Any]) -> NDArray[Any]:
        """``high * 2**shift + low``: in float32 where no sum reaches 2**24, else in float64.

        A sum below 2**24 is exact in float32, and so is then its one rounding; one at or above
        2**24 cannot round to less.
        """
        assert self._factor is not None  # `holds`
        assert self._factor.shift is not None  # there are two halves
        joined = high * np.float32(1 << self._factor.shift)
        joined += low
        if _magnitude(joined) < SINGLE_EXACT:
            return joined
        return np.asarray(high.astype(np.float64) * (1 << self._factor.shift) + low)

    def _with_init(
        self, products: NDArray[Any], lsb: NDArray[np.int64], added: NDArray[Any] | None
    ) -> Sums:
        """Products with the initial values, and a skip tensor, added; exact."""
        init = self._init(lsb)
        if products.ndim == 4 and init.ndim == 2:
            init = init[:, None, None, :]
        lsb_wgt = np.atleast_1d(np.asarray(self._step.lsb_wgt, np.int64))
        exponent = lsb[:, None] + lsb_wgt[None, :]
        if products.dtype == np.float32 and not self._fits(products, init, added):
            products = products.astype(np.float64)
        values = products
        values += init.astype(products.dtype)
        if added is not None:
            values += added.astype(products.dtype, copy=False)
        return Sums(values, exponent)

    def _fits(self, products: NDArray[Any], init: NDArray[Any], added: NDArray[Any] | None) -> bool:
        """Whether float32 holds the sum: by proof, or by looking at the numbers."""
        assert self._factor is not None  # `holds`
        # `init_max` bounds initial value and skip tensor together (the lowering proved it).
        if self._factor.bound + self._step.init_max < SINGLE_EXACT:
            return True
        room = _magnitude(products) + float(np.absolute(init).max(initial=0))
        room += 0 if added is None else _magnitude(added)
        return room < SINGLE_EXACT

    def _init(self, lsb: NDArray[np.int64]) -> NDArray[Any]:
        """Initial values [N], or [B, N] where images differ."""
        for each in set(lsb.tolist()) - self._inits.keys():
            self._inits[each] = self._step.init_at(each)
        if len(lsb) == 1:
            return self._inits[int(lsb[0])]
        return np.stack([self._inits[each] for each in lsb.tolist()])


def _magnitude(values: NDArray[Any]) -> float:
    return max(float(values.max(initial=0)), -float(values.min(initial=0)))


def _channels_last(fix: NDArray[np.int64], node: Any) -> NDArray[np.int64]:
    """Weights [C * KH * KW, N] as [KH * KW * C, N]."""
    high, wide = node.attributes["kernel"]
    split = fix.reshape(-1, high, wide, fix.shape[1])
    return split.transpose(1, 2, 0, 3).reshape(fix.shape)
