"""A lowered network on images: every tensor in AFP, every sum exact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.network.batches import Progress, map_batches
from afp_hw.network.code_steps import run_code_step
from afp_hw.network.fast_layer import FastLayer
from afp_hw.network.float_evaluation import check_images
from afp_hw.network.golden_layer import accumulate, initial_values
from afp_hw.network.steps import GemmStep, LoweredNetwork
from afp_hw.network.stored import Stored, Sums, fix_table, integers, store


def encode_images(lowered: LoweredNetwork, images: NDArray[Any]) -> Stored:
    """The network's input as it is stored."""
    item = lowered.tensors[lowered.graph.inputs[0].name]
    if item.lsb is not None:
        return Stored(golden.encode(images, item.fmt, item.bias), np.array([item.lsb]))
    fits = [golden.finest_lsb(float(np.abs(each).max()), item.fmt.max_fix) for each in images]
    codes = [
        golden.encode(each, item.fmt, item.fmt.bias(lsb))
        for each, lsb in zip(images, fits, strict=True)
    ]
    return Stored(np.stack(codes), np.array(fits, np.int64))


class _Chain:
    """A lowered network made ready to run, up to the last tensor that is wanted."""

    def __init__(self, lowered: LoweredNetwork, wanted: set[str]) -> None:
        self._lowered, self._wanted = lowered, wanted
        self._input = lowered.graph.inputs[0].name
        # The input is there before the first step.
        made = {self._input: 0}
        made |= {step.output: index for index, step in enumerate(lowered.steps, 1)}
        for name in sorted(wanted - made.keys()):
            close = ", ".join(get_close_matches(name, made, n=3, cutoff=0.4) or made)
            raise ValueError(f"wanted must be tensors that are stored ({close}), not {name!r}")
        self._steps = lowered.steps[: max((made[name] for name in wanted), default=0)]
        self._layers = {
            step.name: FastLayer(step) for step in self._steps if isinstance(step, GemmStep)
        }
        self._last: dict[str, int] = {}
        for index, step in enumerate(self._steps):
            names = (step.input, step.skip) if isinstance(step, GemmStep) else step.inputs
            self._last.update({name: index for name in names if name is not None})

    def run(self, images: NDArray[Any]) -> dict[str, Stored]:
        """The wanted tensors of a batch."""
        values = {self._input: encode_images(self._lowered, images)}
        tensors = self._lowered.tensors
        for index, step in enumerate(self._steps):
            if isinstance(step, GemmStep):
                values[step.output] = self._gemm(step, values)
            else:
                items = [values[name] for name in step.inputs]
                fmts = [tensors[name].fmt for name in step.inputs]
                values[step.output] = run_code_step(step, items, fmts)
            for name in [n for n in values if self._last.get(n, index) <= index]:
                if name not in self._wanted and name != step.output:
                    del values[name]
        return {name: values[name] for name in self._wanted}

    def _gemm(self, step: GemmStep, values: Mapping[str, Stored]) -> Stored:
        """The output of a layer; its exact sums (int64) where they leave the network."""
        item, layer = values[step.input], self._layers[step.name]
        skip = None if step.skip is None else values[step.skip]
        skip_fmt = None if step.skip is None else self._lowered.tensors[step.skip].fmt
        fast = layer.holds and (skip_fmt is None or fix_table(skip_fmt) is not None)
        blocks: Iterator[Sums] = (
            layer.sums(item, skip, skip_fmt) if fast else _golden_sums(self._lowered, step, values)
        )
        results, lsbs = [], []
        for sums in blocks:
            if step.requantize is None:
                codes, lsb = integers(sums.values), sums.lsb
            else:
                codes, lsb = store(sums, step.requantize)
            results.append(codes)
            lsbs.append(lsb)
        joined = np.concatenate(results)
        shape = self._lowered.graph.shapes[step.output]
        if joined.ndim == 4:
            joined = joined.transpose(0, 3, 1, 2)
        exponents = np.concatenate(lsbs) if is_dynamic(self._lowered, step.output) else lsbs[0]
        return Stored(joined.reshape(len(joined), *shape), exponents)


def _golden_sums(
    lowered: LoweredNetwork, step: GemmStep, values: Mapping[str, Stored]
) -> Iterator[Sums]:
    """Sums of a layer by the golden functions, image by image: [1, OH, OW, N] or [1, N]."""
    item = values[step.input]
    shape = lowered.graph.shapes[step.node.output]
    for index in range(len(item.codes)):
        lsb_act = int(item.lsb[index if len(item.lsb) > 1 else 0])
        skip = None if step.skip is None else values[step.skip].codes[index : index + 1]
        fmt = None if step.skip is None else lowered.tensors[step.skip].fmt
        init = initial_values(step, lsb_act, skip, fmt)
        sums = accumulate(step, item.codes[index : index + 1], init)
        lsb = np.atleast_1d(np.asarray(step.lsb_acc_at(lsb_act), np.int64))
        rows = sums if len(shape) == 1 else sums.reshape(1, *shape[1:], shape[0])
        yield Sums(rows, lsb[None])


def run_stored(
    lowered: LoweredNetwork,
    images: NDArray[Any],
    wanted: Iterable[str] | None = None,
    progress: Progress | None = None,
) -> dict[str, Stored]:
    """Run a lowered network bit for bit, on as many threads as there are processors.

    Parameters
    ----------
    lowered
        The network.
    images
        float [B, *input shape].
    wanted
        Names of the tensors to return; nothing is computed behind the last of them. Default: the
        network's outputs.
    progress
        ``progress(done, total)`` after each batch, in images.

    Returns
    -------
    By tensor, codes [B, ...] with their exponents, [B] or [1]; for logits the exact accumulators,
    with exponents [B or 1, N or 1].

    Raises
    ------
    ValueError
        Images of another shape or not finite; a tensor that there is not.
    """
    check_images(lowered.graph, images)
    chain = _Chain(lowered, set(lowered.graph.outputs if wanted is None else wanted))
    parts = list(map_batches(lowered.graph, images, chain.run, progress))
    names = parts[0].keys()
    return {
        name: _joined([part[name] for part in parts], is_dynamic(lowered, name)) for name in names
    }


def is_dynamic(lowered: LoweredNetwork, name: str) -> bool:
    """Whether each image has its own exponent in this tensor, or in these logits."""
    if name in lowered.tensors:
        return lowered.tensors[name].dynamic
    return any(s.act.dynamic for s in lowered.steps if isinstance(s, GemmStep) and s.output == name)


def _joined(parts: list[Stored], dynamic: bool) -> Stored:
    """Batches one after the other; static exponents are those of the first."""
    codes = np.concatenate([part.codes for part in parts])
    return Stored(codes, np.concatenate([p.lsb for p in parts]) if dynamic else parts[0].lsb)


def run_exact(
    lowered: LoweredNetwork,
    images: NDArray[Any],
    wanted: Iterable[str] | None = None,
    progress: Progress | None = None,
) -> dict[str, NDArray[Any]]:
    """The codes of :func:`run_stored` alone, [B, ...] by tensor; for logits the accumulators."""
    return {
        name: item.codes for name, item in run_stored(lowered, images, wanted, progress).items()
    }
