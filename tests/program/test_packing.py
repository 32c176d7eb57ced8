"""Packed codes against the definition, bit by bit; tensors to bytes and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afp_hw import AFPFormat
from afp_hw.network import TensorFormat
from afp_hw.program.layout import TensorLayout
from afp_hw.program.packing import pack_rows, pack_stream, unpack_rows


@st.composite
def rows(draw: st.DrawFn) -> tuple[int, list[list[int]]]:
    width = draw(st.integers(1, 40))
    count = draw(st.integers(1, 9))
    codes = st.lists(st.integers(0, (1 << width) - 1), min_size=count, max_size=count)
    return width, draw(st.lists(codes, min_size=1, max_size=4))


@given(rows(), st.integers(0, 3))
def test_a_row_is_one_number_with_the_first_code_lowest(
    case: tuple[int, list[list[int]]], spare: int
) -> None:
    width, codes = case
    size = -(-len(codes[0]) * width // 8) + spare
    packed = pack_rows(np.array(codes, np.uint64), width, size)
    for row, data in zip(codes, packed, strict=True):
        number = sum(code << width * index for index, code in enumerate(row))
        assert data.tobytes() == number.to_bytes(size, "little")
    assert unpack_rows(packed, width, len(codes[0])).tolist() == codes


def test_a_stream_is_filled_up_to_beats_wherever_it_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = np.random.default_rng(0).integers(0, 32, 100)
    whole = pack_stream(codes, 5, 16)
    assert len(whole) == 64
    assert whole[63] == 0
    monkeypatch.setattr("afp_hw.program.packing._BLOCK", 16)
    assert pack_stream(codes, 5, 16) == whole


@pytest.mark.parametrize(
    ("codes", "size", "sentence"),
    [
        ([[1, 2, 3]], 1, "pack_rows.row_bytes must be at least 2, not 1"),
        ([[1, 32, 3]], 2, r"pack_rows.codes must be in 0\.\.31, not 32"),
    ],
)
def test_what_does_not_fit_is_refused(codes: list[list[int]], size: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        pack_rows(np.array(codes), 5, size)


def test_a_tensor_lies_row_by_row_channels_innermost() -> None:
    fmt = AFPFormat(3, 2)
    layout = TensorLayout("x", (2, 2, 3), (2, 2, 3), 4, fmt.width, 8, TensorFormat(fmt, 0))
    codes = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    data = layout.pack(codes)
    assert (layout.row_bytes, layout.size, len(data)) == (16, 32, 32)  # 72 bits of 2 beats
    second_row = int.from_bytes(data[16:32], "little")
    pixel = second_row >> 2 * 4 * 6  # pixel (1, 2): channels 5 and 11, and two that are not there
    assert pixel == 5 | 11 << 6
    assert np.array_equal(layout.unpack(data), codes)


def test_sums_come_back_from_their_slices() -> None:
    sums = np.array([-(1 << 29), (1 << 29) - 1, -1, 0, 12345], np.int64)
    layout = TensorLayout("y", (5,), (5, 1, 1), 40, 6, 8, None, 5, 30, 4)
    words = np.zeros((2, 5, 4), np.uint8)  # tiles, slices, columns
    for index, value in enumerate(sums.tolist()):
        for part in range(5):
            words[index // 4, part, index % 4] = (value >> 6 * part) & 63
    data = pack_rows(words.reshape(1, -1), 6, layout.row_bytes).tobytes()
    assert layout.unpack(data).tolist() == sums.tolist()
    with pytest.raises(ValueError, match="tensor 'y' must hold codes to be packed, not sums"):
        layout.pack(sums)


def test_another_shape_is_refused() -> None:
    fmt = AFPFormat(3, 2)
    layout = TensorLayout("x", (2, 2, 3), (2, 2, 3), 4, fmt.width, 8, TensorFormat(fmt, 0))
    with pytest.raises(ValueError, match=r"'x' must have the shape \[2, 2, 3\], not \[2, 3, 2\]"):
        layout.pack(np.zeros((2, 3, 2), np.uint8))
