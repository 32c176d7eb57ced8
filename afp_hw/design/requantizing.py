"""Where the window of :class:`.WindowRequantizer` lies: its settings. ``docs/numerics.md`` 6."""

from __future__ import annotations

from afp_hw.design.design import Design
from afp_hw.formats import AFPFormat


def window_width(envelope: AFPFormat) -> int:
    """Bits of the window: those of the largest ``fix``, and one more that rounds."""
    return envelope.max_fix.bit_length() + 1


def drop_most(design: Design) -> int:
    """The largest useful `i_drop`: all of a sum lies below the bit that rounds."""
    return design.acc_width + window_width(design.out_envelope)


def drop_of(design: Design, offset: int, n_man: int) -> int:
    """Setting `i_drop` of a requantizer for ``offset = lsb_acc - lsb_y``.

    Parameters
    ----------
    design
        Of the requantizer.
    offset
        Any integer; beyond what moves the sum out of the window, more changes nothing.
    n_man
        Mantissa bits of the layer's format.
    """
    envelope = design.out_envelope
    highest = window_width(envelope) - 1 - (envelope.n_man - n_man)
    return min(max(highest - offset, 0), drop_most(design))
