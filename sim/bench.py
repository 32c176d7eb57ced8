"""What every bench does: get its design, make a clock, reset, watch outputs.

A bench is a list of inputs, a list of outputs watched, and the equality of that list with the one
that the golden model gives. Inputs change and outputs are read at the falling edge of the clock, so
that nothing races with the registers.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Sequence
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from afp_hw.design import Design
from afp_hw.design.accelerator import AcceleratorDesign
from afp_hw.design.float_design import FloatDesign
from afp_hw.formats import AFPFormat, FloatFormat, IntFormat, Number, parse_number
from afp_hw.hdl import operand_layout

DESIGN_VARIABLE = "AFP_HW_BENCH_DESIGN"
INPUTS_VARIABLE = "AFP_HW_BENCH_INPUTS"


def design_to_text(design: Design | FloatDesign | AcceleratorDesign) -> str:
    """The design as one line, for :func:`bench_design` in the simulator's process."""
    return json.dumps(_plain(design))


def _plain(design: Design | FloatDesign | AcceleratorDesign) -> dict[str, Any]:
    """Parameters that are given, in what JSON knows."""
    keys = [key for key in design.__dataclass_fields__ if getattr(design, key) is not None]
    values = {key: getattr(design, key) for key in keys}
    for key, value in values.items():
        if isinstance(value, AFPFormat | FloatFormat | IntFormat):
            values[key] = str(value)
        elif isinstance(value, Design):
            values[key] = _plain(value)
    return values


def _design(values: dict[str, Any]) -> Design:
    formats = ("weights", "acts", "outs")
    return Design(**{k: parse_number(v) if k in formats else v for k, v in values.items()})


def bench_design() -> Design:
    """The design that the runner built."""
    return _design(json.loads(os.environ[DESIGN_VARIABLE]))


def bench_accelerator() -> AcceleratorDesign:
    """The accelerator that the runner built, or a part of."""
    values = json.loads(os.environ[DESIGN_VARIABLE])
    return AcceleratorDesign(**values | {"array": _design(values["array"])})


def bounded_test() -> Any:
    """Decorator of a bench's test, with a watchdog: half a million clock cycles."""
    return cocotb.test(timeout_time=5, timeout_unit="ms")


def generator(name: str) -> random.Random:
    """Random numbers of one test: the same in every run, others for every design."""
    return random.Random(f"{name} {os.environ[DESIGN_VARIABLE]}")


async def start(dut: Any) -> None:
    """Clock, inputs at 0, two cycles of reset.

    Only ports are set: a value put on an inner net would stay there until its driver changes.
    """
    for name in os.environ[INPUTS_VARIABLE].split():
        if name not in ("clk", "rst"):
            getattr(dut, name).value = 0
    dut.rst.value = 1
    cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start(start_high=False))
    await FallingEdge(dut.clk)
    await FallingEdge(dut.clk)
    dut.rst.value = 0


def drive(dut: Any, values: dict[str, int]) -> None:
    """Set inputs by name."""
    for name, value in values.items():
        getattr(dut, name).value = value


async def play(
    dut: Any,
    steps: Sequence[dict[str, int]],
    sample: Callable[[int], Any],
    drain: int,
) -> list[Any]:
    """Give one step of inputs a cycle, then `drain` cycles more; collect what `sample` sees.

    ``sample(edge)`` is called after each clock edge, ``edge`` counted from 0 for the edge that
    takes the first step, and gives None where there is nothing to see. The last step's inputs stay,
    so it had better be an idle one.
    """
    seen = []
    for edge in range(len(steps) + drain):
        if edge < len(steps):
            drive(dut, steps[edge])
        await FallingEdge(dut.clk)
        value = sample(edge)
        if value is not None:
            seen.append(value)
    return seen


def same(got: Sequence[Any], expected: Sequence[Any]) -> None:
    """Both lists are equal and not empty; else the first difference is named."""
    assert expected, "a bench must expect something"
    for index, (a, b) in enumerate(zip(got, expected, strict=False)):
        assert a == b, f"result {index} is {a}, not {b}"
    assert len(got) == len(expected), f"{len(got)} results, not {len(expected)}"


def pack(codes: Sequence[int], width: int) -> int:
    """Codes of all lanes in one word, lane 0 in the least significant bits."""
    return sum(int(code) << (lane * width) for lane, code in enumerate(codes))


def operand_fields(fmt: Number, word: int) -> tuple[int, int, int]:
    """Sign, significand and shift of a decoded operand."""
    fields = {}
    for name, field in operand_layout(fmt):
        fields[name] = word >> field.offset & ((1 << field.width) - 1)
    return fields["sign"], fields["sig"], fields["shift"]


def operand_word(fmt: Number, sign: int, sig: int, shift: int) -> int:
    """The word of a decoded operand: the inverse of :func:`operand_fields`."""
    layout = operand_layout(fmt)
    values = {"sign": sign, "sig": sig, "shift": shift}
    return sum(values[name] << field.offset for name, field in layout)


def last_magnitude(fmt: Number) -> int:
    """The code of the largest magnitude, without the sign of AFP."""
    if isinstance(fmt, AFPFormat):
        return (1 << fmt.magnitude_width) - 1
    return 1 << (fmt.width - 1) if fmt.signed else fmt.highest
