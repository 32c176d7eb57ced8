"""Records of channels: initial values and what the requantizer is set to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.design import AcceleratorDesign, Design
from afp_hw.design.requantizing import drop_of
from afp_hw.formats import AFPFormat
from afp_hw.network.steps import Output
from afp_hw.program.tasks import Records

_FIELDS = ("init", "shift", "drop", "limit", "negative_limit")


def record_type(accelerator: AcceleratorDesign) -> Any:
    """A record as NumPy has it."""
    kinds = ("<i8", "<u2") if accelerator.wide_records else ("<i4", "u1")
    return np.dtype([(name, kinds[name != "init"]) for name in _FIELDS])


def tile_bytes(accelerator: AcceleratorDesign) -> int:
    """Bytes of the records of a column tile: whole beats."""
    used = accelerator.array.cols * accelerator.record_width // 8
    return -(-used // accelerator.beat_bytes) * accelerator.beat_bytes


def pack_records(accelerator: AcceleratorDesign, records: Records) -> bytes:
    """Records of all column tiles; those of columns without a channel are zeros."""
    columns = accelerator.array.cols
    channels = len(records.init)
    tiles = -(-channels // columns)
    table = np.zeros(tiles * columns, record_type(accelerator))
    for name in _FIELDS:
        table[name][:channels] = getattr(records, name)
    rows = table.view(np.uint8).reshape(tiles, -1)
    packed = np.zeros((tiles, tile_bytes(accelerator)), np.uint8)
    packed[:, : rows.shape[1]] = rows
    return packed.tobytes()


def records_of(
    design: Design,
    fmt: AFPFormat,
    offset: Any,
    *,
    channels: int,
    relu: bool = False,
    clip: Any = None,
    units: int = 0,
    init: NDArray[Any] | None = None,
    shift: Any = 0,
) -> Records:
    """Records of a step that stores codes.

    Parameters
    ----------
    design
        The array: its ``outs`` is the envelope.
    fmt
        Format of the output.
    offset, clip
        ``lsb_acc - lsb_y`` and the largest sum let through, as :func:`.requantize` takes them: one,
        or one for each channel.
    channels
        How many there are.
    relu
        Whether negative sums become 0.
    units
        By how many bits sums in the accelerator are further left.
    init
        Initial values in the accelerator's units; None: zeros.
    shift
        Left shift of the side operand, one or one for each channel.

    Notes
    -----
    Rounding to codes is monotone, so a clip is a limit on codes.
    """
    envelope = design.out_envelope
    offsets = np.broadcast_to(np.asarray(offset, object), channels)
    largest = _embedded(np.full(channels, (1 << fmt.magnitude_width) - 1), fmt, design)
    limit = largest
    if clip is not None:
        top = np.broadcast_to(np.maximum(np.asarray(clip, object), 0), channels)
        codes = golden.requantize(top, offsets, fmt.as_unsigned())
        limit = _embedded(codes, fmt, design)
    gone = relu or not fmt.signed or not envelope.signed
    return Records(
        np.zeros(channels, np.int64) if init is None else init,
        np.broadcast_to(np.asarray(shift, np.int64), channels),
        np.array([drop_of(design, int(each) - units, fmt.n_man) for each in offsets], np.int64),
        limit,
        np.zeros(channels, np.int64) if gone else largest,
    )


def records_of_output(
    design: Design, output: Output, channels: int, units: int, **settings: Any
) -> Records:
    """Records of a lowered step's output; `settings` as of :func:`records_of`."""
    return records_of(
        design,
        output.target.fmt,
        output.offset,
        channels=channels,
        relu=output.relu,
        clip=output.clip,
        units=units,
        **settings,
    )


def records_of_sums(init: NDArray[Any]) -> Records:
    """Records of a step whose sums leave the network."""
    nothing = np.zeros(len(init), np.int64)
    return Records(init, nothing, nothing, nothing, nothing)


def _embedded(codes: NDArray[Any], fmt: AFPFormat, design: Design) -> NDArray[Any]:
    """Magnitudes' codes in the envelope of the outputs."""
    wide = golden.embed(codes, fmt.as_unsigned(), design.out_envelope.as_unsigned())
    return np.asarray(wide, np.int64)
