"""IntFormat against NumPy's integers and two's complement as defined; what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from afp_hw.formats import IntFormat

ALL = [IntFormat(width, signed) for signed in (True, False) for width in range(1 + signed, 17)]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16])
def test_limits_are_those_of_numpy(dtype: type) -> None:
    info = np.iinfo(dtype)
    fmt = IntFormat.parse(np.dtype(dtype).name)
    assert (fmt.width, fmt.signed) == (info.bits, info.min < 0)
    assert (fmt.lowest, fmt.highest) == (info.min, info.max)
    assert fmt.max_fix == max(-info.min, info.max)


@pytest.mark.parametrize("fmt", ALL, ids=str)
def test_there_is_a_number_for_every_code(fmt: IntFormat) -> None:
    assert fmt.highest - fmt.lowest + 1 == 1 << fmt.width
    assert (fmt.lowest < 0) == fmt.signed
    assert IntFormat.parse(str(fmt)) == fmt


def test_holding_is_inclusion_of_all_integers() -> None:
    numbers = {fmt: set(range(fmt.lowest, fmt.highest + 1)) for fmt in ALL if fmt.width <= 6}
    for fmt, mine in numbers.items():
        for other, theirs in numbers.items():
            assert fmt.holds(other) == (theirs <= mine)


def test_signed_of_an_unsigned_format_has_its_width() -> None:
    assert IntFormat(8, signed=False).as_signed() == IntFormat(8)


def test_names_are_read_in_any_case() -> None:
    assert IntFormat.parse(" INT8 ") == IntFormat(8)
    assert IntFormat.parse("uInt4") == IntFormat(4, signed=False)


@pytest.mark.parametrize("text", ["int", "int08", "8", "sint8", "int8.0", "int-8", "int100"])
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be written like 'int8' or 'uint8', not"):
        IntFormat.parse(text)


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ((1,), ValueError, "IntFormat.width must be in 2..16, not 1"),
        ((0, False), ValueError, "IntFormat.width must be in 1..16, not 0"),
        ((17,), ValueError, "IntFormat.width must be in 2..16, not 17"),
        ((8.0,), TypeError, "IntFormat.width must be an integer, not 8.0"),
        ((True,), TypeError, "IntFormat.width must be an integer, not True"),
        ((8, 1), TypeError, "IntFormat.signed must be a bool, not 1"),
    ],
)
def test_what_is_no_format_is_refused(
    arguments: tuple[object, ...], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error) as caught:
        IntFormat(*arguments)
    assert str(caught.value) == sentence
