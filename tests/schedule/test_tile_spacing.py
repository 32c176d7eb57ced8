"""The rule of distances against a column of drain registers simulated cycle by cycle."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afp_hw.schedule import tile_spacing, tile_starts
from tests.schedule.drain_chain import Collision, column

ROWS = range(1, 18)


def near(rows):
    """Lengths around the limits of the rule."""
    lengths = {1, rows - 1, rows, rows + 1, 2 * rows - 2, 2 * rows - 1, 2 * rows, 3 * rows}
    return sorted(length for length in lengths if length >= 1)


@pytest.mark.parametrize("rows", ROWS)
def test_tiles_at_their_spacing_never_collide(rows):
    for steps in near(rows):
        spacing = tile_spacing(steps, rows)
        assert spacing >= steps
        seen = column(rows, [steps - 1 + tile * spacing for tile in range(6)], latency=0)
        assert len(seen) == 6 * rows


@pytest.mark.parametrize("rows", ROWS)
def test_no_smaller_constant_spacing_is_free_of_collisions(rows):
    tried = 0
    for steps in range(1, 2 * rows + 2):
        for smaller in range(steps, tile_spacing(steps, rows)):
            tried += 1
            with pytest.raises(Collision):
                column(rows, [smaller * tile for tile in range(3)], latency=0)
    assert tried or rows == 1


@pytest.mark.parametrize("rows", ROWS)
def test_every_pair_of_lengths_follows_without_collision(rows):
    lengths = [length for a in near(rows) for b in near(rows) for length in (a, b)]
    starts = list(tile_starts(lengths, rows))
    lasts = [start + steps - 1 for start, steps in zip(starts, lengths, strict=True)]
    assert len(column(rows, lasts, latency=0)) == rows * len(lengths)


def test_the_short_tile_after_a_long_one_is_padded_in_front():
    # 4 rows: a tile of one step after one of 20 has to end 5 cycles later, so it starts 4 late
    assert list(tile_starts([20, 1, 20], 4)) == [0, 24, 25]


@given(st.integers(1, 12), st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_starts_keep_order_and_do_not_overlap(rows, lengths):
    starts = list(tile_starts(lengths, rows))
    ends = [start + steps for start, steps in zip(starts, lengths, strict=True)]
    assert starts[0] == 0
    assert all(start >= end for start, end in zip(starts[1:], ends, strict=False))
    assert len(column(rows, [end - 1 for end in ends], latency=3)) == rows * len(lengths)


@given(st.integers(1, 12), st.integers(1, 40), st.integers(1, 8))
def test_equal_tiles_start_at_multiples_of_their_spacing(rows, steps, count):
    spacing = tile_spacing(steps, rows)
    expected = list(accumulate([0] + [spacing] * (count - 1)))
    assert list(tile_starts([steps] * count, rows)) == expected


@pytest.mark.parametrize(("steps", "rows"), [(0, 4), (-1, 4), (4, 0)])
def test_sizes_below_one_are_refused(steps, rows):
    with pytest.raises(ValueError, match=r"tile_spacing\.(steps|rows) must be at least 1, not "):
        tile_spacing(steps, rows)
