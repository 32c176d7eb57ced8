"""A column of drain registers, cycle by cycle: what the closed forms are compared with.

Written from the sentence "a cell takes its own finished sum, else what the cell below holds";
shares nothing with :mod:`afp_hw.schedule`.
"""

from __future__ import annotations


class Collision(Exception):
    """A sum was overwritten by another."""


def column(rows: int, lasts: list[int], latency: int, col: int = 0) -> dict[tuple[int, int], int]:
    """Clock edge after which the sum of (tile, row) is visible at the top of a column.

    Parameters
    ----------
    rows
        Of the array.
    lasts
        For each tile, the edge that samples its last step.
    latency
        Edges from the last step at row 0, column 0 to the visible sum.
    col
        Number of the column.

    Raises
    ------
    Collision
        Two sums meet.
    """
    # The skew buffers delay row r by r cycles and column c by c.
    finished = {
        (last + row + col, row): (tile, row)
        for tile, last in enumerate(lasts)
        for row in range(rows)
    }
    chain: list[tuple[int, int] | None] = [None] * rows
    seen = {}
    for edge in range(min(lasts), max(lasts) + 2 * rows + col + 1):
        after = []
        for row in range(rows):
            own = finished.get((edge, row))
            below = chain[row + 1] if row + 1 < rows else None
            if own is not None and below is not None:
                raise Collision(f"edge {edge}, row {row}: {own} and {below}")
            after.append(own if own is not None else below)
        chain = after
        if chain[0] is not None:
            seen[chain[0]] = edge + latency
    return seen
