"""AFPFormat against its definition (``docs/numerics.md`` section 1) and published formats."""

from __future__ import annotations

import dataclasses

import gfloat.formats
import pytest

from afp_hw import AFPFormat

ALL = [
    AFPFormat(n_exp, n_man, signed)
    for n_exp in range(9)
    for n_man in range(24)
    for signed in (True, False)
    if n_exp + n_man
]


@pytest.mark.parametrize(
    ("n_exp", "n_man", "max_fix"),
    [(0, 4, 15), (1, 3, 15), (2, 1, 12), (3, 0, 64), (3, 1, 192), (3, 2, 448), (5, 2, 7 << 30)],
)
def test_largest_fix(n_exp: int, n_man: int, max_fix: int) -> None:
    assert AFPFormat(n_exp, n_man).max_fix == max_fix


def test_largest_fix_is_the_formula_of_the_definition() -> None:
    for fmt in ALL:
        if fmt.n_exp:
            expected = (2 ** (fmt.n_man + 1) - 1) * 2 ** (2**fmt.n_exp - 2)
        else:
            expected = 2**fmt.n_man - 1
        assert fmt.max_fix == expected


@pytest.mark.parametrize(
    ("name", "bias", "published"),
    [
        ("e2m1", 1, gfloat.formats.format_info_ocp_e2m1),
        ("e2m3", 1, gfloat.formats.format_info_ocp_e2m3),
        ("e3m2", 3, gfloat.formats.format_info_ocp_e3m2),
    ],
)
def test_largest_value_of_the_mx_formats(name: str, bias: int, published: object) -> None:
    fmt = AFPFormat.parse(name)
    assert fmt.max_fix * 2.0 ** fmt.lsb(bias) == published.max


def test_width_counts_the_sign() -> None:
    assert AFPFormat(3, 1).width == 5
    assert AFPFormat(3, 2, signed=False).width == 5
    assert AFPFormat(3, 2, signed=False).magnitude_width == 5


def test_names_round_trip() -> None:
    for fmt in ALL:
        assert AFPFormat.parse(str(fmt)) == fmt
    assert str(AFPFormat(3, 1)) == "e3m1"
    assert str(AFPFormat(3, 2, signed=False)) == "ue3m2"


def test_lsb_and_bias_are_inverse() -> None:
    fmt = AFPFormat(3, 2)
    assert fmt.lsb(3) == -4
    assert fmt.bias(fmt.lsb(-17)) == -17


def test_wider_holds_narrower() -> None:
    assert AFPFormat(3, 2).holds(AFPFormat(2, 1))
    assert AFPFormat(3, 2).holds(AFPFormat(3, 2, signed=False))
    assert not AFPFormat(3, 2, signed=False).holds(AFPFormat(3, 2))
    assert not AFPFormat(3, 2).holds(AFPFormat(4, 0))


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ((9, 1), ValueError, "AFPFormat.n_exp must be in 0..8, not 9"),
        ((-1, 1), ValueError, "AFPFormat.n_exp must be in 0..8, not -1"),
        ((3, 24), ValueError, "AFPFormat.n_man must be in 0..23, not 24"),
        ((0, 0), ValueError, "AFPFormat.n_exp + n_man must be at least 1, not 0"),
        ((3.0, 1), TypeError, "AFPFormat.n_exp must be an integer, not 3.0"),
        ((True, 1), TypeError, "AFPFormat.n_exp must be an integer, not True"),
        ((3, 1, 1), TypeError, "AFPFormat.signed must be a bool, not 1"),
    ],
)
def test_refused_parameters(
    arguments: tuple[object, ...], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error) as caught:
        AFPFormat(*arguments)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "text", ["", "e3", "m1", "3m1", "e3m1x", "e-1m2", "se3m1", "e3 m1", "e999m1", "e03m1", "e٣m1"]
)
def test_refused_names(text: str) -> None:
    with pytest.raises(ValueError, match="AFPFormat"):
        AFPFormat.parse(text)


def test_a_format_is_frozen_and_hashable() -> None:
    fmt = AFPFormat(3, 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        fmt.n_exp = 4
    assert {fmt: 1}[AFPFormat.parse("e3m1")] == 1
