"""Windows of convolutions and pools: padding and output sizes as the ONNX standard has them."""

from __future__ import annotations

from typing import Any

from afp_hw.golden import output_size
from afp_hw.network.graph import Shape
from afp_hw.network.onnx_node import Unsupported


def window_of(
    attributes: dict[str, Any], kernel: Shape, shape: Shape
) -> tuple[dict[str, Any], tuple[int, int]]:
    """Kernel, strides, pads and dilations of a 2-D window on (C, H, W), and the output's (H, W)."""
    if len(kernel) != 2 or len(shape) != 3:
        raise Unsupported(f"in {len(kernel)} dimensions")
    strides = tuple(attributes.get("strides", (1, 1)))
    dilations = tuple(attributes.get("dilations", (1, 1)))
    spans = [d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True)]
    auto = attributes.get("auto_pad", b"NOTSET").decode()
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        totals = [
            max((-(-size // stride) - 1) * stride + span - size, 0)
            for size, stride, span in zip(shape[1:], strides, spans, strict=True)
        ]
        small = [total // 2 for total in totals]
        large = [total - half for total, half in zip(totals, small, strict=True)]
        pads = (*small, *large) if auto == "SAME_UPPER" else (*large, *small)
    else:
        pads = tuple(attributes.get("pads", (0, 0, 0, 0))) if auto == "NOTSET" else (0, 0, 0, 0)
    if min(pads) < 0:
        raise Unsupported("with negative padding")
    if attributes.get("ceil_mode", 0):
        pads = _up_to_the_last_window(shape, spans, strides, pads)
    try:
        size = (
            output_size(shape[1], kernel[0], strides[0], (pads[0], pads[2]), dilations[0]),
            output_size(shape[2], kernel[1], strides[1], (pads[1], pads[3]), dilations[1]),
        )
    except ValueError as error:
        raise Unsupported("with a window larger than its input") from error
    window = {"kernel": kernel, "strides": strides, "pads": pads, "dilations": dilations}
    return window, size


def _up_to_the_last_window(
    shape: Shape, spans: list[int], strides: tuple[int, ...], pads: tuple[int, ...]
) -> tuple[int, ...]:
    """Padding (top, left, bottom, right) that ends where the last window of `ceil_mode` does.

    A window that would begin behind the input and its padding in front is left out, as
    onnxruntime and PyTorch have it.
    """
    far = []
    for axis, size in enumerate(shape[1:]):
        near, behind = pads[axis], pads[axis + 2]
        last = -(-(near + size + behind - spans[axis]) // strides[axis]) * strides[axis]
        if last >= near + size:
            last -= strides[axis]
        far.append(max(0, last + spans[axis] - near - size))
    return (*pads[:2], *far)
