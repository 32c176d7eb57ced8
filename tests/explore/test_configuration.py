"""Points: a rival appears once, an array holds its network's sums, rivals have a carrier."""

from __future__ import annotations

import pytest

from afp_hw.explore.configuration import Configuration, Sums, canonical
from afp_hw.explore.formats import CARRIED_BITS, Pair
from afp_hw.explore.space import Space
from afp_hw.explore.space_file import parse_space

SUMS = Sums(576, 66297)


def space_of(axes: str = "", top: str = "") -> Space:
    return parse_space(f"{top}\n[axes]\n{axes}\n", "test", "s.toml")


def test_a_rival_appears_once_whatever_is_of_afp_alone() -> None:
    space = space_of(
        'formats = ["e3m1", "int8", "fp16"]\nbits = ["none", 4]\ntune = [true, false]\n'
        'decode = ["pe", "edge"]'
    )
    points = list(space.grid())
    count = {name: sum(p["formats"] == name for p in points) for name in space.axes["formats"]}
    assert count == {"e3m1": 8, "int8": 2, "fp16": 1}
    assert space.size == 24


def test_a_canonical_point_stays_as_it_is() -> None:
    for name in ("e3m1", "int8", "fp16"):
        point = canonical({"formats": name, "bits": 4.0, "registers": ["sum"], "size": "2x3"})
        assert canonical(point) == point
        assert (point["rows"], point["cols"]) == (2, 3)


def test_rivals_run_as_afp_of_their_width() -> None:
    for width in range(2, CARRIED_BITS + 1):
        carrier = Configuration.of({"formats": f"int{width}"}).carrier()
        assert carrier.width == width
        assert carrier.weights == carrier.acts
        Configuration.of({"formats": f"int{width}"}).accelerator(SUMS)
    assert Configuration.of({"formats": "e3m1/e3m2"}).carrier() == Pair.parse("e3m1/e3m2")
    for name, width in (("fp32", 32), ("tf32", 19), ("fp16", 16)):
        with pytest.raises(
            ValueError,
            match=r"^Configuration\.formats must have at most 15 bits on the accelerator, not "
            f"{width}$",
        ):
            Configuration.of({"formats": name}).carrier()
    with pytest.raises(ValueError, match=r"^Design\.weights must be AFP or integers, not fp16$"):
        Configuration.of({"formats": "fp16"}).design(SUMS)


def test_an_array_holds_the_sums_of_its_network() -> None:
    design = Configuration.of({"formats": "e3m1/e3m2"}).design(SUMS)
    assert design.k == SUMS.products
    weights, acts = design.afp_weights, design.afp_acts
    assert design.init_bound >= SUMS.products * weights.max_fix * acts.max_fix
    averages = Configuration.of({"formats": "e1m1"}).design(Sums(1, 1 << 20))
    assert averages.init_bound >= averages.afp_acts.max_fix << 20
    assert Configuration.of({"formats": "int8"}).design(SUMS).init_max == 0
