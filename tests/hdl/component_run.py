"""Runs a component in Amaranth's simulator: one step of inputs a cycle, all outputs watched."""

from __future__ import annotations

import gc
import random
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from amaranth.hdl import Value
from amaranth.lib import wiring
from amaranth.sim import Simulator


def ports(component: wiring.Component) -> dict[str, Any]:
    """Ports by their name in Verilog."""
    return {
        "__".join(map(str, path)): value
        for path, _, value in component.signature.flatten(component)
    }


def play(
    component: wiring.Component, steps: Sequence[Mapping[str, int]], latency: int
) -> list[dict[str, int]]:
    """Outputs for each step, seen `latency` clock edges after the step was put on.

    0 looks at them before the next edge; the last step stays on until all have been seen.
    """
    found = ports(component)
    outputs = [name for name in found if name.startswith("o")]
    seen: list[dict[str, int]] = []

    async def bench(ctx: Any) -> None:
        for index in range(len(steps) + latency):
            for name, value in steps[min(index, len(steps) - 1)].items():
                width = len(Value.cast(found[name]))
                ctx.set(Value.cast(found[name]), int(value) & ((1 << width) - 1))
            if not getattr(component, "sequential", True):
                await ctx.delay(1e-7)
            if index >= latency:
                seen.append({name: read(ctx, found[name]) for name in outputs})
            if getattr(component, "sequential", True):
                await ctx.tick()

    def read(ctx: Any, value: Any) -> int:
        cast = Value.cast(value)
        return int(ctx.get(cast)) & ((1 << len(cast)) - 1)

    simulator = Simulator(component)
    if getattr(component, "sequential", True):
        simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert len(seen) == len(steps) > 0
    return seen


def piped(
    component: wiring.Component,
    steps: Sequence[Mapping[str, int]],
    latency: int,
    output: str,
    chosen: random.Random,
) -> list[int]:
    """The results of a pipeline, with pauses between the steps.

    In a pause `i_valid` is 0 and the other inputs are some step's; `o_valid` must be `i_valid`,
    `latency` clock edges later.
    """
    paused: list[dict[str, int]] = []
    for step in steps:
        while chosen.random() < 0.2:
            paused.append({**chosen.choice(steps), "i_valid": 0})
        paused.append({**step, "i_valid": 1})
    paused.append(paused[-1] | {"i_valid": 0})
    seen = play(component, paused, latency)
    assert [step["o_valid"] for step in seen] == [step["i_valid"] for step in paused]
    return [step[output] for step in seen if step["o_valid"]]


def refused(make: Callable[[], object], sentence: str) -> None:
    """A component must not be made; Amaranth warns of what then is never used."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=sentence):
            make()
        gc.collect()
