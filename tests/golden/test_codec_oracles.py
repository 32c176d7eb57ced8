"""The codec against other people's libraries: ml_dtypes and gfloat."""

import gfloat
import ml_dtypes
import numpy as np
import pytest
from gfloat import FormatInfo
from gfloat.types import Domain

from afp_hw import AFPFormat
from afp_hw.golden import decode, encode

OCP = [
    ("e2m1", 1, ml_dtypes.float4_e2m1fn),
    ("e2m3", 1, ml_dtypes.float6_e2m3fn),
    ("e3m2", 3, ml_dtypes.float6_e3m2fn),
]


def without_negative_zero(codes: np.ndarray, fmt: AFPFormat) -> np.ndarray:
    """The encoder emits +0 only; the libraries keep the sign of zero."""
    return np.where(codes == 1 << fmt.magnitude_width, 0, codes)


def points_of(fmt: AFPFormat, bias: int) -> np.ndarray:
    """Every value, every midpoint with neighbours, random values and what saturates; float32."""
    values = np.unique(decode(np.arange(1 << fmt.width), fmt, bias))
    middles = ((values[1:] + values[:-1]) / 2).astype(np.float32)
    generator = np.random.default_rng(20)
    scale = values[-1]
    return np.concatenate(
        [
            values.astype(np.float32),
            middles,
            np.nextafter(middles, np.float32(np.inf)),
            np.nextafter(middles, np.float32(-np.inf)),
            (generator.standard_normal(20_000) * scale / 3).astype(np.float32),
            (generator.uniform(-1.5, 1.5, 20_000) * scale).astype(np.float32),
        ]
    )


@pytest.mark.parametrize(("name", "bias", "dtype"), OCP)
def test_codes_decode_as_ml_dtypes_says(name, bias, dtype):
    fmt = AFPFormat.parse(name)
    codes = np.arange(1 << fmt.width, dtype=np.uint8)
    assert np.array_equal(decode(codes, fmt, bias), codes.view(dtype).astype(np.float64))


@pytest.mark.parametrize(("name", "bias", "dtype"), OCP)
def test_floats_encode_as_ml_dtypes_says(name, bias, dtype):
    fmt = AFPFormat.parse(name)
    points = points_of(fmt, bias)
    theirs = without_negative_zero(points.astype(dtype).view(np.uint8), fmt)
    assert np.array_equal(encode(points, fmt, bias), theirs)
    assert np.array_equal(encode(points.astype(np.float64), fmt, bias), theirs)


def gfloat_info(fmt: AFPFormat, bias: int) -> FormatInfo:
    """The same format in gfloat's terms: no infinity, no NaN, subnormals, a zero of either sign."""
    return FormatInfo(
        str(fmt),
        fmt.width,
        fmt.n_man + 1,
        bias=bias,
        is_signed=True,
        domain=Domain.Finite,
        has_nz=True,
        num_high_nans=0,
        has_subnormals=True,
        is_twos_complement=False,
    )


@pytest.mark.parametrize("bias", [-30, -1, 0, 5, 23, 60])
@pytest.mark.parametrize("name", ["e2m1", "e2m3", "e3m1", "e3m2", "e4m3", "e5m2", "e1m3"])
def test_codes_and_floats_agree_with_gfloat_at_any_bias(name, bias):
    fmt = AFPFormat.parse(name)
    info = gfloat_info(fmt, bias)
    codes = np.arange(1 << fmt.width, dtype=np.uint8)
    theirs = gfloat.decode_ndarray(info, codes.astype(np.int64))
    assert np.array_equal(decode(codes, fmt, bias), theirs)
    points = points_of(fmt, bias)[:6000].astype(np.float64)
    encoded = gfloat.encode_ndarray(info, gfloat.round_ndarray(info, points, sat=True))
    assert np.array_equal(encode(points, fmt, bias), without_negative_zero(encoded, fmt))
