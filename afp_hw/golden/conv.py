"""Convolution as a matrix product: the unfolding of images (im2col), exact for any dtype."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pair = int | Sequence[int]


def output_size(
    size: int, kernel: int, stride: int = 1, padding: tuple[int, int] = (0, 0), dilation: int = 1
) -> int:
    """Positions of a window along one axis of `size` elements, padded before and after.

    Raises
    ------
    ValueError
        The window is larger than the padded axis.
    """
    span = dilation * (kernel - 1) + 1
    padded = size + padding[0] + padding[1]
    if span > padded:
        raise ValueError(f"output_size.kernel must span at most {padded} elements, not {span}")
    return (padded - span) // stride + 1


def windows(
    images: NDArray[Any],
    kernel: Pair,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
    fill: int = 0,
) -> NDArray[Any]:
    """Read-only view ``[B, C, OH, OW, KH, KW]`` of every window of `images` ``[B, C, H, W]``.

    `padding` is one number, ``(height, width)`` or ``(top, left, bottom, right)``; padded positions
    hold `fill`. The other arguments are one number or ``(height, width)``.

    Raises
    ------
    ValueError
        `images` has not four axes, an argument is out of range, or the window is too large.
    """
    if images.ndim != 4:
        raise ValueError(f"windows.images must be [B, C, H, W], not {images.shape}")
    kernel_h, kernel_w = pair("kernel", kernel, 1)
    stride_h, stride_w = pair("stride", stride, 1)
    dilation_h, dilation_w = pair("dilation", dilation, 1)
    top, left, bottom, right = sides(padding)
    high, wide = images.shape[2:]
    output_size(high, kernel_h, stride_h, (top, bottom), dilation_h)
    output_size(wide, kernel_w, stride_w, (left, right), dilation_w)
    if top or left or bottom or right:
        shape = (*images.shape[:2], high + top + bottom, wide + left + right)
        padded = np.full(shape, fill, images.dtype)
        padded[:, :, top : top + high, left : left + wide] = images
        images = padded
    span = (dilation_h * (kernel_h - 1) + 1, dilation_w * (kernel_w - 1) + 1)
    view = np.lib.stride_tricks.sliding_window_view(images, span, axis=(2, 3))
    return view[:, :, ::stride_h, ::stride_w, ::dilation_h, ::dilation_w]


def im2col(
    images: NDArray[Any],
    kernel: Pair,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> NDArray[Any]:
    """Rows of a matrix product from the windows of `images`: ``[B*OH*OW, C*KH*KW]``.

    Parameters
    ----------
    images
        ``[B, C, H, W]``, codes or fix, any dtype; padded with 0.
    kernel, stride, dilation
        One number or ``(height, width)``.
    padding
        One number, ``(height, width)`` or ``(top, left, bottom, right)`` (the order of ONNX).
    groups
        Groups of channels. More than one gives ``[groups, B*OH*OW, C/groups*KH*KW]``.

    Returns
    -------
    A new array of the dtype of `images`. Columns are ordered C, KH, KW, so that for weights
    ``[O, C, KH, KW]`` the product is ``gemm(im2col(x, ...), weights.reshape(O, -1).T)``, rows
    ordered B, OH, OW. It is stored column by column, which copies in long runs and which BLAS reads
    as well.

    Raises
    ------
    ValueError
        As :func:`windows`; or `groups` does not divide C.
    """
    view = windows(images, kernel, stride, padding, dilation)
    batch, channels, out_h, out_w, kernel_h, kernel_w = view.shape
    if groups < 1 or channels % groups:
        raise ValueError(f"im2col.groups must divide {channels} channels, not {groups!r}")
    unfolded = np.array(view.transpose(1, 4, 5, 0, 2, 3), order="C")
    rows, depth = batch * out_h * out_w, channels // groups * kernel_h * kernel_w
    if groups == 1:
        return unfolded.reshape(depth, rows).T
    return unfolded.reshape(groups, depth, rows).transpose(0, 2, 1)


def pair(name: str, value: Pair, least: int) -> tuple[int, int]:
    """``(height, width)`` from one number or two, each at least `least`."""
    items = _integers(value)
    two = items * 2 if len(items) == 1 else items
    if len(two) != 2 or min(two) < least:
        raise ValueError(f"windows.{name} must be one or two integers >= {least}, not {value!r}")
    return two[0], two[1]


def sides(value: Pair) -> tuple[int, int, int, int]:
    """``(top, left, bottom, right)`` from one, two or four numbers."""
    items = _integers(value)
    four = items * (4 // len(items)) if len(items) in (1, 2) else items
    if len(four) != 4 or min(four) < 0:
        raise ValueError(f"windows.padding must be one, two or four integers >= 0, not {value!r}")
    return four[0], four[1], four[2], four[3]


def _integers(value: Pair) -> tuple[int, ...]:
    """The integers given, one or several."""
    if isinstance(value, Sequence):
        return tuple(index(item) for item in value)
    return (index(value),)
