"""How far apart tiles must follow one another through an array.

Finished sums leave a column upwards, through one drain register per row, while the next tile is
reduced. The tile whose last step is sampled at edge t puts the sum of row r into the chain at
``t + r`` (up to a constant), and that sum passes row r' < r at ``t + 2*r - r'``. So a tile that
ends S cycles later collides where ``S = 2*(r - r')``: for even S up to ``2*rows - 2``. Odd S never
collides with the tile before, but two of them in a row add up to an even distance, which has to be
``2*rows`` or more: each at least ``rows``. This gives the rule

    S >= 2*rows - 1, or S odd and S >= rows

It needs no memory of earlier tiles. No smaller constant distance is free of collisions for three
tiles or more. The distance is that of the last steps, so it binds the following tile: the one that
is short is padded, in front of its first step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def tile_spacing(steps: int, rows: int) -> int:
    """Least distance, in cycles, of the last step of a tile from that of the tile before.

    Parameters
    ----------
    steps
        Reduction steps of the following tile, at least 1.
    rows
        Of the array, at least 1.

    Raises
    ------
    ValueError
        An argument is below 1.
    """
    for name, value in (("steps", steps), ("rows", rows)):
        if value < 1:
            raise ValueError(f"tile_spacing.{name} must be at least 1, not {value!r}")
    if steps >= 2 * rows - 1:
        return steps
    return max(steps, rows) | 1


def tile_starts(steps: Sequence[int], rows: int) -> Iterator[int]:
    """Clock edges of the first steps of tiles of unequal lengths that follow one another closely.

    Parameters
    ----------
    steps
        Reduction steps of each tile.
    rows
        Of the array.

    Yields
    ------
    int
        For each tile, the edge that samples its first step; the first tile's is 0.

    Raises
    ------
    ValueError
        A number is below 1.
    """
    last = None
    for count in steps:
        distance = tile_spacing(count, rows)
        last = count - 1 if last is None else last + distance
        yield last - count + 1
