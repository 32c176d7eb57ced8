"""Searched elements: measured ones only, the best of them, and the Pareto set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from afp_hw.compare import evaluate, mapping
from afp_hw.compare.evaluate import Evaluator
from afp_hw.compare.operands import Codes, Matrices, content
from afp_hw.compare.optimise import OBJECTIVES, Search, optimise
from afp_hw.compare.point import Energy, Mapped, Point, pareto
from afp_hw.compare.space import axes, start
from afp_hw.design import Design
from afp_hw.formats import parse_number
from afp_hw.synth import Operands, Technology


def point(area: float, energy: float, delay: float, *, lanes: int = 1) -> Point:
    """A point with these figures of one MAC."""
    mapped = Mapped(
        f"pe_{area}_{energy}", "ripple", lanes, area * lanes, 0, 0, delay, "tables", "key"
    )
    return Point(("e3m1", "e3m1"), {}, mapped, Energy(0, energy, 0, 0, {}, 1, 1), "", delay <= 5)


def test_the_pareto_set_is_what_nothing_beats() -> None:
    rng = np.random.default_rng(5)
    points = [point(*row) for row in rng.integers(1, 9, (60, 3)).astype(float).tolist()]
    found = pareto(points)

    def beats(a: Point, b: Point) -> bool:
        mine, other = ([p.measure(name) for name in ("area", "energy", "speed")] for p in (a, b))
        return mine != other and all(x <= y for x, y in zip(mine, other, strict=True))

    for candidate in points:
        beaten = any(beats(other, candidate) for other in points)
        same = [
            p for p in found
            if all(p.measure(n) == candidate.measure(n) for n in ("area", "energy", "speed"))
        ]  # fmt: skip
        assert len(same) == (0 if beaten else 1)
    assert [p.area_um2 for p in found] == sorted(p.area_um2 for p in found)


def test_the_best_meets_the_clock_where_any_does() -> None:
    small_but_late, large, cool = point(1, 1, 6), point(9, 5, 4), point(10, 4, 3)
    search = Search("area", [small_but_late, large, cool])
    assert search.best() is large
    assert search.best("energy") is cool
    assert search.best("product") is cool
    assert Search("area", [small_but_late, point(1, 1, 7)]).best() is small_but_late


def test_lanes_share_an_area() -> None:
    assert point(10, 1, 1, lanes=4).area_um2 == 10


@pytest.mark.parametrize(
    ("fmt", "lanes"), [("e3m1", 1), ("e3m0", 1), ("int8", 1), ("e2m1", 2), ("int4", 4), ("e4m3", 8)]
)
def test_every_combination_of_options_is_a_design(fmt: str, lanes: int) -> None:
    number = parse_number(fmt)
    first = start(Design(number, number, k=64, lanes=lanes))
    names = [name for name, _ in axes(first)]
    for values in product(*(choices for _, choices in axes(first))):
        options = dict(zip(names, values, strict=True))
        assert Design(number, number, k=64, lanes=lanes, **options).lanes == lanes


@pytest.fixture(scope="module")
def evaluator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evaluator]:
    """Real operands of half zeros, and an empty cache of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AFP_HW_CACHE", str(tmp_path_factory.mktemp("cache")))
        rng = np.random.default_rng(1)
        act = rng.normal(size=(6, 24)) * (rng.random((6, 24)) < 0.5)
        found = Evaluator(
            Technology.sky130(), 6.0, Matrices("normal", act, rng.normal(size=(24, 6))), jobs=2
        )
        with closing(found):
            yield found


@pytest.fixture(scope="module")
def search(evaluator: Evaluator) -> Search:
    fmt = parse_number("e1m1")
    return optimise(Design(fmt, fmt, k=24), evaluator, "product")


@pytest.mark.slow
def test_a_search_measures_and_checks(search: Search) -> None:
    assert len(search.points) > 8
    for item in search.points:
        assert item.energy.checked >= 36  # each result once or twice
        assert item.energy.macs == 36 * 24
        assert 0 < item.energy.zero_delay_fj <= item.energy.glitch_fj
    best = search.best()
    assert best.meets
    assert best.measure("product") == min(p.measure("product") for p in search.points if p.meets)
    assert any(not p.options["gate_zeros"] for p in search.points)
    assert {p.options["registers"] == [] for p in search.points} == {True, False}


@pytest.mark.slow
def test_each_objective_is_on_the_front_or_equalled_there(search: Search) -> None:
    for name in OBJECTIVES:
        value = search.best(name).measure(name)
        assert min(p.measure(name) for p in search.front if p.meets) == pytest.approx(value)


@pytest.mark.slow
def test_a_repeated_search_computes_nothing(
    evaluator: Evaluator, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapping, "synthesize", None)
    monkeypatch.setattr(evaluate, "measure_energies", None)
    fmt = parse_number("e1m1")
    again = optimise(Design(fmt, fmt, k=24), evaluator, "product")
    assert again.points == search.points


@pytest.mark.slow
def test_codes_are_operands_as_they_are(search: Search, evaluator: Evaluator) -> None:
    fmt = parse_number("e1m1")
    design = Design(fmt, fmt, k=24)
    operands = evaluator.matrices.operands(design)
    assert isinstance(operands, Operands)
    codes = Codes(operands)
    gated = Design(fmt, fmt, k=24, gate_zeros=False)
    assert codes.operands(gated).design == gated
    assert np.array_equal(codes.operands(gated).act_codes, operands.act_codes)
    assert content(codes.operands(design)) == content(operands) != content(codes.operands(gated))


@pytest.mark.slow
def test_a_broken_store_is_measured_again(evaluator: Evaluator, search: Search) -> None:
    from afp_hw.compare import store

    best = search.best()
    path: Path = store._path(best.mapped.netlist, ".json")
    text = path.read_text()
    path.write_text(text[: len(text) // 2])
    fmt = parse_number("e1m1")
    again = optimise(Design(fmt, fmt, k=24), evaluator, "product")
    assert again.best() == best
