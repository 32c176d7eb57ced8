"""The fewest bits that keep the accuracy: a search whose every trial runs the network exactly.

A trial is a pair of limits, average bits of weights and of activations: formats are allocated
within them, weights are tuned, labelled images give the loss. The first trials halve the range with
both limits alike; the others are drawn by Optuna's tree-structured Parzen estimator, which learns
what loss and bits each pair has cost. Trials are kept on file as they end: the same search again
takes them from there, and goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import optuna
from numpy.typing import NDArray

from afp_hw.network import FormatAssignment
from afp_hw.network.batches import Progress
from afp_hw.network.bits import average_bits
from afp_hw.network.evaluation import Evaluation, evaluate, float_logits
from afp_hw.search.budgets import bits_choice
from afp_hw.search.journal import Journal, content_key
from afp_hw.search.network_search import NetworkSearch

HALVINGS: Final = 5
"""Trials that halve the range of widths, both limits alike: a fifth of a bit for 2 to 8."""

_STEP: Final = 0.1
"""Limits are tried in steps of so many bits."""


@dataclass(frozen=True)
class Trial:
    """One pair of limits, and what came of it.

    Attributes
    ----------
    weight_limit, act_limit
        Limits of average bits.
    weight_bits, act_bits
        Average bits.
    loss
        Points of accuracy lost to float32.
    """

    weight_limit: float
    act_limit: float
    weight_bits: float
    act_bits: float
    loss: float

    @property
    def bits(self) -> float:
        """Mean of both averages."""
        return (self.weight_bits + self.act_bits) / 2


class AccuracySearch:
    """Looks for the fewest bits with a loss of at most `max_loss`.

    Parameters
    ----------
    search
        The network, its candidates and their errors.
    images, labels
        Labelled images.
    max_loss
        Points of accuracy.
    trials
        Number of trials, those on file included.
    timeout
        Seconds after which no new trial begins; None: never.
    progress
        ``progress(done, trials)``.

    Raises
    ------
    ValueError
        A loss below 0, no trials, images that the network cannot take.
    """

    def __init__(
        self,
        search: NetworkSearch,
        images: NDArray[Any],
        labels: NDArray[Any],
        max_loss: float,
        *,
        trials: int = 12,
        timeout: float | None = None,
        progress: Progress = lambda done, total: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 0 <= max_loss <= 100:
            raise ValueError(f"max_loss must be in 0..100 points, not {max_loss!r}")
        if trials < 1:
            raise ValueError(f"trials must be at least 1, not {trials}")
        self._search, self._images, self._labels = search, images, labels
        self._max_loss, self._trials, self._timeout = max_loss, trials, timeout
        self._progress, self._clock = progress, clock
        self._reference = float_logits(search.original, images)
        key = content_key(
            search.original,
            search.images,
            search.options.document(),
            np.asarray(images),
            np.asarray(labels),
            "trials",
        )
        self._journal = Journal(key)
        self.done: list[Trial] = []

    def formats(self, trial: Trial) -> FormatAssignment:
        """The tuned formats of a trial."""
        search = self._search
        return search.tuned(bits_choice(search, trial.weight_limit, trial.act_limit))

    def evaluation(self, formats: FormatAssignment) -> Evaluation:
        """How good formats are on the labelled images."""
        lowered = self._search.lowered(formats)
        return evaluate(lowered, self._images, self._reference, self._labels)

    def best(self) -> Trial:
        """The trial with the fewest bits among those that keep the accuracy.

        Raises
        ------
        ValueError
            None does; the sentence names the nearest.
        """
        started = self._clock()
        low, high = map(float, self._search.options.widths)
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        sampler = optuna.samplers.TPESampler(
            seed=self._search.options.seed, n_startup_trials=HALVINGS
        )
        study = optuna.create_study(sampler=sampler)
        bottom, top = low, high
        while len(self.done) < self._trials:
            if self._timeout is not None and self._clock() - started > self._timeout:
                break
            number = len(self.done)
            if number == 0:
                study.enqueue_trial({"weight_bits": high, "act_bits": high})
            elif number <= HALVINGS:
                middle = round((bottom + top) / 2 / _STEP) * _STEP
                study.enqueue_trial({"weight_bits": middle, "act_bits": middle})
            asked = study.ask()
            limits = [
                asked.suggest_float(name, low, high, step=_STEP)
                for name in ("weight_bits", "act_bits")
            ]
            trial = self._measured(*(round(limit, 3) for limit in limits))
            self.done.append(trial)
            asked.set_constraint("loss", trial.loss - self._max_loss)
            study.tell(asked, trial.bits)
            if trial.loss > self._max_loss:
                if number == 0:
                    break  # the most bits there are lose too much
                bottom = max(bottom, min(limits)) if number <= HALVINGS else bottom
            elif 0 < number <= HALVINGS:
                top = min(top, max(limits))
            self._progress(len(self.done), self._trials)
        good = [trial for trial in self.done if trial.loss <= self._max_loss]
        if not good:
            nearest = min(self.done, key=lambda trial: trial.loss, default=None)
            if nearest is None:
                raise ValueError("timeout must leave time for one trial at least")
            raise ValueError(
                f"max-loss must be at least {nearest.loss:.2f} points, the nearest that was "
                f"reached ({nearest.weight_bits:.2f} bits a weight, {nearest.act_bits:.2f} an "
                f"activation), not {self._max_loss:g}"
            )
        return min(good, key=lambda trial: trial.bits)

    def _measured(self, weight_limit: float, act_limit: float) -> Trial:
        def compute() -> list[float]:
            untested = Trial(weight_limit, act_limit, 0, 0, 0)
            formats = self.formats(untested)
            bits = average_bits(self._search.lowered(formats))
            loss = self.evaluation(formats).loss
            assert loss is not None  # there are labels
            return [bits.weights, bits.acts, loss]

        found = self._journal.result(f"trial {weight_limit} {act_limit}", compute)
        return Trial(weight_limit, act_limit, *map(float, found))
