"""Waits: what they promise, and that one which is missing is seen."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from afp_hw.design import load_accelerator
from afp_hw.design.descriptor import DESCRIPTOR_BYTES, FIELDS, pack_descriptor
from afp_hw.network.exact import encode_images
from afp_hw.program import compile_network
from afp_hw.program.interpreter import interpret
from afp_hw.program.waits import Done, promises
from tests.program.networks import Builder

SMALL = load_accelerator(Path(__file__).parents[2] / "gen" / "accelerator4.toml")


def descriptors(*waits: tuple[int, int, int, int]) -> list[dict[str, int]]:
    names = ("wait_computed", "wait_stored", "wait_bank", "store")
    return [dict(zip(names, each, strict=True)) for each in waits]


def test_waits_imply_what_came_before() -> None:
    found = promises(descriptors((0, 0, 0, 1), (0, 0, 0, 1), (1, 1, 1, 0), (0, 0, 0, 1)))
    assert found[0].compute == Done(0, 0)
    assert found[1].load == Done(0, 0)
    assert found[1].compute == Done(1, 0)
    # The first store has finished, so the first descriptor has been computed.
    assert (found[2].load, found[2].operands) == (Done(1, 0), Done(1, 1))
    # Loads are in order: what one has waited for holds for the next.
    assert (found[3].load, found[3].compute) == (Done(1, 1), Done(3, 1))


@pytest.mark.parametrize(
    ("waits", "sentence"),
    [
        ((1, 0, 0, 1), "descriptor 0.wait_computed must be at most 0, of those before it, not 1"),
        ((0, 2, 0, 1), "descriptor 0.wait_stored must be at most 0, of those before it, not 2"),
    ],
)
def test_a_wait_for_what_comes_later_is_refused(
    waits: tuple[int, int, int, int], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        promises(descriptors(waits))


def refusal(memory: bytearray) -> str | None:
    """What the interpreter says of a program, None where it runs."""
    try:
        interpret(memory, SMALL)
    except ValueError as error:
        return str(error)
    return None


def test_a_missing_wait_is_seen() -> None:
    net = Builder(4, 12, 6)
    net.conv(8)
    first = net.relu()
    net.conv(8)
    net.relu()
    net.add(first)
    net.average()
    net.linear(10)
    network, image = net.lowered(SMALL)
    program = compile_network(network, SMALL, rows=3)
    memory = program.memory(encode_images(network, image[None]).codes[0])
    seen = dict.fromkeys(("wait_computed", "wait_stored", "wait_bank"), 0)
    for index, each in enumerate(program.descriptors):
        for name in seen:
            if not each[name]:
                continue
            changed: dict[str, Any] = {**each, name: 0}
            broken = bytearray(memory)
            at = index * DESCRIPTOR_BYTES
            broken[at : at + DESCRIPTOR_BYTES] = pack_descriptor(changed)
            said = refusal(broken)
            if said is not None:  # else another wait implies it
                assert re.match(r"descriptor \d+ must (load|be computed)", said)
                seen[name] += 1
    assert all(count >= 4 for count in seen.values()), seen


@pytest.mark.parametrize(
    ("index", "changes", "sentence"),
    [
        (
            0,
            {"act_address": 0, "act_beats": 600},
            "activations must be loaded with at most 4096 bytes, not 4800",
        ),
        (0, {"act_address": 4}, r"descriptor 0.act_address must be that of beats within \d+ bytes"),
        (1, {"n_tiles": 20}, "descriptor 1.n_tiles must be at most 16, not 20"),
        (0, {"ky_count": 200}, r"weights must be read in its 8192 bytes, not \d+"),
        (0, {"wgt_row_bits": 4}, "descriptor.wgt_row_bits must be 20, not 4"),
        (0, {"output": 2}, "descriptor.output must be codes or sums, not 2"),
        (0, {"store_address": (1 << 31)}, r"store_address must leave \d+ of \d+ bytes"),
        (0, {"out_n_exp": 5}, "descriptor.out must be a format that e3m2 holds, not ue5m2"),
    ],
)
def test_a_wrong_descriptor_is_refused(index: int, changes: dict[str, int], sentence: str) -> None:
    net = Builder(4, 6, 6)
    net.conv(8)
    net.relu()
    net.linear(3)
    network, image = net.lowered(SMALL)
    program = compile_network(network, SMALL)
    memory = program.memory(encode_images(network, image[None]).codes[0])
    memory += bytes(8192)
    at = index * DESCRIPTOR_BYTES
    changed = {**program.descriptors[index], **changes}
    memory[at : at + DESCRIPTOR_BYTES] = pack_descriptor(changed)
    with pytest.raises(ValueError, match=sentence):
        interpret(memory, SMALL)


def test_a_program_without_an_end_is_refused() -> None:
    memory = bytearray(3 * DESCRIPTOR_BYTES)
    with pytest.raises(ValueError, match="program must have a last descriptor, not 3 others"):
        interpret(memory, SMALL)
    assert "last" in FIELDS
