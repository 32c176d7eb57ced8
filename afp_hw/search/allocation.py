"""Which tensor gets how many bits: an integer program, solved exactly.

Every tensor takes one of its candidates. The sum of the errors that they cause is to be least while
budgets hold: bits of all weights, bits of all activations, or the energy of all layers, which
depends on the formats of a layer's weights and of its input together.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array


@contextmanager
def _quiet() -> Iterator[None]:
    """Nothing that a library prints past Python: HiGHS has lines that no option switches off."""
    sys.stdout.flush()
    libc = ctypes.CDLL(None)
    libc.fflush(None)
    kept = os.dup(1)
    try:
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 1)
        yield
    finally:
        libc.fflush(None)
        os.dup2(kept, 1)
        os.close(kept)


@dataclass(frozen=True)
class Budget:
    """What the candidates of some tensors may take together.

    Attributes
    ----------
    name, unit
        For people.
    limit
        The most.
    use
        By tensor, what each of its candidates takes.
    """

    name: str
    unit: str
    limit: float
    use: Mapping[str, Sequence[float]]

    @property
    def least(self) -> float:
        """What the smallest candidates take."""
        return sum(min(uses) for uses in self.use.values())


@dataclass(frozen=True)
class PairBudget:
    """What pairs of tensors may take together: the energy of layers.

    Attributes
    ----------
    name, unit, limit
        As of a :class:`Budget`.
    use
        By pair (weights of a layer, its input): [candidates of the first][of the second].
    """

    name: str
    unit: str
    limit: float
    use: Mapping[tuple[str, str], Sequence[Sequence[float]]]


class _Program:
    """Variables (one for each candidate, one for each pair of candidates) and constraints."""

    def __init__(self, errors: Mapping[str, Sequence[float]]) -> None:
        self.start: dict[str, int] = {}
        self.objective: list[float] = []
        self._rows: list[dict[int, float]] = []
        self._low: list[float] = []
        self._high: list[float] = []
        for name, costs in errors.items():
            self.start[name] = len(self.objective)
            self.objective += [float(cost) for cost in costs]
            places = range(self.start[name], len(self.objective))
            self.constrain(dict.fromkeys(places, 1.0), 1, 1)

    def constrain(self, row: dict[int, float], low: float, high: float) -> None:
        self._rows.append(row)
        self._low.append(low)
        self._high.append(high)

    def pairs(self, first: str, second: str, table: Sequence[Sequence[float]]) -> dict[int, float]:
        """Variables of all pairs of candidates; gives what each takes."""
        here = len(self.objective)
        high, wide = len(table), len(table[0])
        self.objective += [0.0] * (high * wide)
        for row in range(high):
            places = {here + row * wide + column: 1.0 for column in range(wide)}
            self.constrain({**places, self.start[first] + row: -1.0}, 0, 0)
        for column in range(wide):
            places = {here + row * wide + column: 1.0 for row in range(high)}
            self.constrain({**places, self.start[second] + column: -1.0}, 0, 0)
        return {
            here + row * wide + column: float(table[row][column])
            for row in range(high)
            for column in range(wide)
        }

    def solve(self) -> NDArray[np.float64] | None:
        """The best values of all variables; None where nothing meets the constraints."""
        size = len(self.objective)
        rows = [index for index, row in enumerate(self._rows) for _ in row]
        columns = [column for row in self._rows for column in row]
        values = [value for row in self._rows for value in row.values()]
        matrix = csr_array((values, (rows, columns)), shape=(len(self._rows), size))
        objective = np.array(self.objective)
        scale = float(np.abs(objective).max()) or 1.0
        with _quiet():
            result = milp(
                objective / scale,
                integrality=np.ones(size),
                bounds=Bounds(0, 1),
                constraints=LinearConstraint(matrix, self._low, self._high),
                options={"mip_rel_gap": 1e-6},
            )
        return None if result.x is None else np.asarray(result.x)


def allocate(
    errors: Mapping[str, Sequence[float]], budgets: Sequence[Budget | PairBudget]
) -> dict[str, int]:
    """The candidates with the least sum of errors that meet all budgets.

    Parameters
    ----------
    errors
        By tensor, the error that each of its candidates causes.
    budgets
        Limits; all tensors that they name must have errors.

    Returns
    -------
    By tensor, the index of its candidate.

    Raises
    ------
    ValueError
        A budget that no choice meets; the sentence names the nearest that one does.
    """
    found = _solve(errors, budgets)
    if found is None:
        for budget in budgets:
            least = _least(errors, budget)
            if least > budget.limit:
                raise ValueError(
                    f"{budget.name} must be at least {_rounded_up(least)} {budget.unit}, the "
                    f"nearest that can be met, not {budget.limit:g}"
                )
        raise ValueError("budgets must be ones that can be met together")
    return found


def _solve(
    errors: Mapping[str, Sequence[float]], budgets: Sequence[Budget | PairBudget]
) -> dict[str, int] | None:
    program = _Program(errors)
    for budget in budgets:
        row: dict[int, float] = {}
        if isinstance(budget, PairBudget):
            for (first, second), table in budget.use.items():
                row |= program.pairs(first, second, table)
        else:
            for name, uses in budget.use.items():
                row |= {program.start[name] + index: float(use) for index, use in enumerate(uses)}
        # In units of the limit: coefficients near 1 are what the solver's tolerances are made for.
        scale = abs(budget.limit) or 1.0
        program.constrain({k: v / scale for k, v in row.items()}, -np.inf, budget.limit / scale)
    values = program.solve()
    if values is None:
        return None
    return {
        name: int(np.argmax(values[start : start + len(errors[name])]))
        for name, start in program.start.items()
    }


def _least(errors: Mapping[str, Sequence[float]], budget: Budget | PairBudget) -> float:
    """The least that any choice takes of a budget."""
    if isinstance(budget, Budget):
        return budget.least
    program = _Program({name: [0.0] * len(costs) for name, costs in errors.items()})
    for (first, second), table in budget.use.items():
        for place, use in program.pairs(first, second, table).items():
            program.objective[place] = use
    values = program.solve()
    assert values is not None  # one candidate each is always a choice
    return float(values @ np.array(program.objective))


def _rounded_up(value: float) -> str:
    """Four digits that are not below `value`."""
    step = 10.0 ** (np.floor(np.log10(value)) - 3) if value > 0 else 1.0
    return f"{np.ceil(value / step - 1e-9) * step:.4g}"
