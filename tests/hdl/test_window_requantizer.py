"""AFP requantizers in Amaranth's simulator: one pass, and two with a dynamic grid; golden."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from afp_hw import AFPFormat, golden
from afp_hw.design import Design
from afp_hw.hdl import Narrower, Rebiaser, WindowRequantizer, base_of, drop_of
from tests.hdl.component_run import piped, refused

# Weights, activations, outputs, K, largest initial value: every kind of envelope and width.
DESIGNS = [
    ("e2m1", "ue2m1", "ue2m1", 1, 0),
    ("e2m1", "e2m1", "e2m1", 2, 0),
    ("e3m1", "e3m2", "e3m2", 4, 0),
    ("e0m4", "e0m4", "e0m5", 1, 0),
    ("e3m0", "e3m0", "e3m0", 3, 0),
    ("e1m1", "e1m1", "e4m1", 2, 0),
    ("e3m1", "e3m2", "e1m4", 2, None),
    ("e3m1", "e3m2", "e3m2", 4608, 4194304),
]


def design_of(index: int) -> Design:
    wgt, act, out, k, init_max = DESIGNS[index]
    parse = AFPFormat.parse
    return Design(parse(wgt), parse(act), outs=parse(out), k=k, init_max=init_max)


def formats(envelope: AFPFormat) -> list[AFPFormat]:
    return [
        AFPFormat(n_exp, n_man, envelope.signed)
        for n_exp in range(envelope.n_exp + 1)
        for n_man in range(envelope.n_man + 1)
        if n_exp + n_man
    ]


def sums(design: Design, count: int, chosen: random.Random) -> list[int]:
    """All sums of a narrow accumulator; of a wide one corners and seeded ones."""
    top = 1 << (design.acc_width - 1)
    if count >= 2 * top:
        return list(range(-top, top))
    corners = [0, 1, -1, 3, -3, 5, top - 1, -top, -top + 1]
    drawn = [chosen.choice(corners) for _ in range(count // 4)]
    drawn += [chosen.randrange(-top, top) for _ in range(count // 4)]
    for _ in range(count // 2):
        value = chosen.getrandbits(chosen.randint(1, design.acc_width - 1))
        drawn.append(chosen.choice([value, -value]))
    return drawn


def embedded(design: Design, fmt: AFPFormat, code: int) -> int:
    """A magnitude's code in the output's envelope."""
    envelope = design.out_envelope.as_unsigned()
    return int(golden.embed(np.array(code), fmt.as_unsigned(), envelope))


def offset_for(acc: int, design: Design, chosen: random.Random) -> int:
    near = chosen.randint(-3, 8) - abs(acc).bit_length()
    return chosen.choice([near, near, chosen.randint(-design.acc_width - 4, 14), -8192, 8191])


def expected(
    acc: int, offset: int, fmt: AFPFormat, design: Design, *, relu: bool, clip: int | None
) -> int:
    code = golden.requantize(np.array([acc], dtype=object), offset, fmt, relu=relu, clip=clip)
    return int(golden.embed(code, fmt, design.out_envelope)[0])


@pytest.mark.parametrize("stages", [1, 2])
@pytest.mark.parametrize("index", range(len(DESIGNS)))
def test_every_sum_becomes_the_nearest_code(index: int, stages: int) -> None:
    design, chosen = design_of(index), random.Random(index)
    envelope = design.out_envelope
    for fmt in chosen.sample(formats(envelope), min(8, len(formats(envelope)))):
        largest = (1 << fmt.magnitude_width) - 1
        relu = chosen.random() < 0.4
        narrow = envelope.n_man - fmt.n_man
        steps: list[dict[str, int]] = []
        want = []
        for acc in sums(design, 48, chosen):
            offset = offset_for(acc, design, chosen)
            steps.append(
                {
                    "i_acc": acc,
                    "i_drop": drop_of(design, offset, fmt.n_man),
                    "i_narrow": narrow,
                    "i_limit": embedded(design, fmt, largest),
                }
            )
            if envelope.signed:
                steps[-1]["i_negative_limit"] = 0 if relu else embedded(design, fmt, largest)
            want.append(expected(acc, offset, fmt, design, relu=relu, clip=None))
        requantizer = WindowRequantizer(design, stages=stages)
        assert piped(requantizer, steps, stages, "o_code", chosen) == want


def test_a_clip_is_a_limit_of_codes() -> None:
    design, chosen = design_of(7), random.Random(0)
    fmt = design.out_envelope
    steps, want = [], []
    for acc in sums(design, 300, chosen):
        offset = offset_for(acc, design, chosen)
        clip = chosen.getrandbits(chosen.randint(1, design.acc_width - 1))
        limit = int(golden.requantize(np.array([clip]), offset, fmt.as_unsigned())[0])
        steps.append(
            {
                "i_acc": acc,
                "i_drop": drop_of(design, offset, fmt.n_man),
                "i_narrow": 0,
                "i_limit": limit,
                "i_negative_limit": 0,
            }
        )
        want.append(expected(acc, offset, fmt, design, relu=True, clip=clip))
    assert piped(WindowRequantizer(design), steps, 1, "o_code", chosen) == want


def waiting_word(acc: int, design: Design, *, relu: bool) -> int:
    """The definition, bit by bit, in Python integers."""
    envelope = design.out_envelope
    magnitude = 0 if acc < 0 and (relu or not envelope.signed) else abs(acc)
    place, fraction = magnitude.bit_length(), envelope.n_man + 2
    bits = 0
    for index in range(fraction):  # from the bit behind the leading one on
        at = place - 2 - index
        bit = magnitude >> at & 1 if at >= 0 else 0
        if index == fraction - 1 and at > 0 and magnitude & ((1 << at) - 1):
            bit = 1
        bits = bits << 1 | bit
    sign = int(envelope.signed and acc < 0 and magnitude > 0)
    return (sign << design.acc_width.bit_length() | place) << fraction | bits


def test_what_rounds_up_beyond_all_codes_saturates() -> None:
    design = design_of(3)  # e0m5: no exponent that would take the carry
    fmt = AFPFormat(0, 2)
    word = waiting_word(-255, design, relu=False)
    step = {"i_word": word, "i_base": base_of(design, -5, 2), "i_narrow": 3}
    limits = {"i_limit": 24, "i_negative_limit": 24}
    assert piped(Rebiaser(design), [step | limits], 1, "o_code", random.Random(0)) == [56]
    assert expected(-255, -5, fmt, design, relu=False, clip=None) == 56


@pytest.mark.parametrize("stages", [1, 2])
@pytest.mark.parametrize("index", range(len(DESIGNS)))
def test_two_passes_round_once(index: int, stages: int) -> None:
    design, chosen = design_of(index), random.Random(index)
    envelope = design.out_envelope
    accs = sums(design, 240, chosen)
    relu = [chosen.random() < 0.3 for _ in accs]
    steps: list[dict[str, int]] = [{"i_acc": acc} for acc in accs]
    if envelope.signed:
        steps = [step | {"i_relu": int(on)} for step, on in zip(steps, relu, strict=True)]
    words = piped(Narrower(design, stages=stages), steps, stages, "o_word", chosen)
    defined = [waiting_word(acc, design, relu=on) for acc, on in zip(accs, relu, strict=True)]
    assert words == defined
    for on in (False, True):
        these = [acc for acc, flag in zip(accs, relu, strict=True) if flag == on]
        found = golden.waiting_words(
            np.array(these), envelope.n_man, design.acc_width, signed=envelope.signed, relu=on
        )
        assert found.tolist() == [waiting_word(acc, design, relu=on) for acc in these]

    steps, want = [], []
    for acc, on, word in zip(accs, relu, words, strict=True):
        fmt = chosen.choice(formats(envelope))
        offset = offset_for(acc, design, chosen)
        largest = embedded(design, fmt, (1 << fmt.magnitude_width) - 1)
        step: dict[str, Any] = {
            "i_word": word,
            "i_base": base_of(design, offset, fmt.n_man),
            "i_narrow": envelope.n_man - fmt.n_man,
            "i_limit": largest,
        }
        steps.append(step | ({"i_negative_limit": largest} if envelope.signed else {}))
        want.append(expected(acc, offset, fmt, design, relu=on, clip=None))
    assert piped(Rebiaser(design), steps, 1, "o_code", chosen) == want


def test_words_without_sign_are_in_the_order_of_magnitudes() -> None:
    values = np.arange(1 << 12)
    words = golden.waiting_words(values, 2, 13, signed=True)
    assert (np.diff(words) >= 0).all()


@pytest.mark.parametrize("kind", [WindowRequantizer, Narrower])
def test_stages_are_one_or_two(kind: type) -> None:
    refused(lambda: kind(design_of(0), stages=3), rf"{kind.__name__}\.stages must be 1 or 2, not 3")


def test_a_sum_that_is_too_wide_is_refused() -> None:
    with pytest.raises(ValueError, match=r"waiting_words\.acc must have 8 bits, not be 128 to 128"):
        golden.waiting_words([128], 2, 8, signed=True)
