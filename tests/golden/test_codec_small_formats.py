"""Every code and every boundary of every format up to 8 bits, against the scalar definition."""

import numpy as np
import pytest

from afp_hw import AFPFormat
from afp_hw.golden import decode, decode_scalar, encode, encode_scalar, to_fix, to_fix_scalar

FORMATS = [
    AFPFormat(n_exp, n_man, signed)
    for signed in (True, False)
    for n_exp in range(9)
    for n_man in range(9 - n_exp - signed)
    if n_exp + n_man >= 1
]
SMALL = [fmt for fmt in FORMATS if fmt.width <= 6]

# float32 serves the first, float64 the others, the last among its subnormals
BIASES = (3, -40, 1060)

pytestmark = pytest.mark.filterwarnings("error")


def boundaries(fmt: AFPFormat, bias: int) -> np.ndarray:
    """Every value, every midpoint and its two neighbours, and what lies beyond the largest."""
    values = decode(np.arange(1 << fmt.magnitude_width), fmt, bias)
    middles = (values[1:] + values[:-1]) / 2
    largest = values[-1:]
    magnitudes = np.concatenate(
        [
            values,
            middles,
            np.nextafter(middles, np.inf),
            np.nextafter(middles, 0.0),
            np.nextafter(largest, np.inf),
            largest * 1.5,
            largest * 2.0**20,
            [5e-324, 1.7e308],
        ]
    )
    return np.concatenate([magnitudes, -magnitudes])


def test_there_are_formats_of_every_width():
    assert len(FORMATS) == len(set(FORMATS)) > 60
    assert {fmt.width for fmt in FORMATS} == set(range(1, 9))


@pytest.mark.parametrize("fmt", FORMATS, ids=str)
def test_every_code_decodes_as_the_scalar_definition_says(fmt):
    codes = np.arange(1 << fmt.width, dtype=np.uint8)
    assert to_fix(codes, fmt).tolist() == [to_fix_scalar(int(c), fmt) for c in codes]
    for bias in (0, 7, -12):
        values = decode(codes, fmt, bias)
        assert values.dtype == np.float64
        assert values.tolist() == [float(decode_scalar(int(c), fmt, bias)) for c in codes]


@pytest.mark.parametrize("fmt", FORMATS, ids=str)
def test_every_boundary_encodes_as_the_scalar_definition_says(fmt):
    for bias in BIASES if fmt in SMALL else BIASES[:1]:
        points = boundaries(fmt, bias)
        codes = encode(points, fmt, bias)
        assert codes.dtype == np.uint8
        assert codes.tolist() == [encode_scalar(float(x), fmt, bias) for x in points]


@pytest.mark.slow
@pytest.mark.parametrize("fmt", [fmt for fmt in FORMATS if fmt not in SMALL], ids=str)
def test_every_boundary_of_wider_formats_encodes_right_at_every_bias(fmt):
    for bias in BIASES:
        points = boundaries(fmt, bias)
        codes = encode(points, fmt, bias)
        assert codes.tolist() == [encode_scalar(float(x), fmt, bias) for x in points]


@pytest.mark.parametrize("fmt", FORMATS, ids=str)
def test_float32_and_float64_inputs_give_the_same_codes(fmt):
    points = boundaries(fmt, 3)
    single = points[np.abs(points) < 3e38].astype(np.float32)
    up, down = np.nextafter(single, np.float32(1)), np.nextafter(single, np.float32(-1))
    single = np.concatenate([single, up, down])
    assert np.array_equal(encode(single, fmt, 3), encode(single.astype(np.float64), fmt, 3))


@pytest.mark.parametrize("fmt", FORMATS, ids=str)
def test_encoding_a_decoded_code_gives_it_back_except_negative_zero(fmt):
    codes = np.arange(1 << fmt.width)
    expected = codes.copy()
    if fmt.signed:
        expected[1 << fmt.magnitude_width] = 0
    for bias in (3, -40):
        assert np.array_equal(encode(decode(codes, fmt, bias), fmt, bias), expected)


@pytest.mark.parametrize("fmt", FORMATS, ids=str)
def test_encoding_is_monotone_and_saturates(fmt):
    points = np.sort(boundaries(fmt, 3))
    fix = to_fix(encode(points, fmt, 3), fmt)
    as_exact = fix.astype(object)
    assert (as_exact[1:] >= as_exact[:-1]).all()
    assert as_exact[-1] == fmt.max_fix
    assert as_exact[0] == (-fmt.max_fix if fmt.signed else 0)


@pytest.mark.parametrize("fmt", FORMATS, ids=str)
def test_zero_and_what_rounds_to_it_is_positive_zero(fmt):
    half = 2.0 ** (fmt.lsb(3) - 1)
    tiny = np.array([0.0, -0.0, half, -half, 5e-324, -5e-324])
    assert encode(tiny, fmt, 3).tolist() == [0] * 6
    assert encode(tiny.astype(np.float32), fmt, 3).tolist() == [0] * 6
