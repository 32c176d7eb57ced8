"""The one description of an accelerator: an array, its buffers and its buses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from afp_hw.design.design import Design
from afp_hw.formats import AFPFormat

DATA_WIDTHS: Final = (64, 128, 256)
"""Widths of the AXI data bus, bits."""

SUM_CYCLES: Final = 4
"""Fewest cycles from one reading of a word of the accumulator memory to the next."""

PAGE_BYTES: Final = 4096
"""An AXI burst must not cross a multiple of this."""

MOST_ALIGN: Final = 16
"""Most bits by which the grids of a layer's channels may differ, where they are dynamic."""

_SIZES: Final = {
    "act_bytes": (64, 1 << 24),
    "wgt_bytes": (64, 1 << 24),
    "side_bytes": (64, 1 << 24),
    "out_words": (4, 1 << 20),
    "pixels": (4, 1 << 16),
    "channel_tiles": (1, 1 << 12),
    "outstanding": (1, 64),
    "burst": (1, 256),
}


@dataclass(frozen=True, slots=True)
class AcceleratorDesign:
    """Parameters of an accelerator, validated, and the widths that follow from them.

    Parameters
    ----------
    array
        The array and its processing elements: both operands AFP, ``segments`` none.
    data_width
        Bits of the AXI data bus: 64, 128 or 256.
    act_bytes, wgt_bytes, side_bytes
        Bytes of one of the two banks of the activation, weight and side buffers, powers of two. The
        side buffer holds what is not multiplied: skip tensors, and the operands of pooling and
        addition. Bytes are packed: a tensor takes in a buffer what it takes in memory.
    out_words
        Words of one of the two banks of the output buffer, a power of two; a word holds one code
        per column.
    pixels
        Words of the accumulator memory: the most output pixels of one descriptor with weights
        stationary, or of a step without weights.
    channel_tiles
        Column tiles whose records one bank of the record memory holds, a power of two.
    outstanding
        Bursts that may be on their way at a time, each of reads and of writes.
    burst
        Beats of a burst, a power of two, at most a page of 4 KiB.
    dynamic
        Whether networks with dynamic grids run: tensors are stored as words that wait for their
        grid, and become codes where they are read. The array's `outs` must be its `acts` then.

    Raises
    ------
    TypeError, ValueError
        A parameter is of the wrong kind or out of range.
    """

    array: Design
    data_width: int = 128
    act_bytes: int = 16384
    wgt_bytes: int = 32768
    side_bytes: int = 16384
    out_words: int = 1024
    pixels: int = 512
    channel_tiles: int = 64
    outstanding: int = 8
    burst: int = 16
    dynamic: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.array, Design):
            raise TypeError(f"AcceleratorDesign.array must be a Design, not {self.array!r}")
        self._check_array()
        if self.data_width not in DATA_WIDTHS:
            raise ValueError(
                f"AcceleratorDesign.data_width must be 64, 128 or 256, not {self.data_width!r}"
            )
        if not isinstance(self.dynamic, bool):
            raise TypeError(f"AcceleratorDesign.dynamic must be a bool, not {self.dynamic!r}")
        if self.dynamic and self.array.outs != self.array.acts:
            raise ValueError(
                "AcceleratorDesign.outs must be acts where grids are dynamic, not "
                f"{str(self.array.outs)!r} beside {str(self.array.acts)!r}"
            )
        for name, (least, most) in _SIZES.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"AcceleratorDesign.{name} must be an integer, not {value!r}")
            if not least <= value <= most:
                raise ValueError(
                    f"AcceleratorDesign.{name} must be in {least}..{most}, not {value!r}"
                )
        for name in ("act_bytes", "wgt_bytes", "side_bytes", "out_words", "channel_tiles"):
            if getattr(self, name) & (getattr(self, name) - 1):
                raise ValueError(
                    f"AcceleratorDesign.{name} must be a power of two, not {getattr(self, name)}"
                )
        if self.burst & (self.burst - 1) or self.burst * self.beat_bytes > PAGE_BYTES:
            raise ValueError(
                "AcceleratorDesign.burst must be a power of two of at most "
                f"{PAGE_BYTES // self.beat_bytes} beats of {self.data_width} bits, "
                f"not {self.burst!r}"
            )

    def _check_array(self) -> None:
        array = self.array
        for name in ("weights", "acts", "outs"):
            if not isinstance(getattr(array, name), AFPFormat):
                raise ValueError(
                    f"AcceleratorDesign.{name} must be AFP, not {str(getattr(array, name))!r}"
                )
        if array.segments:
            raise ValueError(
                "AcceleratorDesign.segments must be none: partial sums pass through the "
                f"accumulators, not {list(array.segments)!r}"
            )
        if array.group % array.cols:
            raise ValueError(
                "AcceleratorDesign.cols must divide rows * lanes, not be "
                f"{array.cols} of {array.group}"
            )
        if not array.init_bound:
            raise ValueError("AcceleratorDesign.init_max must be at least 1, not 0")

    # Memory

    @property
    def beat_bytes(self) -> int:
        """Bytes of a beat on the data bus."""
        return self.data_width // 8

    @property
    def group(self) -> int:
        """Activation codes that the array takes at once: rows * lanes."""
        return self.array.group

    def word_width(self, codes_width: int) -> int:
        """Bits of a buffer's word: the fewest beats, a power of two, that hold `codes_width` bits.

        Two neighbouring words hold so many bits wherever they begin.
        """
        width = self.data_width
        while width < codes_width:
            width *= 2
        return width

    @property
    def act_word(self) -> int:
        """Bits of a word of the activation buffer."""
        return self.word_width(self.group * self.stored_width)

    @property
    def wgt_word(self) -> int:
        """Bits of a word of the weight buffer."""
        array = self.array
        return self.word_width(array.cols * array.lanes * array.afp_weights.width)

    @property
    def side_word(self) -> int:
        """Bits of a word of the side buffer."""
        return self.word_width(self.array.cols * self.stored_width)

    # Dynamic grids

    @property
    def place_width(self) -> int:
        """Bits of the place of a leading one, plus 1, in a word that waits for its grid.

        Sums of channels with a coarser grid lie up to :data:`MOST_ALIGN` bits further left.
        """
        return (self.array.acc_width + MOST_ALIGN).bit_length()

    @property
    def waiting_width(self) -> int:
        """Bits of a word that waits for its grid: sign, place, ``n_man + 2`` bits behind it."""
        acts = self.array.afp_acts
        return acts.signed + self.place_width + acts.n_man + 2

    @property
    def stored_width(self) -> int:
        """Most bits in which a tensor stores a number."""
        width = self.array.afp_acts.width
        return max(width, self.waiting_width) if self.dynamic else width

    # Parameters of channels

    @property
    def wide_records(self) -> bool:
        """Whether a channel's record has 128 bits, not 64."""
        return self.array.init_width > 32 or self.array.out_envelope.magnitude_width > 8

    @property
    def record_width(self) -> int:
        """Bits of a channel's record."""
        return 128 if self.wide_records else 64

    # Cycles

    @property
    def least_slots(self) -> int:
        """Fewest cycles from the first pixel of a chunk to that of the next.

        Weights of the next chunk need ``rows`` cycles to enter; the accumulator memory needs
        `SUM_CYCLES`, which is all that a step without weights waits for.
        """
        return max(self.array.rows, SUM_CYCLES)
