"""Walks through a descriptor's loops in Amaranth's simulator, against loops of Python."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from afp_hw.hdl.walk import LEVELS, QUANTITIES, WALK_SETTINGS, Walk
from tests.hdl.component_run import play

FLAGS = ("chunk_begins", "chunk_ends", "first_chunk", "last_chunk", "extra")
ENDS = ("tile_ends", "n_ends", "ends")


def packed(values: dict[str, int]) -> int:
    """The walk's settings as one number."""
    bits = 0
    for name, field in WALK_SETTINGS:
        bits |= (values[name] & ((1 << field.width) - 1)) << field.offset
    return bits


def loops(s: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Every step, by definition; what is None is of no meaning."""
    regular = list(product(*(range(s[f"{name}_count"]) for name in ("ky", "kx", "cj"))))
    chunks = [(*at, 0) for at in regular]
    chunks += [(0, 0, 0, extra) for extra in range(1, s["extra_chunks"] + 1)]
    if s["single_chunk"]:
        chunks = [(0, 0, 0, 0)]
    last_regular = max(index for index, each in enumerate(chunks) if each[3] == 0)
    tiles = -(-s["pixels"] // s["tile_pixels"])
    for n in range(s["n_tiles"]):
        for tile in range(tiles):
            for number, (ky, kx, cj, extra) in enumerate(chunks):
                for step in range(s["length"]):
                    pixel = tile * s["tile_pixels"] + step
                    exists = step < s["tile_pixels"] and pixel < s["pixels"]
                    at = {"ky": ky, "kx": kx, "cj": cj, "n": n}
                    at |= {"x": pixel % s["out_width"], "y": pixel // s["out_width"]}
                    counted = exists and not extra
                    tile_ends = number + 1 == len(chunks)
                    n_ends = tile_ends and tile + 1 == tiles
                    yield {
                        **{
                            name: s[f"{name}_start"]
                            + sum(at[level] * s[f"{name}_{level}"] for level in LEVELS)
                            if counted
                            else None
                            for name in QUANTITIES
                        },
                        "step": step,
                        "pixel": pixel if exists else None,
                        "exists": int(exists),
                        "n": n,
                        "table": None if extra else cj,
                        "slice": extra,
                        "chunk_begins": int(step == 0),
                        "chunk_ends": int(step + 1 == s["length"]),
                        "first_chunk": int(number == 0),
                        "last_chunk": int(number == last_regular),
                        "extra": int(extra > 0),
                        "tile_ends": int(tile_ends),
                        "n_ends": int(n_ends),
                        "ends": int(n_ends and n + 1 == s["n_tiles"]),
                    }


def random_settings(chosen: random.Random, kind: str) -> dict[str, int]:
    """Loops as an operation has them: one tile of pixels, tiles of rows, tiles of one chunk."""
    small = (1, 1, 2, 3)
    pixels = chosen.choice((1, 2, 5, 8, 13))
    tile = pixels if kind == "pixels" else chosen.choice((1, 2, 4, 7))
    s = {
        "length": tile + (chosen.choice((0, 0, 1, 3)) if kind == "pixels" else 0),
        "single_chunk": int(kind == "single"),
        "n_tiles": chosen.choice(small),
        "pixels": pixels,
        "tile_pixels": tile,
        "out_width": chosen.choice((1, 2, 3, pixels, pixels + 4)),
        "extra_chunks": chosen.choice((0, 0, 1, 4)),
    }
    s |= {f"{name}_count": chosen.choice(small) for name in ("cj", "kx", "ky")}
    for name, width in QUANTITIES.items():
        for level in (*LEVELS, "start"):
            # Sums wrap in their own width, which is as wide as what is compared.
            s[f"{name}_{level}"] = chosen.choice(
                (0, 1, chosen.randint(-9, 9), chosen.randrange(-1 << width - 1, 1 << width - 1))
            )
    return s


def check(runs: list[dict[str, int]], chosen: random.Random, pauses: float) -> int:
    """Walk through all runs, one behind the other; a step's outputs stay while it pauses."""
    steps: list[dict[str, int]] = []
    want: list[dict[str, Any] | None] = []
    for settings in runs:
        word = packed(settings)
        steps.append({"i": word, "i_start": 1, "i_advance": chosen.getrandbits(1)})
        want.append(None)
        for expected in loops(settings):
            while chosen.random() < pauses:
                steps.append({"i": word, "i_start": 0, "i_advance": 0})
                want.append(expected)
            steps.append({"i": word, "i_start": 0, "i_advance": 1})
            want.append(expected)
    compared = 0
    for index, (seen, expected) in enumerate(zip(play(Walk(), steps, 0), want, strict=True)):
        for name, value in (expected or {}).items():
            if value is not None:
                width = QUANTITIES.get(name, 16)
                assert seen[f"o_{name}"] == value & ((1 << width) - 1), (index, name, runs)
                compared += 1
    return compared


@pytest.mark.parametrize("pauses", [0.0, 0.5])
@pytest.mark.parametrize("kind", ["pixels", "rows", "single"])
def test_every_step_is_that_of_the_loops(kind: str, pauses: float) -> None:
    chosen = random.Random(f"{kind} {pauses}")
    runs = [random_settings(chosen, kind) for _ in range(15 if pauses else 40)]
    assert check(runs, chosen, pauses) > 5000


def test_kinds_of_loops_follow_one_another() -> None:
    chosen = random.Random(0)
    kinds = [chosen.choice(("pixels", "rows", "single")) for _ in range(25)]
    check([random_settings(chosen, kind) for kind in kinds], chosen, 0.1)


def test_a_walk_begins_anew_in_the_middle_of_another() -> None:
    chosen = random.Random(1)
    steps: list[dict[str, int]] = []
    want: list[tuple[int, dict[str, Any]]] = []
    for _ in range(30):
        settings = random_settings(chosen, chosen.choice(("pixels", "rows", "single")))
        word = packed(settings)
        steps.append({"i": word, "i_start": 1, "i_advance": 0})
        for count, expected in enumerate(loops(settings)):
            if count == 20:
                break
            want.append((len(steps), expected))
            steps.append({"i": word, "i_start": 0, "i_advance": 1})
    seen = play(Walk(), steps, 0)
    for index, expected in want:
        for name in (*FLAGS, *ENDS, "step", "n", "slice", "exists"):
            assert seen[index][f"o_{name}"] == expected[name], (index, name)


def test_counts_may_be_the_largest_of_their_fields() -> None:
    """Ends of loops are told by comparisons that must not wrap."""
    chosen = random.Random(2)
    base = random_settings(chosen, "pixels")
    small = dict.fromkeys(("n_tiles", "cj_count", "kx_count", "ky_count"), 1)
    small |= {"extra_chunks": 0, "pixels": 2, "tile_pixels": 2, "length": 2, "out_width": 2}
    for name, most in (("kx_count", 255), ("ky_count", 255), ("extra_chunks", 255)):
        check([base | small | {name: most}], chosen, 0.0)
    check([base | small | {"n_tiles": 4095, "pixels": 1, "tile_pixels": 1, "length": 1}], chosen, 0)
    check(
        [base | small | {"cj_count": 4095, "pixels": 1, "tile_pixels": 1, "length": 1}], chosen, 0
    )
