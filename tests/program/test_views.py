"""Views of stored tensors against NumPy: slices and pads one after the other."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from afp_hw.program.digits import signed_digits
from afp_hw.program.views import Axis

_MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("pad"), st.integers(0, 4), st.integers(0, 4), st.just(1)),
        st.tuples(st.just("slice"), st.integers(0, 5), st.integers(0, 9), st.integers(1, 3)),
    ),
    max_size=5,
)


@given(st.integers(1, 9), _MOVES, st.integers(-3, 9), st.integers(0, 9))
def test_an_axis_is_what_numpy_makes_of_it(
    size: int, moves: list[tuple[str, int, int, int]], first: int, length: int
) -> None:
    stored = np.arange(1, size + 1)
    axis, seen = Axis.whole(size), stored
    for kind, one, two, step in moves:
        if kind == "pad":
            axis, seen = axis.padded(one, two), np.pad(seen, (one, two))
        else:
            stop = min(one + two, len(seen))
            axis, seen = axis.sliced(one, max(stop, one), step), seen[one:stop:step]
    assert axis.size == len(seen)
    for element, value in enumerate(seen):
        there = axis.low <= element < axis.high
        assert (stored[axis.place(element)] if there else 0) == value
    begin, end = axis.there(first, first + length)
    wanted = [v for v in range(first, first + length + 1) if axis.low <= v < axis.high]
    assert list(range(begin, end)) == wanted


@given(st.integers(1, 1 << 17))
def test_signed_digits_add_up_and_have_no_neighbours(value: int) -> None:
    digits = signed_digits(value)
    assert sum((-1 if minus else 1) << place for place, minus in digits) == value
    places = [place for place, _ in digits]
    assert all(after - before >= 2 for before, after in itertools.pairwise(places))
    assert len(digits) <= 9
