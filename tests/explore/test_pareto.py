"""The Pareto front against the definition, pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from afp_hw.explore.pareto import front

POINTS = st.integers(1, 4).flatmap(
    lambda n: st.lists(st.lists(st.integers(-3, 3), min_size=n, max_size=n), max_size=25).map(
        lambda rows: np.array(rows, dtype=np.float64).reshape(-1, n)
    )
)


def dominated(values: NDArray[np.floating], index: int) -> bool:
    """By the definition: another one is nowhere larger and somewhere smaller."""
    return any(
        all(a <= b for a, b in zip(other, values[index], strict=True))
        and any(a < b for a, b in zip(other, values[index], strict=True))
        for other in values.tolist()
    )


@given(POINTS)
def test_the_front_is_what_nothing_dominates(values: NDArray[np.floating]) -> None:
    expected = [not dominated(values, index) for index in range(len(values))]
    assert front(values).tolist() == expected


@given(POINTS)
def test_every_other_point_is_beaten_by_one_of_the_front(values: NDArray[np.floating]) -> None:
    mask = front(values)
    best = values[mask]
    for row in values[~mask]:
        assert ((best <= row).all(axis=1) & (best < row).any(axis=1)).any()


def test_equal_points_stand_on_the_front_together() -> None:
    values = np.array([[1.0, 2.0], [1.0, 2.0], [2.0, 2.0], [0.0, 3.0]])
    assert front(values).tolist() == [True, True, False, True]


def test_infinity_is_a_value() -> None:
    assert front(np.array([[np.inf, 0.0], [1.0, 1.0], [np.inf, 1.0]])).tolist() == [
        True,
        True,
        False,
    ]


def test_many_points_take_no_table_of_pairs() -> None:
    values = np.random.default_rng(0).random((20_000, 2))
    best = values[front(values)]
    order = np.argsort(best[:, 0])
    assert (np.diff(best[order, 1]) < 0).all()
    assert 5 < len(best) < 40


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (np.zeros(3), r"^front\.values must be \[points, objectives\], not \(3,\)$"),
        (np.zeros((3, 0)), r"^front\.values must be \[points, objectives\], not \(3, 0\)$"),
        (np.array([[np.nan, 1.0]]), r"^front\.values must be numbers, not NaN$"),
    ],
)
def test_what_is_no_table_of_numbers_is_refused(
    values: NDArray[np.floating], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        front(values)
