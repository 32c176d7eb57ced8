"""How long runs of beats take to and from a memory of one latency. Source: :class:`.ReadDma`.

The memory gives a burst's first beat `latency` clock edges after its address, or behind the burst
before, then a beat an edge; it takes a beat each edge and answers a burst `latency` edges behind
its last.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from afp_hw.design import AcceleratorDesign


@dataclass(frozen=True, slots=True)
class MemoryTime:
    """Cycles of reads and writes over the bus of `design`.

    Parameters
    ----------
    design
        Width of a beat, lengths and number of bursts.
    latency
        Of the memory, at least 1.

    Raises
    ------
    ValueError
        `latency` is below 1; or the design's writes could be held up by it, which this model does
        not follow.
    """

    design: AcceleratorDesign
    latency: int

    def __post_init__(self) -> None:
        if self.latency < 1:
            raise ValueError(f"MemoryTime.latency must be at least 1, not {self.latency}")
        covered = (self.design.outstanding - 1) * self.design.burst
        if self.latency >= covered:
            raise ValueError(
                "AcceleratorDesign.outstanding must be such that (outstanding - 1) * burst is more "
                f"than the memory's latency, {self.latency}, not {self.design.outstanding} of "
                f"{self.design.burst}"
            )

    def read(self, beats: int) -> int:
        """Cycles from that in which a command is given to that in which it is done.

        The bursts on their way cover the latency, so beats come without a gap.
        """
        return self.latency + beats + 1

    def written(self, row_words: int, rows: int, word_bits: int) -> int:
        """Cycles from the start of a store to its last beat.

        Parameters
        ----------
        row_words, rows
            Words of a row of the image, and how many there are.
        word_bits
            Of the codes of a word, as stored.
        """
        return 1 + rows * _row(row_words, word_bits, self.design.data_width)


@lru_cache(maxsize=4096)
def _row(words: int, word_bits: int, beat_bits: int) -> int:
    """Cycles of a row: words taken one a cycle, and beats that are left then.

    Before the last word ``floor((words - 1) * word_bits / beat_bits)`` beats have left. Words wider
    than a beat wait for their beats: one cycle, and one for each.
    """
    beats = -(-words * word_bits // beat_bits)
    if word_bits >= beat_bits:
        return beats + 1
    return words + beats - (words - 1) * word_bits // beat_bits
