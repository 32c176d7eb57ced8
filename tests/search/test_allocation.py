"""Allocation against trying everything."""

from __future__ import annotations

import ctypes
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afp_hw.search import allocation
from afp_hw.search.allocation import Budget, PairBudget, allocate

NUMBERS = st.floats(0.01, 10)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_bits_are_shared_out_as_trying_everything_does(data: st.DataObject) -> None:
    draw = data.draw
    names = ["a", "b", "c", "d"]
    errors = {name: draw(st.lists(NUMBERS, min_size=1, max_size=4)) for name in names}
    use = {
        name: draw(st.lists(NUMBERS, min_size=len(errors[name]), max_size=len(errors[name])))
        for name in names
    }
    low = sum(min(each) for each in use.values())
    high = sum(max(each) for each in use.values())
    limit = low + draw(st.floats(0.02, 1)) * (high - low + 0.1)
    choices = list(itertools.product(*(range(len(errors[name])) for name in names)))

    def total(table: dict[str, list[float]], choice: tuple[int, ...]) -> float:
        return sum(table[name][index] for name, index in zip(names, choice, strict=True))

    best = min(total(errors, choice) for choice in choices if total(use, choice) <= limit)
    found = allocate(errors, [Budget("bits", "bits", limit, use)])
    chosen = tuple(found[name] for name in names)
    assert total(use, chosen) <= limit * (1 + 1e-6)
    assert total(errors, chosen) <= best * (1 + 1e-5) + 1e-9


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_energy_of_pairs_as_trying_everything_does(data: st.DataObject) -> None:
    """Two layers that read one tensor, as a residual network's do."""
    draw = data.draw
    errors = {name: draw(st.lists(NUMBERS, min_size=3, max_size=3)) for name in ("v", "w", "x")}
    table = st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=3, max_size=3)
    use = {("v", "x"): draw(table), ("w", "x"): draw(table)}

    def energy(v: int, w: int, x: int) -> float:
        return use["v", "x"][v][x] + use["w", "x"][w][x]

    choices = list(itertools.product(range(3), repeat=3))
    energies = [energy(*choice) for choice in choices]
    limit = min(energies) + draw(st.floats(0.02, 1)) * (max(energies) - min(energies) + 0.1)

    def error(v: int, w: int, x: int) -> float:
        return errors["v"][v] + errors["w"][w] + errors["x"][x]

    best = min(error(*choice) for choice in choices if energy(*choice) <= limit)
    found = allocate(errors, [PairBudget("energy", "nJ", limit, use)])
    chosen = found["v"], found["w"], found["x"]
    assert energy(*chosen) <= limit * (1 + 1e-6)
    assert error(*chosen) <= best * (1 + 1e-5) + 1e-9


def test_a_budget_that_cannot_be_met_names_the_nearest() -> None:
    use = {"a": [2.0, 3.0], "b": [0.33333, 5.0]}
    with pytest.raises(
        ValueError, match=r"^bits must be at least 2\.334 on average, the nearest .* not 1$"
    ):
        allocate({"a": [1, 0], "b": [1, 0]}, [Budget("bits", "on average", 1.0, use)])
    pairs = {("a", "b"): [[4.0, 5.0], [3.5, 9.0]]}
    with pytest.raises(ValueError, match=r"^energy must be at least 3\.5 nJ, .* not 3$"):
        allocate({"a": [1, 0], "b": [1, 0]}, [PairBudget("energy", "nJ", 3.0, pairs)])


def test_what_the_solver_prints_past_python_is_not_seen(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """HiGHS of SciPy 1.17 prints a line for some problems, whatever its options say."""
    libc, real = ctypes.CDLL(None), allocation.milp

    def talking(*arguments: object, **options: object) -> object:
        libc.puts(b"transformNewIntegerFeasibleSolution")
        return real(*arguments, **options)

    monkeypatch.setattr(allocation, "milp", talking)
    print("before")
    assert allocate({"a": [2, 1]}, [Budget("bits", "bits", 3, {"a": [1, 2]})]) == {"a": 1}
    print("after")
    libc.fflush(None)
    assert capfd.readouterr().out == "before\nafter\n"
