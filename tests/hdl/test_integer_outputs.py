"""Requantizers of integers, running maxima and the way through binary32, against golden."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

import numpy as np
import pytest
from amaranth.hdl import signed, unsigned

from afp_hw import golden
from afp_hw.formats import IntFormat
from afp_hw.hdl import (
    Fp32Dequantizer,
    Fp32Quantizer,
    IntRequantization,
    IntRequantizer,
    RunningMaximum,
)
from afp_hw.hdl.int_requantizer import REGISTERS
from afp_hw.hdl.rounding_shift import RoundingShift
from afp_hw.hdl.unsigned_multiplier import UnsignedMultiplier
from tests.hdl.component_run import piped, play, refused

CORNERS = [0, 1, -1, 127, -128, 255, 2**31 - 1, -(2**31), -(2**31) + 1, 2**24 + 1, 2**25 - 1]


def booth(number: int, width: int) -> int:
    """Digits -2 .. 2 of a number, base 4, as MacSorley defines them, three bits each."""
    bits = [0, *(number >> place & 1 for place in range(width + 2))]
    places = range(0, 2 * (width // 2 + 1), 2)
    digits = [bits[at] + bits[at + 1] - 2 * bits[at + 2] for at in places]
    assert sum(digit * 4**index for index, digit in enumerate(digits)) == number
    fields = [(abs(d) == 1) | (abs(d) == 2) << 1 | (d < 0) << 2 for d in digits]
    return sum(field << 3 * index for index, field in enumerate(fields))


@pytest.mark.parametrize("widths", [(3, 3), (4, 3), (3, 4), (5, 2)])
@pytest.mark.parametrize("tree", ["operator", "compressed", "booth"])
def test_every_product_is_exact(tree: str, widths: tuple[int, int]) -> None:
    a_width, b_width = widths
    pairs = list(itertools.product(range(1 << a_width), range(1 << b_width)))
    steps = [{"i_a": a, "i_b": booth(b, b_width) if tree == "booth" else b} for a, b in pairs]
    seen = play(UnsignedMultiplier(a_width, b_width, tree), steps, 0)  # type: ignore[arg-type]
    wrap = 1 << (a_width + b_width)
    assert [(s["o_row__0"] + s["o_row__1"]) % wrap for s in seen] == [a * b for a, b in pairs]


def test_a_tree_is_one_of_three() -> None:
    refused(
        lambda: UnsignedMultiplier(3, 3, "wallace"),  # type: ignore[arg-type]
        r"UnsignedMultiplier\.tree must be one of operator, compressed, booth, not 'wallace'",
    )


def test_every_shift_rounds_half_up_and_saturates() -> None:
    cases = [(i, s, limit) for i in range(64) for s in range(1, 7) for limit in (7, 5)]
    steps = [{"i": i, "i_shift": s, "i_limit": limit} for i, s, limit in cases]
    seen = play(RoundingShift(6, 6, 3), steps, 0)
    want = [min((i + (1 << s >> 1)) >> s, limit) for i, s, limit in cases]
    assert [step["o"] for step in seen] == want


def sums(count: int, chosen: random.Random, width: int = 32) -> list[int]:
    top = 1 << (width - 1)
    drawn = [value for value in CORNERS if -top <= value < top]
    while len(drawn) < count:
        value = chosen.getrandbits(chosen.randint(1, width - 1))
        drawn.append(chosen.choice([value, -value]))
    return drawn


# Trees of full adders are slow in this simulator; that of 32 x 31 bits is run at gate level, by
# tests/energy.
@pytest.mark.parametrize(
    ("tree", "widths"),
    [("operator", (32, 31)), ("operator", (12, 9)), ("compressed", (12, 9)), ("booth", (12, 9))],
)
@pytest.mark.parametrize("out", ["int8", "uint4"])
def test_fixed_point_requantization_is_goldens(
    out: str, tree: str, widths: tuple[int, int]
) -> None:
    fmt, chosen = IntFormat.parse(out), random.Random(f"{out} {tree} {widths}")
    registers = tuple(name for name in REGISTERS if chosen.random() < 0.5)
    parameters = IntRequantization(fmt, *widths, tree, registers)  # type: ignore[arg-type]
    acc_width, factor_width = widths
    steps, want = [], []
    for acc in sums(200, chosen, acc_width):
        relu = chosen.random() < 0.3
        shift = chosen.randint(1, min(62, sum(widths)))
        largest = (1 << factor_width) - 1
        factor = chosen.choice([0, 1, largest // 2 + 1, largest, chosen.getrandbits(factor_width)])
        steps.append({"i_acc": acc, "i_factor": factor, "i_shift": shift, "i_relu": int(relu)})
        exact = Fraction(acc * factor, 1 << shift)
        rounded = int(abs(exact) + Fraction(1, 2)) * (1 if exact >= 0 else -1)
        low = 0 if relu or not fmt.signed else fmt.lowest
        want.append(min(max(rounded, low), fmt.highest) & ((1 << fmt.width) - 1))
        code = golden.requantize_integer(np.array([acc]), factor, shift, fmt, relu=relu)
        assert code[0] == want[-1]
    assert piped(IntRequantizer(parameters), steps, parameters.latency, "o_code", chosen) == want


def test_a_power_of_two_needs_no_factor() -> None:
    parameters = IntRequantization(
        IntFormat(3), acc_width=7, factor_width=0, registers=("magnitude",)
    )
    cases = list(itertools.product(range(-64, 64), range(1, 8)))
    steps = [{"i_acc": a, "i_shift": s, "i_relu": 0} for a, s in cases]
    want = [golden.requantize_integer([a], 1, s, IntFormat(3))[0] for a, s in cases]
    codes = piped(IntRequantizer(parameters), steps, parameters.latency, "o_code", random.Random(0))
    assert codes == want


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"out": 8}, r"IntRequantization\.out must be an IntFormat, not 8"),
        ({"acc_width": 65}, r"IntRequantization\.acc_width must be in 2\.\.64, not 65"),
        ({"factor_width": True}, r"IntRequantization\.factor_width must be an integer, not True"),
        ({"tree": "dadda"}, r"IntRequantization\.tree must be one of operator, compressed, booth"),
        ({"registers": ("code",)}, r"IntRequantization\.registers must be some of magnitude,"),
    ],
)
def test_what_is_wrong_is_refused(given: dict[str, object], sentence: str) -> None:
    with pytest.raises((TypeError, ValueError), match=sentence):
        IntRequantization(**({"out": IntFormat(8)} | given))  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [4, 32])
def test_the_largest_magnitude_is_kept_until_cleared(width: int) -> None:
    chosen, largest = random.Random(width), 0
    steps, want = [], []
    for index, number in enumerate(sums(300, chosen, width)):
        valid, clear = chosen.random() < 0.7, index == 0 or chosen.random() < 0.05
        relu = chosen.random() < 0.3
        counted = 0 if not valid or (relu and number < 0) else abs(number)
        largest = max(0 if clear else largest, counted)
        names = ("i_valid", "i_number", "i_clear", "i_relu")
        steps.append(dict(zip(names, (valid, number, clear, relu), strict=True)))
        want.append(largest)
    seen = play(RunningMaximum(signed(width)), steps, 1)
    assert [step["o_largest"] for step in seen] == want


def test_numbers_without_a_sign_are_their_own_magnitudes() -> None:
    steps = [{"i_valid": 1, "i_number": n, "i_clear": n == 5} for n in (5, 9, 31, 2)]
    seen = play(RunningMaximum(unsigned(5)), steps, 1)
    assert [step["o_largest"] for step in seen] == [5, 9, 31, 31]


def bits(value: np.float32) -> int:
    return int(np.float32(value).view(np.uint32))


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_binary32_rounds_as_numpy_does(seed: int) -> None:
    chosen = random.Random(seed)
    scale, relu = np.float32(2.0 ** chosen.uniform(-20, 2)), seed % 2 == 1
    accs = sums(60, chosen)
    steps = [{"i_acc": a, "i_scale": bits(scale), "i_relu": int(relu)} for a in accs]
    found_bits = piped(Fp32Dequantizer(), steps, Fp32Dequantizer.latency, "o_number", chosen)
    numbers = [np.float32(max(a, 0) if relu else a) * scale for a in accs]
    assert found_bits == [bits(number) for number in numbers]
    found = golden.dequantize_float32(accs, scale, relu=relu)
    assert found.view(np.uint32).tolist() == [bits(number) for number in numbers]

    halves = [0.5, 1.5, 2.5, -0.5, -2.5, 126.5, 127.5, -128.0, -128.5, 0.49999997]
    numbers += [np.float32(half) for half in halves]
    largest = float(np.abs(np.array(numbers[:60])).max())
    for by in (np.float32(1), np.float32(127 / largest)):
        steps = [{"i_number": bits(n), "i_scale": bits(by)} for n in numbers]
        found_codes = piped(Fp32Quantizer(8), steps, Fp32Quantizer.latency, "o_code", chosen)
        want = [int(np.clip(np.rint(n * by), -128, 127)) & 255 for n in numbers]
        assert found_codes == want
        codes = golden.quantize_float32(np.array(numbers, dtype=np.float32), by, 8)
        assert codes.tolist() == want
