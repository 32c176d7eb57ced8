"""Which points of a space are looked at: all of them, some at random, or where it is worth it.

A strategy gives batches of points and is told what came of each batch. How large batches are does
not depend on how many workers there are: the same space and seed give the same points.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np

from afp_hw.explore.configuration import canonical, digest_of
from afp_hw.explore.metrics import METRICS, in_time
from afp_hw.explore.space import Space, unique

Axes = dict[str, Any]
Measured = Mapping[str, Any]

_BATCH: Final = 8
"""Points that Bayesian search asks for before it is told of them."""

_DRAWN: Final = 1024
"""Random points that are drawn at a time."""

_REPEATS: Final = 8
"""A space of at most so many times the points that are wanted is shuffled, not drawn from."""

_TRIES: Final = 40
"""Suggestions in a row that were all known, after which it looks at unknown points instead."""


class Strategy(Protocol):
    """Walks a space."""

    def batches(self) -> Iterator[list[Axes]]:
        """Points to be measured, batch after batch."""
        ...

    def tell(self, measured: Sequence[Measured]) -> None:
        """Metrics of the points of the last batch, in its order."""
        ...


def strategy_of(space: Space) -> Strategy:
    """The one that a space names."""
    if space.strategy == "bayesian":
        return Bayesian(space)
    return Listed(list(space.grid()) if space.strategy == "grid" else random_points(space))


class Listed:
    """Points that are known beforehand, in one batch."""

    def __init__(self, points: list[Axes]) -> None:
        self._points = points

    def batches(self) -> Iterator[list[Axes]]:
        """All of them."""
        yield self._points

    def tell(self, measured: Sequence[Measured]) -> None:
        """Nothing follows from it."""


def random_points(space: Space) -> list[Axes]:
    """Different points, each as likely as any; all of them where there are no more."""
    assert space.points is not None  # a grid has none
    drawn = (
        {name: values[at] for (name, values), at in zip(space.axes.items(), places, strict=True)}
        for places in _places(space, space.points)
    )
    return list(itertools.islice(unique(drawn), space.points))


def _places(space: Space, points: int) -> Iterator[list[int]]:
    """Places in all axes, more of them than are wanted: some give a point that is known."""
    random = np.random.default_rng(space.seed)
    sizes = [len(values) for values in space.axes.values()]
    if space.size <= _REPEATS * points:
        order = random.permutation(space.size)
        for part in np.array_split(order, 1 + space.size // _DRAWN):
            yield from np.stack(np.unravel_index(part, sizes), axis=-1).tolist()
        return
    for _ in range(0, 4 * _REPEATS * points, _DRAWN):
        yield from random.integers(0, sizes, size=(_DRAWN, len(sizes))).tolist()


class Bayesian:
    """Multi-objective Bayesian search: Optuna's tree-structured Parzen estimator, with a seed.

    Source: J. Bergstra et al., NIPS 2011; Y. Ozaki et al., GECCO 2020, for several objectives.

    Parameters
    ----------
    space
        With objectives.
    """

    def __init__(self, space: Space) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._failed = optuna.trial.TrialState.FAIL
        self._space = space
        self._objectives = [(name, METRICS[name].direction) for name in space.objectives]
        varied = sum(len(values) > 1 for values in space.axes.values())
        self._study = optuna.create_study(
            directions=[
                "maximize" if direction == "max" else "minimize"
                for _, direction in self._objectives
            ],
            sampler=optuna.samplers.TPESampler(
                seed=space.seed,
                n_startup_trials=max(10, varied),
                multivariate=True,
            ),
        )
        self._asked: list[tuple[Any, Axes]] = []
        self._known: dict[str, Measured] = {}
        self._rest = iter(random_points(space))

    def batches(self) -> Iterator[list[Axes]]:
        """Batches of new points until there are as many as asked for."""
        assert self._space.points is not None
        left = self._space.points
        while left:
            batch = self._batch(min(_BATCH, left))
            if not batch:
                return
            left -= len(batch)
            yield batch

    def _batch(self, size: int) -> list[Axes]:
        batch: list[Axes] = []
        seen = set(self._known)
        tries = 0
        while len(batch) < size and tries < _TRIES:
            trial = self._study.ask()
            axes = canonical(
                {
                    name: json.loads(trial.suggest_categorical(name, list(map(json.dumps, values))))
                    if len(values) > 1
                    else values[0]
                    for name, values in self._space.axes.items()
                }
            )
            key = digest_of(axes)
            if key in seen:  # told what is known, so that it does not ask again
                tries += 1
                self._finish(trial, self._known.get(key))
                continue
            tries = 0
            seen.add(key)
            batch.append(axes)
            self._asked.append((trial, axes))
        for axes in self._rest:
            if len(batch) == size:
                break
            if digest_of(axes) not in seen:
                seen.add(digest_of(axes))
                batch.append(axes)
                self._asked.append((None, axes))
        return batch

    def tell(self, measured: Sequence[Measured]) -> None:
        """Metrics of the points of the last batch, in its order."""
        for (trial, axes), metrics in zip(self._asked, measured, strict=True):
            self._known[digest_of(axes)] = metrics
            if trial is not None:
                self._finish(trial, metrics)
        self._asked = []

    def _finish(self, trial: Any, metrics: Measured | None) -> None:
        values = [None if metrics is None else metrics.get(name) for name, _ in self._objectives]
        if any(value is None for value in values):  # cannot be built, or failed
            self._study.tell(trial, state=self._failed)
        else:
            # Positive where a point is not to be had: it misses its clock.
            late = metrics is not None and not in_time(metrics)
            trial.set_constraint("late", float(late))
            self._study.tell(trial, [float(value) for value in values])  # type: ignore[arg-type]
