"""FloatFormat against gfloat's published formats and ml_dtypes, and what it refuses."""

from __future__ import annotations

import dataclasses

import gfloat.formats as published
import ml_dtypes
import numpy as np
import pytest

from afp_hw.formats.floating import (
    BF16,
    FLOAT_FORMATS,
    FP8_E4M3,
    FP8_E5M2,
    FP16,
    FP32,
    TF32,
    FloatFormat,
)

GFLOAT = [
    (FP8_E4M3, published.format_info_ocp_e4m3),
    (FP8_E5M2, published.format_info_ocp_e5m2),
    (BF16, published.format_info_bfloat16),
    (FP16, published.format_info_binary16),
    (FP32, published.format_info_binary32),
]
NUMPY = [
    (FP8_E4M3, ml_dtypes.float8_e4m3fn),
    (FP8_E5M2, ml_dtypes.float8_e5m2),
    (BF16, ml_dtypes.bfloat16),
    (FP16, np.float16),
    (FP32, np.float32),
]


@pytest.mark.parametrize(("fmt", "theirs"), GFLOAT, ids=str)
def test_limits_are_those_of_gfloat(fmt: FloatFormat, theirs: object) -> None:
    assert (fmt.width, fmt.n_exp, fmt.n_man) == (theirs.k, theirs.expBits, theirs.precision - 1)
    assert fmt.max_fix * 2.0**fmt.lsb == theirs.max
    assert 2.0**fmt.lsb == theirs.smallest_subnormal
    assert 2.0**fmt.min_exponent == theirs.smallest_normal
    assert fmt.largest_code == theirs.code_of_max
    assert fmt.has_infinity == bool(theirs.num_infs)
    if fmt.has_infinity:
        assert fmt.infinity_code == theirs.code_of_posinf


@pytest.mark.parametrize(("fmt", "dtype"), NUMPY, ids=str)
def test_codes_of_limits_are_those_of_numpy(fmt: FloatFormat, dtype: type) -> None:
    info = ml_dtypes.finfo(dtype)
    kind = {8: np.uint8, 16: np.uint16, 32: np.uint32}[fmt.width]
    codes = np.array([fmt.largest_code, fmt.nan_code, 1], kind).view(dtype).astype(np.float64)
    assert codes[0] == float(info.max)
    assert np.isnan(codes[1])
    assert codes[2] == float(info.smallest_subnormal)
    assert 2.0**fmt.max_exponent <= float(info.max) < 2.0 ** (fmt.max_exponent + 1)


def test_tf32_has_the_exponents_of_fp32_and_the_mantissa_of_fp16() -> None:
    assert (TF32.n_exp, TF32.bias, TF32.n_man, TF32.width) == (8, 127, 10, 19)
    assert TF32.max_sig == FP16.max_sig == 2**11 - 1
    # NVIDIA's largest TF32 is FP32's without the 13 bits that it lacks.
    assert TF32.largest_code == FP32.largest_code >> 13
    assert (TF32.infinity_code, TF32.nan_code) == (0x3FC00, 0x3FE00)


def test_names_are_read_as_written() -> None:
    assert [FloatFormat.parse(str(fmt)) for fmt in FLOAT_FORMATS] == list(FLOAT_FORMATS)
    assert FloatFormat.parse(" BF16 ") is BF16
    assert [str(fmt) for fmt in FLOAT_FORMATS] == [
        "fp8e4m3",
        "fp8e5m2",
        "bf16",
        "fp16",
        "tf32",
        "fp32",
    ]


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"^FloatFormat must be one of fp8e4m3, .*, not 'fp64'$"):
        FloatFormat.parse("fp64")
    with pytest.raises(TypeError, match=r"^FloatFormat\.parse must be given a string, not 16$"):
        FloatFormat.parse(16)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"n_exp": 9}, ValueError, "FloatFormat.n_exp must be in 2..8, not 9"),
        ({"n_man": 0}, ValueError, "FloatFormat.n_man must be in 1..23, not 0"),
        ({"bias": -1}, ValueError, "FloatFormat.bias must be in 0..255, not -1"),
        ({"bias": 1.0}, TypeError, "FloatFormat.bias must be an integer, not 1.0"),
        ({"n_man": True}, TypeError, "FloatFormat.n_man must be an integer, not True"),
        ({"name": 8}, TypeError, "FloatFormat.name must be a string, not 8"),
        (
            {"specials": "none"},
            ValueError,
            "FloatFormat.specials must be 'ieee' or 'nan', not 'none'",
        ),
    ],
)
def test_what_is_no_format_is_refused(
    change: dict[str, object], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error) as caught:
        dataclasses.replace(FP16, **change)
    assert str(caught.value) == sentence


def test_a_format_without_infinity_has_no_code_for_it() -> None:
    with pytest.raises(ValueError, match=r"must be asked of IEEE formats, not fp8e4m3$"):
        _ = FP8_E4M3.infinity_code
