"""Requantization against its scalar definition, exhaustively on small accumulators."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afp_hw import AFPFormat
from afp_hw.golden import requantize, requantize_scalar

NAMES = ["e3m1", "ue3m2", "e0m4", "e1m3", "e2m0", "ue4m0", "e5m2", "e0m1", "ue1m0", "e8m23"]
CORNERS = [
    sign * (2**power + delta)
    for power in (*range(7, 34), 52, 53, 54, 61, 62)
    for delta in (-1, 0, 1)
    for sign in (1, -1)
] + [2**63 - 1, -(2**63)]
OFFSETS = [-5000, -64, -63, -40, -24, *range(-12, 5), 20, 63, 300, 5000]

pytestmark = pytest.mark.filterwarnings("error")


def expected(sums, offset, fmt, relu=False, clip=None):
    return [requantize_scalar(int(acc), offset, fmt, relu, clip) for acc in sums]


@pytest.mark.parametrize("name", NAMES)
def test_every_small_accumulator_at_every_offset(name):
    fmt = AFPFormat.parse(name)
    sums = np.arange(-80, 81)
    for offset in OFFSETS:
        assert requantize(sums, offset, fmt).tolist() == expected(sums, offset, fmt)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("clip", [None, -3, 0, 6, 40, 2**31, 2**64, -(2**64)])
@pytest.mark.parametrize("name", ["e3m1", "ue3m2", "e0m4"])
def test_clip_comes_before_relu(name, clip, relu):
    fmt = AFPFormat.parse(name)
    sums = np.arange(-50, 51)
    for offset in (-64, -4, 0, 3):
        codes = expected(sums, offset, fmt, relu, clip)
        for dtype in (np.int8, np.int64, object):
            assert requantize(sums.astype(dtype), offset, fmt, relu, clip).tolist() == codes


@pytest.mark.parametrize("name", NAMES)
def test_corners_of_int64_and_the_same_as_python_integers(name):
    fmt = AFPFormat.parse(name)
    sums = np.array(CORNERS, np.int64)
    for offset in OFFSETS:
        codes = expected(CORNERS, offset, fmt)
        assert requantize(sums, offset, fmt).tolist() == codes
        assert requantize(sums.astype(object), offset, fmt).tolist() == codes


@pytest.mark.parametrize("dtype", [np.int64, object])
def test_a_tie_and_its_neighbours_are_told_apart_at_every_magnitude(dtype):
    fmt = AFPFormat(3, 1)
    for power in range(6, 63):
        tie = 5 << (power - 2)  # 1.25 * 2**power: half way between two values of e3m1
        sums = [tie - 1, tie, tie + 1]
        codes = requantize(np.array(sums, dtype), 3 - power, fmt).tolist()
        assert codes == expected(sums, 3 - power, fmt)
        assert codes[0] == codes[1] == codes[2] - 1
        assert requantize(-np.array(sums, dtype), 3 - power, fmt).tolist() == [
            c + 16 for c in codes
        ]


def test_a_tie_and_its_neighbours_are_told_apart_beyond_int64():
    fmt = AFPFormat(3, 1)
    tie = 5 << 298
    sums = [tie - 1, tie, tie + 1]
    codes = requantize(np.array(sums, object), -297, fmt).tolist()
    assert codes == expected(sums, -297, fmt)
    assert codes[0] == codes[1] == codes[2] - 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint64, np.int16])
def test_other_integer_types_are_widened_first(dtype):
    info = np.iinfo(dtype)
    sums = np.array([info.min, 0, 1, 100, info.max], dtype)
    for name in ("e5m2", "ue3m2"):
        fmt = AFPFormat.parse(name)
        codes = expected(sums, -2, fmt, clip=90)
        assert requantize(sums, -2, fmt, clip=90).tolist() == codes
        assert requantize(sums, -2, fmt).tolist() == expected(sums, -2, fmt)


def test_offset_and_clip_broadcast_per_channel():
    fmt = AFPFormat(3, 2)
    sums = np.random.default_rng(5).integers(-(2**20), 2**20, (70, 9))
    offset = np.arange(-20, -11)
    clip = 2 ** np.arange(9, 18)
    codes = requantize(sums, offset, fmt, relu=True, clip=clip)
    assert codes.shape == (70, 9)
    for channel in range(9):
        column = requantize(
            sums[:, channel], int(offset[channel]), fmt, relu=True, clip=int(clip[channel])
        )
        assert np.array_equal(codes[:, channel], column)
        some = sums[:8, channel]
        each = expected(some, int(offset[channel]), fmt, True, int(clip[channel]))
        assert codes[:8, channel].tolist() == each
    exact = requantize(sums.astype(object), offset.astype(object), fmt, True, clip.astype(object))
    assert np.array_equal(exact, codes)


def test_shapes_broadcast_and_empty_or_scalar_sums_keep_theirs():
    fmt = AFPFormat(3, 2)
    assert requantize(np.zeros((0, 4), np.int64), np.zeros(4, np.int64), fmt).shape == (0, 4)
    assert requantize(np.zeros((3, 0), object), 0, fmt).shape == (3, 0)
    assert requantize(5, 0, fmt).shape == ()
    assert requantize(2**90, -88, fmt) == requantize_scalar(2**90, -88, fmt)
    assert requantize(5, [0, 1, 2], fmt).tolist() == [
        requantize_scalar(5, i, fmt) for i in range(3)
    ]
    tall = np.arange(3 * 50_000).reshape(50_000, 3)  # more than one block of rows
    assert requantize(tall, -9, fmt)[40_000, 2] == requantize_scalar(120_002, -9, fmt)


def test_accumulators_are_left_untouched():
    sums = np.arange(-50, 50)
    sums.flags.writeable = False
    requantize(sums, -2, AFPFormat(3, 1), relu=True, clip=7)
    requantize(sums, -2, AFPFormat(3, 1))
    assert np.array_equal(sums, np.arange(-50, 50))


def test_floats_and_booleans_are_refused():
    fmt = AFPFormat(3, 1)
    with pytest.raises(TypeError, match=r"^requantize\.acc must be integers, not float64$"):
        requantize([1.0], 0, fmt)
    with pytest.raises(
        TypeError, match=r"^requantize\.acc must be integers, not objects of another"
    ):
        requantize(np.array([1, 2.5], object), 0, fmt)
    with pytest.raises(TypeError, match=r"^requantize\.offset must be integers, not float64$"):
        requantize([1], 0.0, fmt)
    with pytest.raises(TypeError, match=r"^requantize\.clip must be integers, not bool$"):
        requantize([1], 0, fmt, clip=True)


formats = st.builds(AFPFormat, st.integers(1, 8), st.integers(0, 23), st.booleans())


@given(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-120, 320),
    formats,
    st.booleans(),
    st.none() | st.integers(-(2**70), 2**70),
)
def test_any_int64_equals_the_scalar_definition(acc, offset, fmt, relu, clip):
    code = requantize(np.int64(acc), offset, fmt, relu, clip)
    assert code == requantize_scalar(acc, offset, fmt, relu, clip)


@given(st.integers(-(2**400), 2**400), st.integers(-500, 500), formats)
def test_any_python_integer_equals_the_scalar_definition(acc, offset, fmt):
    sums = np.array([acc], object)
    assert requantize(sums, offset, fmt)[0] == requantize_scalar(acc, offset, fmt)
