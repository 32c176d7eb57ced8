"""Packing and unpacking against a memory of bits, and an array's edge against a delay in Python."""

from __future__ import annotations

import random

import numpy as np
import pytest

from afp_hw import AFPFormat, golden
from afp_hw.design import Design
from afp_hw.formats import IntFormat
from afp_hw.hdl import Edge, PlanePacker, PlaneUnpacker, operand_layout
from tests.hdl.component_run import play

COUNT, BANKS = 4, 6
SIGNED, UNSIGNED, NARROW = list(range(6)), list(range(5)), [1, 2, 3, 4]
"""Bits of an e3m2 code that e3m2, ue3m2 and ue3m1 store."""


def memory_of(codes: list[list[int]], stored: list[int]) -> list[list[int]]:
    """Words of a memory with a bank per bit, planes right behind one another."""
    planes = [[code >> bit & 1 for code in vector] for vector in codes for bit in stored]
    planes += [[0] * COUNT] * (-len(planes) % BANKS)
    flat = [sum(bit << place for place, bit in enumerate(plane)) for plane in planes]
    return [flat[start : start + BANKS] for start in range(0, len(flat), BANKS)]


@pytest.mark.parametrize("stored", [SIGNED, UNSIGNED, NARROW])
def test_a_vector_comes_out_of_its_planes(stored: list[int]) -> None:
    chosen = random.Random(len(stored))
    mask = sum(1 << bit for bit in stored)
    codes = [[chosen.getrandbits(BANKS) & mask for _ in range(COUNT)] for _ in range(20)]
    memory = memory_of(codes, stored)
    steps = []
    for index in range(len(codes)):
        step = {"i_valid": 1, "i_stored": mask}
        step |= {f"i_plane__{bank}": chosen.getrandbits(COUNT) for bank in range(BANKS)}
        for place, bit in enumerate(stored):
            word, bank = divmod(index * len(stored) + place, BANKS)
            step |= {f"i_plane__{bank}": memory[word][bank], f"i_bank__{bit}": bank}
        steps.append(step)
    seen = play(PlaneUnpacker(COUNT, BANKS, crossbar=True), steps, 1)
    assert [[step[f"o_code__{i}"] for i in range(COUNT)] for step in seen] == codes


@pytest.mark.parametrize("stored", [SIGNED, UNSIGNED, NARROW])
def test_codes_go_into_their_planes(stored: list[int]) -> None:
    chosen = random.Random(len(stored))
    codes = [[chosen.getrandbits(BANKS) for _ in range(COUNT)] for _ in range(20)]
    memory = memory_of(codes, stored)
    steps = []
    for index, vector in enumerate(codes):
        for slot, code in enumerate(vector):
            step = {"i_valid": 1, "i_slot": slot, "i_code": code, "i_stored": 0}
            for place, bit in enumerate(stored):
                bank = (index * len(stored) + place) % BANKS
                step["i_stored"] |= 1 << bank
                step[f"i_bit__{bank}"] = bit
            steps.append(step)
        steps.append(step | {"i_valid": 0})  # the vector is whole: planes as it stands
    seen = play(PlanePacker(COUNT, BANKS, crossbar=True), steps, 1)[COUNT - 1 :: COUNT + 1]
    found = [[0] * BANKS for _ in memory]
    for index, step in enumerate(seen[: len(codes)]):
        for place in range(len(stored)):
            word, bank = divmod(index * len(stored) + place, BANKS)
            found[word][bank] = step[f"o_plane__{bank}"]
    assert found == memory


def test_integers_need_no_crossbar() -> None:
    steps = [{"i_valid": 1, "i_plane__0": 5, "i_plane__1": 3}, {"i_valid": 0, "i_plane__0": 2}]
    seen = play(PlaneUnpacker(3, 2, crossbar=False), steps, 1)
    assert [seen[0][f"o_code__{i}"] for i in range(3)] == [3, 2, 1]
    assert seen[1] == seen[0]
    steps = [{"i_valid": 1, "i_slot": slot, "i_code": slot + 1} for slot in range(3)]
    last = play(PlanePacker(3, 2, crossbar=False), steps, 1)[-1]
    assert [last["o_plane__0"], last["o_plane__1"]] == [0b101, 0b110]


def twice_fix(operand: int, fmt: AFPFormat | IntFormat) -> int:
    """Twice what a decoded operand stands for, by the definition of its fields."""
    fields = operand_layout(fmt).from_bits(operand)
    if isinstance(fmt, IntFormat):
        return 2 * fields.sig
    value = fields.sig << fields.shift if fmt.n_exp >= 2 else 2 * fields.sig
    return -value if fields.sign else value


@pytest.mark.parametrize("decode", ["pe", "edge"])
@pytest.mark.parametrize("formats", ["e3m1 e3m2", "e1m2 ue0m4", "e2m0 ue2m3", "int4 int4"])
def test_element_i_leaves_an_edge_i_cycles_later(formats: str, decode: str) -> None:
    names = formats.split()
    if names[0].startswith("int"):
        both = [IntFormat.parse(name) for name in names]
    else:
        both = [AFPFormat.parse(name) for name in names]  # type: ignore[misc]
    design = Design(*both, rows=3, cols=2, lanes=2, k=8, decode=decode)  # type: ignore[arg-type]
    for side, fmt, count in (("act", design.acts, 3), ("wgt", design.weights, 2)):
        random_codes = np.random.default_rng(1).integers(0, 1 << fmt.width, (24, count, 2))
        steps = []
        for index, vector in enumerate(random_codes.tolist()):
            step = {
                f"i_code__{i}": lanes[0] | lanes[1] << fmt.width for i, lanes in enumerate(vector)
            }
            if side == "act":
                step |= {"i_first": index % 4 == 0, "i_last": index % 4 == 3}
                step["i_valid"] = index % 5 != 3
            steps.append(step)
        seen = play(Edge(design, side), steps, 0)
        zero = [c & ~(fmt.signed << fmt.width - 1) for c in range(1 << fmt.width)]
        for index in range(count, len(steps)):
            for i in range(count):
                late = index - i
                counts = steps[late].get("i_valid", True)
                codes = random_codes[late, i].tolist() if counts else [0, 0]
                live = [int((zero[c] if isinstance(fmt, AFPFormat) else c) != 0) for c in codes]
                assert seen[index][f"o_live__{i}"] == live[0] | live[1] << 1
                operands = [seen[index][f"o__{i}__{lane}"] for lane in range(2)]
                if decode == "pe":
                    assert operands == codes
                else:
                    assert [twice_fix(operand, fmt) for operand in operands] == [
                        2 * (golden.to_fix_scalar(c, fmt) if isinstance(fmt, AFPFormat) else c)
                        for c in codes
                    ]
                if side == "act":
                    tag = int(late % 4 == 0) | int(late % 4 == 3) << 1
                    assert seen[index][f"o_tag__{i}"] == (tag if counts else 0)
