"""What leaves the column edges of the interpreter: codes, or slices of exact sums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.design import AcceleratorDesign, Design
from afp_hw.design.descriptor import OutputKind
from afp_hw.design.requantizing import window_width
from afp_hw.formats import AFPFormat
from afp_hw.program.interpreter_grids import words_of
from afp_hw.program.interpreter_sums import format_of

Descriptor = Mapping[str, int]


def leaving(
    descriptor: Descriptor,
    accelerator: AcceleratorDesign,
    sums: NDArray[Any],
    records: NDArray[Any],
) -> Iterator[NDArray[np.uint32]]:
    """Words [pixels, cols] of a column tile, slice by slice.

    Parameters
    ----------
    descriptor, accelerator
        How they leave, and what.
    sums
        [pixels, cols].
    records
        Of the columns.

    Raises
    ------
    ValueError
        Words leave where grids are static, or codes of a format that the envelope does not hold.
    """
    design = accelerator.array
    if descriptor["output"] == OutputKind.SUMS:
        bits = descriptor["out_bits"]
        whole = sums & ((1 << design.acc_width) - 1)
        for part in range(descriptor["extra_chunks"] + 1):
            yield np.asarray(whole >> part * bits & (1 << bits) - 1, np.uint32)
    elif descriptor["output"] == OutputKind.CODES:
        yield _codes(descriptor, design, sums, records)
    elif descriptor["output"] == OutputKind.WORDS and accelerator.dynamic:
        align = records["drop"].astype(np.int64)
        yield words_of(accelerator, sums, align, relu=bool(descriptor["relu"]))
    else:
        raise ValueError(f"descriptor.output must be codes or sums, not {descriptor['output']}")


def _codes(
    descriptor: Descriptor, design: Design, sums: NDArray[Any], records: NDArray[Any]
) -> NDArray[np.uint32]:
    """Codes in the layer's own format, by the settings that ``WindowRequantizer`` takes."""
    envelope = design.out_envelope
    fmt = format_of(descriptor, "out")
    if not envelope.holds(fmt):
        raise ValueError(f"descriptor.out must be a format that {envelope} holds, not {fmt}")
    narrow = envelope.n_man - fmt.n_man
    offset = window_width(envelope) - 1 - narrow - records["drop"].astype(np.int64)
    wide = AFPFormat(envelope.n_exp, fmt.n_man)
    codes = golden.requantize(sums, offset[None], wide).astype(np.int64)
    negative = sums < 0
    limits = np.where(negative, records["negative_limit"], records["limit"]).astype(np.int64)
    magnitude = codes & ((1 << wide.magnitude_width) - 1)
    magnitude = np.minimum(magnitude << narrow, limits) >> narrow
    sign = np.where(negative & (magnitude != 0), 1, 0) * fmt.signed
    return np.asarray(magnitude | sign << fmt.magnitude_width, np.uint32)
