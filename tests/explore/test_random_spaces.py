"""Spaces at random: a grid has each point once, and neither order nor chance changes it."""

from __future__ import annotations

import itertools
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from afp_hw.explore.axes import AXES
from afp_hw.explore.configuration import canonical, digest_of
from afp_hw.explore.space import Space
from afp_hw.explore.space_file import parse_space
from afp_hw.explore.strategies import random_points

FORMATS = st.sampled_from(["e2m1", "e3m1", "e3m1/e3m2", "int4", "int8", "fp16", "bf16"])
SOME_AXES: dict[str, st.SearchStrategy[Any]] = {
    "formats": FORMATS,
    "bits": st.one_of(st.just("none"), st.integers(2, 8)),
    "tune": st.booleans(),
    "rows": st.integers(1, 5),
    "cols": st.integers(1, 5),
    "registers": st.lists(st.sampled_from(["product", "sum"]), max_size=3),
    "decode": st.sampled_from(["pe", "edge"]),
    "clock_ns": st.sampled_from([1, 2.5, 10]),
}
SPACES = st.fixed_dictionaries(
    {},
    optional={
        name: st.lists(values, min_size=1, max_size=3 if name != "registers" else 2)
        for name, values in SOME_AXES.items()
    },
)


def written(axes: str, top: str) -> Space:
    return parse_space(f"{top}\n[axes]\n{axes}\n", "s")


def toml(axes: dict[str, list[Any]], top: str = "") -> str:
    lines = [f"{name} = {json.dumps(values)}" for name, values in axes.items()]
    return "\n".join([top, "[axes]", *lines])


@given(SPACES)
def test_a_grid_has_every_combination_and_none_twice(axes: dict[str, list[Any]]) -> None:
    space = parse_space(toml(axes), "s")
    points = list(space.grid())
    digests = [digest_of(point) for point in points]
    assert len(set(digests)) == len(digests)
    combinations = itertools.product(*axes.values())
    read = {name: AXES[name].value for name in axes}
    expected = {
        digest_of(canonical({n: read[n](v) for n, v in zip(axes, values, strict=True)}))
        for values in combinations
    }
    assert set(digests) == expected


@given(SPACES, st.randoms(use_true_random=False))
def test_points_do_not_depend_on_the_order_of_axes(axes: dict[str, list[Any]], random: Any) -> None:
    names = list(axes)
    random.shuffle(names)
    shuffled = {name: axes[name] for name in names}
    top = 'strategy = "random"\npoints = 5\nseed = 9'
    for of in ("", top):
        one, other = parse_space(toml(axes, of), "s"), parse_space(toml(shuffled, of), "s")
        assert list(one.grid()) == list(other.grid())
        if of:
            assert random_points(one) == random_points(other)


@given(SPACES, st.integers(1, 12), st.integers(0, (1 << 32) - 1))
def test_random_points_are_distinct_in_the_grid_and_the_same_with_a_seed(
    axes: dict[str, list[Any]], points: int, seed: int
) -> None:
    text = toml(axes, f'strategy = "random"\npoints = {points}\nseed = {seed}')
    space = parse_space(text, "s")
    found = random_points(space)
    digests = {digest_of(point) for point in found}
    grid = {digest_of(point) for point in space.grid()}
    assert len(digests) == len(found) <= points
    assert digests <= grid
    if space.size <= 8 * points:  # looked at as a whole
        assert len(found) == min(points, len(grid))
    assert random_points(parse_space(text, "s")) == found


def test_another_seed_gives_other_points() -> None:
    axes = "rows = [1, 2, 3, 4, 5, 6, 7, 8]\ncols = [1, 2, 3, 4, 5, 6, 7, 8]"
    found = {
        digest_of(random_points(written(axes, f'strategy = "random"\npoints = 4\nseed = {seed}')))
        for seed in range(20)
    }
    assert len(found) == 20


def test_random_points_are_spread_evenly() -> None:
    """Each value of two axes about as often as any: counts within five standard deviations."""
    axes = f"rows = {list(range(1, 65))}\ncols = {list(range(1, 65))}"
    points = random_points(written(axes, 'strategy = "random"\npoints = 400\nseed = 1'))
    assert len(points) == 400
    low = sum(point["rows"] <= 32 for point in points)
    assert abs(low - 200) < 5 * 10
