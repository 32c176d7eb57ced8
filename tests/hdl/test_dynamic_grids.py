"""Parts that only an accelerator with dynamic grids has, in Amaranth's simulator; golden."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest

from afp_hw import AFPFormat, golden
from afp_hw.design import AcceleratorDesign, Design
from afp_hw.hdl.grids import GridRule, Grids, grid_layout
from afp_hw.hdl.init_scaler import InitScaler
from afp_hw.hdl.narrower import place_width
from afp_hw.hdl.rebias import Rebias
from afp_hw.hdl.word_edge import WordEdge
from tests.hdl.component_run import play

ENVELOPES = ["e3m2", "ue3m1", "e0m4", "e2m0", "e5m1"]


def design(acts: str, init_max: int = 4194304) -> AcceleratorDesign:
    array = Design(
        AFPFormat.parse("e3m1"), AFPFormat.parse(acts), rows=4, cols=4, k=64, init_max=init_max
    )
    return AcceleratorDesign(array, dynamic=True)


def signed(value: int, width: int) -> int:
    return value - (1 << width) if value >> (width - 1) else value


@pytest.mark.parametrize("left", [0, 1, 3])
@pytest.mark.parametrize("init_max", [4194304, 1000, 1])
def test_initial_values_are_the_bias_rounded_once(init_max: int, left: int) -> None:
    """Against golden, in the layer's own units; saturated there, and then moved to the array's."""
    chosen = random.Random(f"{init_max} {left}")
    cases = [(0, 5), (-5, -1), (5, -1), (3, -1), (-(2**31) + 1, 40), (1, -32), (2**31 - 1, -32)]
    for _ in range(500):
        bias = chosen.getrandbits(chosen.randint(1, 31)) * chosen.choice([1, -1])
        cases.append((bias, chosen.randint(-45, 45)))
    accelerator = design("e3m2", init_max)
    steps = [{"i_bias": b, "i_exponent": e, "i_left": left} for b, e in cases]
    seen = play(InitScaler(accelerator), steps, 1)
    got = [signed(step["o_init"], accelerator.array.init_width) for step in seen]
    wanted = [
        int(golden.init_from_bias(np.array([b]), e, 0, init_max >> left)[0]) << left
        for b, e in cases
    ]
    assert got == wanted


def formats(envelope: AFPFormat) -> list[AFPFormat]:
    return [
        AFPFormat(n_exp, n_man, envelope.signed)
        for n_exp in range(envelope.n_exp + 1)
        for n_man in range(envelope.n_man + 1)
        if n_exp + n_man
    ]


def settings(fmt: AFPFormat, envelope: AFPFormat) -> dict[str, int]:
    """Of a :class:`.Rebias`, for codes of a format."""
    sign = {"i_signed": int(fmt.signed)} if envelope.signed else {}
    return {"i_n_exp": fmt.n_exp, "i_n_man": fmt.n_man, **sign}


def sums(accelerator: AcceleratorDesign, fmt: AFPFormat, chosen: random.Random) -> list[int]:
    """Magnitudes around the largest number of the format, moved anywhere, and others."""
    width = accelerator.array.acc_width
    found = [0, 1, (1 << width - 1) - 1, -(1 << width - 1)]
    for _ in range(60):
        near = fmt.max_fix + chosen.randint(-1, 1)
        room = width - 1 - near.bit_length()
        if room > 0:
            up = chosen.randrange(room)
            found.append((near << up) + chosen.choice([0, 0, 1, -1, 1 << up >> 1]))
        found.append(chosen.getrandbits(chosen.randint(1, width - 1)))
    found = [min(value, (1 << width - 1) - 1) for value in found]
    return found if not fmt.signed else [v if v < 0 else chosen.choice([1, -1]) * v for v in found]


@pytest.mark.parametrize("acts", ENVELOPES)
def test_words_their_grid_and_their_codes_are_one_rounding(acts: str) -> None:
    """Sum to word, largest word to grid, word to code: what golden makes of the sum directly."""
    chosen = random.Random(acts)
    accelerator = design(acts)
    envelope = accelerator.array.out_envelope
    fraction = envelope.n_man + 2
    for fmt in formats(envelope):
        for align in (0, 1, 5, 16):
            values = sums(accelerator, fmt, chosen)
            values = [max(value, 0) for value in values] if not envelope.signed else values
            # One sum at a time is its tensor's largest.
            steps = [{"i_valid": 1, "i_acc": v, "i_align": align, "i_relu": 0} for v in values]
            words = [step["o_word"] for step in play(WordEdge(accelerator), steps, 2)]
            mask = (1 << accelerator.place_width + fraction) - 1
            rule = [
                {"i_largest": w & mask, "i_unit": -7, "i_n_exp": fmt.n_exp, "i_n_man": fmt.n_man}
                for w in words
            ]
            grids = [step["o_grid"] for step in play(GridRule(accelerator), rule, 0)]
            lsb = grid_layout(accelerator)["lsb"].width
            bases = [grid >> lsb for grid in grids]
            lsbs = [signed(grid & ((1 << lsb) - 1), lsb) for grid in grids]
            unit = Fraction(2) ** (align - 7)
            assert lsbs == [golden.finest_lsb(abs(v) * unit, fmt.max_fix) for v in values]
            rebias = [
                {"i_word__0": w, "i_base": base, **settings(fmt, envelope)}
                for w, base in zip(words, bases, strict=True)
            ]
            codes = [step["o_code__0"] for step in play(Rebias(accelerator, 1), rebias, 1)]
            for value, code, grid in zip(values, codes, lsbs, strict=True):
                own = golden.requantize(np.array([value]), align - 7 - grid, fmt)
                assert code == int(golden.embed(own, fmt, envelope)[0]), (fmt, align, value)


def test_smaller_words_of_the_same_tensor() -> None:
    """A grid that another sum fixed: subnormal numbers, ties, what rounds to zero."""
    chosen = random.Random(3)
    accelerator = design("e3m2")
    envelope = accelerator.array.out_envelope
    values = [chosen.randint(-2000, 2000) for _ in range(400)] + [123456]
    steps = [{"i_valid": 1, "i_acc": v, "i_align": 2, "i_relu": v % 2} for v in values]
    words = [step["o_word"] for step in play(WordEdge(accelerator), steps, 2)]
    kept = [0 if v < 0 and v % 2 else v for v in values]
    every = formats(envelope)
    for fmt in [*every, *(each.as_unsigned() for each in every)]:
        lsb = golden.finest_lsb(123456 * 4, fmt.max_fix)
        base = 0 - lsb - fmt.n_man
        rebias = [{"i_word__0": w, "i_base": base, **settings(fmt, envelope)} for w in words]
        codes = [step["o_code__0"] for step in play(Rebias(accelerator, 1), rebias, 1)]
        own = golden.requantize(np.array(kept), 2 - lsb, fmt)
        assert codes == golden.embed(own, fmt, envelope).tolist()


def test_largest_word_of_a_column_is_handed_on() -> None:
    """The maximum of magnitudes; a collection takes the neighbour's and begins again."""
    accelerator = design("e3m2")
    fraction = accelerator.array.out_envelope.n_man + 2
    idle = {"i_valid": 0, "i_acc": 0, "i_align": 0, "i_relu": 0, "i_collect": 0, "i_largest": 0}
    values = [5, -300, 7, 0]
    steps = [{**idle, "i_valid": 1, "i_acc": v} for v in values]
    steps += [idle] * 3 + [{**idle, "i_collect": 1, "i_largest": 9}, idle]
    seen = [step["o_largest"] for step in play(WordEdge(accelerator), steps, 0)]
    width = place_width(accelerator.array)
    word = int(
        golden.waiting.waiting_words(
            np.array([300]), fraction - 2, accelerator.array.acc_width, signed=False
        )[0]
    )
    assert word >> fraction < 1 << width
    assert seen[7] == word
    assert seen[8] == 9


def test_grids_are_kept_by_place() -> None:
    """What was written is found, three places in one lookup, and by the load engine."""
    accelerator = design("e3m2")
    layout = grid_layout(accelerator)
    idle = {"i_write": 0, "i_begin": 0}
    steps = [{"i_write": 1, "i_place": p, "i_grid": 1000 + p, "i_begin": 0} for p in (3, 200, 0)]
    looks = {"i_look__0": 200, "i_look__1": 0, "i_look__2": 3, "i_load_place": 3}
    steps += [{**idle, **looks, "i_begin": 1}, *[{**idle, **looks}] * 6]
    seen = play(Grids(accelerator), steps, 0)
    assert [step["o_looked"] for step in seen] == [0] * 8 + [1, 0]
    got = [seen[8][f"o_grid__{index}"] for index in range(3)]
    assert got == [1200, 1000, 1003]
    assert seen[8]["o_load_lsb"] == 1003 & ((1 << layout["lsb"].width) - 1)
