"""Formats for a whole network: candidates of every tensor, their effect on the output, a choice.

The order: equalisation, a sample of every activation, the best split of every width for every
tensor, the error that each makes at the network's output when it alone is rounded. All this does
not depend on a budget. Then, for each budget, an allocation and the tuning of the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from afp_hw.golden import decode, encode, finest_lsb
from afp_hw.network import FormatAssignment, Graph, LoweredNetwork, Node, TensorFormat, lower
from afp_hw.network.batches import Progress, processors
from afp_hw.network.float_evaluation import check_images
from afp_hw.network.lower import InitMax, room_for_sums
from afp_hw.search.allocation import Budget, PairBudget, allocate
from afp_hw.search.candidates import (
    Candidate,
    Cost,
    Preference,
    activation_candidates,
    weight_candidates,
)
from afp_hw.search.journal import Journal, content_key
from afp_hw.search.options import SearchOptions, paper_cost
from afp_hw.search.samples import collect_samples
from afp_hw.search.sensitivity import OutputError
from afp_hw.search.tuning import Steps, equalize, tune

Bar = Callable[[str], Progress]
Key = tuple[str, str]
"""``("weights", layer)`` or ``("acts", tensor)``."""


def rounded_activation(item: TensorFormat, values: NDArray[Any]) -> NDArray[Any]:
    """Activations [B, ...] as they are stored, in their own dtype."""
    if item.lsb is not None:
        bias = item.bias
    else:
        largest = np.absolute(values.reshape(len(values), -1)).max(axis=1)
        lsbs = np.array([finest_lsb(float(each), item.fmt.max_fix) for each in largest])
        bias = (1 - item.fmt.n_man - lsbs).reshape(-1, *[1] * (values.ndim - 1))
    return decode(encode(values, item.fmt, bias), item.fmt, bias).astype(values.dtype)


def rounded_layer(item: TensorFormat, layer: Node) -> Node:
    """The layer with its weights as they are stored."""
    assert layer.weight is not None  # layers have weights
    bias = item.bias
    if isinstance(item.lsb, tuple) and layer.op == "Conv":
        bias = bias.reshape(-1, 1, 1, 1)
    weight = decode(encode(layer.weight, item.fmt, bias), item.fmt, bias)
    return replace(layer, weight=weight)


class NetworkSearch:
    """A search over one network; :meth:`choose` may be asked for several budgets.

    Parameters
    ----------
    graph
        The float network.
    images
        Calibration images, float [B, *input shape], without labels.
    options
        What is searched.
    cost
        Cost of a format in ``error * cost**lam``; its name is part of what is kept on file.
    init_max
        Initial values of sums, as :func:`.lower` takes them; default: :func:`.room_for_sums`.
    bar
        Starts a progress bar with a title.

    Attributes
    ----------
    graph
        The float network, equalised where that was asked for.
    candidates
        By tensor, its best format of each width.
    errors
        By tensor, mean squared change of the output for each candidate.

    Raises
    ------
    ValueError
        Images of another shape, not finite or none.
    """

    def __init__(
        self,
        graph: Graph,
        images: NDArray[Any],
        options: SearchOptions,
        *,
        cost: Cost = paper_cost,
        init_max: InitMax | None = None,
        bar: Bar = lambda title: lambda done, total: None,
    ) -> None:
        check_images(graph, images, "calibration images")
        self.original = graph
        self.images = np.ascontiguousarray(images, np.float32)
        self.graph = graph
        if options.equalize:
            self.graph = equalize(graph, self.images, options.equalize)
        self.options = options
        self.cost = cost
        self.init_max = init_max or room_for_sums(self.graph)
        self._bar = bar
        self.key = content_key(self.graph, self.images, "sensitivity")
        self.candidates = self._candidates()
        self.errors = self._errors()

    def _candidates(self) -> dict[Key, list[Candidate]]:
        options = self.options
        widths = range(options.widths[0], options.widths[1] + 1)
        asked = (options.measure, options.lam, self.cost, options.rule, options.splits)
        preferences = {
            kind: Preference(*asked, options.envelope(kind)) for kind in ("weights", "acts")
        }
        found: dict[Key, list[Candidate]] = {}
        for layer in self.graph.layers():
            found["weights", layer.name] = weight_candidates(
                layer, widths, preferences["weights"], channels=options.channels
            )
        samples = collect_samples(self.graph, self.images, options.seed, self._bar("activations"))
        for name, sample in samples.items():
            kinds = [options.dynamic]
            if options.dynamic and options.mixed:
                kinds.append(False)
            found["acts", name] = [
                candidate
                for dynamic in kinds
                for candidate in activation_candidates(
                    sample, widths, preferences["acts"], dynamic=dynamic
                )
            ]
        for (kind, name), candidates in found.items():
            if not candidates:
                raise ValueError(
                    f"SearchOptions.{kind}_within must hold a format of {options.widths[0]} to "
                    f"{options.widths[1]} bits for {name!r}, not {options.envelope(kind)}"
                )
        return found

    def _errors(self) -> dict[Key, list[float]]:
        """Errors at the output; those on file are not measured again."""
        journal = Journal(self.key)
        layers = {layer.name: layer for layer in self.graph.layers()}
        output: list[OutputError] = []  # made when the first is measured

        def measure(key: Key, item: TensorFormat) -> float:
            kind, name = key
            if kind == "acts":
                return output[0].of_activation(name, lambda v: rounded_activation(item, v))
            return output[0].of_weights(rounded_layer(item, layers[name]))

        tasks = [
            (key, candidate.item, f"{key[0]} {key[1]} {candidate.item.fmt} {candidate.item.lsb}")
            for key, candidates in self.candidates.items()
            for candidate in candidates
        ]
        missing = [task for task in tasks if task[2] not in journal]
        if missing:
            output.append(OutputError(self.graph, self.images))
        report = self._bar("error of each tensor at the output")
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(processors()) as pool:
            try:
                found = pool.map(
                    lambda task: journal.result(task[2], lambda: measure(task[0], task[1])), tasks
                )
                errors: dict[Key, list[float]] = {key: [] for key in self.candidates}
                for index, (task, error) in enumerate(zip(tasks, found, strict=True), 1):
                    errors[task[0]].append(float(error))
                    report(index, len(tasks))
            finally:
                pool.shutdown(cancel_futures=True)
        return errors

    def with_static(self, names: Container[str]) -> NetworkSearch:
        """The same search with static candidates alone for these activations."""
        found = copy(self)
        found.candidates, found.errors = {}, {}
        for key, candidates in self.candidates.items():
            kept = [
                index
                for index, candidate in enumerate(candidates)
                if key[0] == "weights" or key[1] not in names or not candidate.item.dynamic
            ]
            found.candidates[key] = [candidates[index] for index in kept]
            found.errors[key] = [self.errors[key][index] for index in kept]
        return found

    def total_error(self, formats: FormatAssignment) -> float:
        """Sum of what an allocation has least of, over the formats of all stored tensors."""
        weighted = self.weighted_errors()
        stored = self.lowered(formats).tensors
        total = 0.0
        for (kind, name), candidates in self.candidates.items():
            if kind == "acts" and name not in stored:
                continue
            item = (formats.weights if kind == "weights" else formats.acts)[name]
            place = [candidate.item for candidate in candidates].index(item)
            total += weighted[kind, name][place]
        return total

    def weighted_errors(self) -> dict[Key, list[float]]:
        """What an allocation has least of: errors at the output, times ``cost**lam``."""
        lam = self.options.lam
        return {
            key: [
                error * self.cost(candidate.item.fmt) ** lam
                for error, candidate in zip(errors, self.candidates[key], strict=True)
            ]
            for key, errors in self.errors.items()
        }

    def assignment(self, choice: Mapping[Key, int], **provenance: Any) -> FormatAssignment:
        """Formats with these candidates, not tuned."""
        items = {key: self.candidates[key][index].item for key, index in choice.items()}
        known = {"search": self.options.document(), **provenance}
        parameters = {}
        if self.options.equalize:
            from afp_hw.network import LayerParameters

            for layer in self.graph.layers():
                assert layer.weight is not None  # layers have weights
                parameters[layer.name] = LayerParameters(layer.weight, layer.bias)
        return FormatAssignment(
            self.graph.name,
            {name: item for (kind, name), item in items.items() if kind == "weights"},
            {name: item for (kind, name), item in items.items() if kind == "acts"},
            known,
            parameters,
        )

    def lowered(self, formats: FormatAssignment) -> LoweredNetwork:
        """The original network with these formats."""
        return lower(self.original, formats, self.init_max)

    def cheapest_per_tensor(self) -> dict[Key, int]:
        """The paper's choice: for each tensor the width with the least ``error * cost**lam``."""
        return {
            key: int(np.argmin([candidate.objective for candidate in candidates]))
            for key, candidates in self.candidates.items()
        }

    def allocate(self, budgets: Sequence[Budget | PairBudget]) -> dict[Key, int]:
        """The candidates with the least error at the output within budgets over their names."""
        names = {f"{kind} {name}": (kind, name) for kind, name in self.candidates}
        weighted = self.weighted_errors()
        chosen = allocate({text: weighted[key] for text, key in names.items()}, budgets)
        return {names[text]: index for text, index in chosen.items()}

    def tuned(self, formats: FormatAssignment) -> FormatAssignment:
        """The same formats with weights and biases chosen for them, as the options say."""
        options = self.options
        if not (options.compensate or options.correct_bias):
            return formats
        steps = Steps(
            adjust=options.compensate,
            compensate=options.compensate,
            refine=options.compensate,
            bias_correction=options.correct_bias,
        )
        places = np.linspace(
            0, len(self.images) - 1, min(options.tuning_images, len(self.images))
        ).astype(int)
        return tune(
            self.original,
            formats,
            self.images[places],
            steps,
            init_max=self.init_max,
            progress=self._bar("tuning"),
        )
