"""Bayesian search: the same again with a seed, better than chance, and no point twice."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afp_hw.explore.configuration import digest_of
from afp_hw.explore.pareto import front
from afp_hw.explore.space import Space
from afp_hw.explore.space_file import parse_space
from afp_hw.explore.store import Store
from afp_hw.explore.strategies import Bayesian, Listed, random_points, strategy_of
from tests.explore.sweeps import space_of, swept

Axes = dict[str, Any]
VALUES = list(range(1, 13))


def searched(points: int, seed: int, axes: str = "", strategy: str = "bayesian") -> Space:
    axes = axes or f"rows = {VALUES}\ncols = {VALUES}\nlanes = {VALUES}\nlatency = {VALUES}"
    top = f'strategy = "{strategy}"\npoints = {points}\nseed = {seed}\n'
    return parse_space(f'{top}metrics = ["area", "cycles"]\n[axes]\n{axes}\n', "s")


def measure(axes: Axes) -> dict[str, float]:
    """Two objectives at odds, of which two of four axes only make both worse."""
    waste = (axes["lanes"] - 7) ** 2 + (axes["latency"] - 3) ** 2
    return {
        "area_um2": float(axes["rows"] ** 2 + axes["cols"] + 4 * waste),
        "cycles": 144.0 / axes["rows"] + 4 * waste + abs(axes["cols"] - 2),
    }


def walk(
    strategy: Any, measured: Callable[[Axes], dict[str, Any]] = measure
) -> list[tuple[Axes, dict[str, Any]]]:
    found = []
    for batch in strategy.batches():
        results = [measured(axes) for axes in batch]
        found += list(zip(batch, results, strict=True))
        strategy.tell(results)
    return found


def volume(results: list[dict[str, Any]], reference: tuple[float, float]) -> float:
    """Area that a front of two objectives dominates, up to a reference."""
    values = np.array([[r["area_um2"], r["cycles"]] for r in results])
    values = values[(values < reference).all(axis=1)]
    best = values[front(values)]
    total, height = 0.0, reference[1]
    for area, cycles in best[np.argsort(best[:, 0])]:
        total += (reference[0] - area) * max(height - cycles, 0.0)
        height = min(height, cycles)
    return total


def test_a_space_names_its_strategy() -> None:
    grid = strategy_of(parse_space("[axes]\nrows = [1, 2]", "s"))
    assert isinstance(grid, Listed)
    assert [len(batch) for batch in grid.batches()] == [2]
    chance = searched(5, 0, strategy="random")
    assert list(strategy_of(chance).batches()) == [random_points(chance)]
    assert isinstance(strategy_of(searched(5, 0)), Bayesian)


def test_a_seed_gives_the_same_points_again_and_another_one_others() -> None:
    one, again, other = (walk(Bayesian(searched(40, seed))) for seed in (1, 1, 2))
    assert one == again
    assert [axes for axes, _ in one] != [axes for axes, _ in other]


@pytest.mark.parametrize("points", [1, 7, 8, 33])
def test_as_many_points_as_asked_for_and_none_twice(points: int) -> None:
    found = walk(Bayesian(searched(points, 3)))
    assert len(found) == len({digest_of(axes) for axes, _ in found}) == points


def test_a_small_space_is_looked_at_as_a_whole() -> None:
    space = searched(50, 0, "rows = [1, 2, 3]\ncols = [1, 2, 3]\nlanes = 7\nlatency = 3")
    found = walk(Bayesian(space))
    assert {digest_of(axes) for axes, _ in found} == {digest_of(axes) for axes in space.grid()}
    single = searched(50, 0, "rows = 2")
    assert [axes for axes, _ in walk(Bayesian(single), lambda axes: {})] == list(single.grid())


def test_a_rival_is_suggested_once() -> None:
    axes = 'formats = ["int8", "fp16"]\nbits = [3, 4, 5, 6]\ntune = [true, false]'
    found = walk(Bayesian(searched(20, 0, axes)), lambda axes: {"area_um2": 1.0, "cycles": 1.0})
    assert [axes["formats"] for axes, _ in found] in (["int8", "fp16"], ["fp16", "int8"])


def test_what_it_is_told_decides_where_it_looks() -> None:
    """Told the contrary, it goes elsewhere."""
    space = searched(48, 5)
    one = walk(Bayesian(space))
    other = walk(Bayesian(space), lambda axes: {k: -v for k, v in measure(axes).items()})
    assert one[0][0] == other[0][0]
    assert [axes for axes, _ in one] != [axes for axes, _ in other]


def test_points_that_cannot_be_built_do_not_stop_it() -> None:
    def measured(axes: Axes) -> dict[str, Any]:
        return {} if axes["rows"] % 2 else measure(axes)

    found = walk(Bayesian(searched(40, 0)), measured)
    assert len(found) == 40
    assert walk(Bayesian(searched(16, 0)), lambda axes: {})[15][1] == {}


def test_points_that_miss_their_clock_are_not_what_it_looks_for() -> None:
    """All but one value of an axis are late: it asks for that one more than chance does."""

    def late(axes: Axes) -> dict[str, Any]:
        return {**measure(axes), "meets_clock": axes["rows"] == 7}

    space = searched(60, 3, f"rows = {VALUES}\ncols = {VALUES}")
    found = [axes["rows"] for axes, _ in walk(Bayesian(space), late)]
    assert found.count(7) > 2 * len(found) / len(VALUES)


def test_it_finds_a_better_front_than_chance() -> None:
    reference = (400.0, 400.0)
    searches, chances = [], []
    for seed in range(4):
        searches.append(volume([r for _, r in walk(Bayesian(searched(64, seed)))], reference))
        chance = random_points(searched(64, seed, strategy="random"))
        chances.append(volume([measure(axes) for axes in chance], reference))
    assert min(searches) > max(chances), (searches, chances)
    best = volume([measure(axes) for axes in searched(1, 0).grid()], reference)
    assert best > max(searches)
    assert np.mean(searches) > (best + np.mean(chances)) / 2


def test_a_killed_search_comes_to_the_same_points(traces: Path, tmp_path: Path) -> None:
    """It is walked again from the start with what the store has."""
    top = 'strategy = "bayesian"\npoints = 20\nseed = 4\nobjectives = ["cycles", "bytes_moved"]'
    space = space_of(VALUES, VALUES, top)
    whole, cut = tmp_path / "whole.sqlite", tmp_path / "cut.sqlite"
    assert swept(whole, space).computed == 21

    done = 0

    class Stopped(Exception):
        """In the midst."""

    def stop(known: int, total: int) -> None:
        nonlocal done
        done = known
        if known == 14:
            raise Stopped

    with pytest.raises(Stopped):
        swept(cut, space, report=stop)
    assert done == 14
    tally = swept(cut, space)
    assert (tally.known, tally.computed) == (14, 7)
    with Store(whole) as one, Store(cut) as other:
        assert one.content_digest() == other.content_digest()
        ((_, document),) = one.sweeps()
        assert document["space"]["strategy"] == "bayesian"
    assert math.prod(map(len, space.axes.values())) == 144
