"""Names of formats of every kind, read and written."""

from __future__ import annotations

import pytest

from afp_hw.formats import AFPFormat, FloatFormat, IntFormat, parse_format, parse_number
from afp_hw.formats.floating import FLOAT_FORMATS


@pytest.mark.parametrize(
    ("text", "fmt"),
    [
        ("e3m1", AFPFormat(3, 1)),
        ("ue3m2", AFPFormat(3, 2, signed=False)),
        (" E0M4 ", AFPFormat(0, 4)),
        ("int8", IntFormat(8)),
        (" UInt4 ", IntFormat(4, signed=False)),
    ],
)
def test_numbers_are_read_by_their_names(text: str, fmt: AFPFormat | IntFormat) -> None:
    assert parse_number(text) == fmt
    assert parse_format(text) == fmt


@pytest.mark.parametrize("fmt", FLOAT_FORMATS, ids=str)
def test_floating_formats_are_formats_but_no_numbers_of_an_array(fmt: FloatFormat) -> None:
    assert parse_format(f" {str(fmt).upper()} ") is fmt
    with pytest.raises(ValueError, match="not"):
        parse_number(str(fmt))


def test_every_format_reads_what_it_writes() -> None:
    formats = [
        *FLOAT_FORMATS,
        *(AFPFormat(e, m, s) for e in range(6) for m in range(4) for s in (True, False) if e + m),
        *(IntFormat(width) for width in range(2, 17)),
        *(IntFormat(width, signed=False) for width in range(1, 17)),
    ]
    assert [parse_format(str(fmt)) for fmt in formats] == formats


def test_what_is_no_format_is_refused_with_all_kinds_named() -> None:
    with pytest.raises(ValueError, match=r"^a format must be AFP \('e3m1'") as caught:
        parse_format("fp12")
    assert str(caught.value).endswith("fp8e4m3, fp8e5m2, bf16, fp16, tf32, fp32, not 'fp12'")
    with pytest.raises(TypeError, match=r"^a format must be a string, not 8$"):
        parse_format(8)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["int99", "uint0", "e9m1", "e3m24", "int1"])
def test_fields_out_of_range_are_refused_as_their_format_says(text: str) -> None:
    with pytest.raises(ValueError, match=r"(IntFormat|AFPFormat)"):
        parse_format(text)
