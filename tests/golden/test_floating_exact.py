"""Floating point against gfloat, ml_dtypes, NumPy, the scalar definition, exact fractions."""

from __future__ import annotations

from fractions import Fraction

import gfloat
import gfloat.formats as published
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from afp_hw.golden.floating import decode_float, encode_float, float32_bits, float32_values
from afp_hw.golden.floating_fma import dot_float32, fma_float32
from afp_hw.golden.floating_scalar import (
    decode_float_scalar,
    dot_scalar,
    fma_scalar,
    round_float_scalar,
)

DTYPES = {
    FP8_E4M3: (np.uint8, ml_dtypes.float8_e4m3fn),
    FP8_E5M2: (np.uint8, ml_dtypes.float8_e5m2),
    BF16: (np.uint16, ml_dtypes.bfloat16),
    FP16: (np.uint16, np.float16),
    FP32: (np.uint32, np.float32),
}
PAIRS = [(FP8_E4M3, FP8_E5M2), *((fmt, fmt) for fmt in FLOAT_FORMATS)]
SMALL = [fmt for fmt in FLOAT_FORMATS if fmt.width <= 19]


def codes_of(fmt: FloatFormat, seed: int = 0) -> np.ndarray:
    """Every code, or of FP32 random ones and its corners."""
    if fmt.width <= 19:
        return np.arange(1 << fmt.width)
    random = np.random.default_rng(seed).integers(0, 1 << 32, 20_000)
    ends = [0, 1, 0x7FFFFF, 0x800000, 0x3F800000, 0x7F7FFFFF, 0x7F800000, 0x7F800001, 0x7FC00000]
    return np.concatenate([random, ends, np.array(ends) | 1 << 31])


def same(mine: np.ndarray, theirs: np.ndarray) -> None:
    """Equal numbers, NaN in the same places, zeros of the same sign."""
    assert np.array_equal(mine, theirs, equal_nan=True)
    number = ~np.isnan(mine)
    assert np.array_equal(np.signbit(mine[number]), np.signbit(theirs[number]))


@pytest.mark.parametrize("fmt", DTYPES, ids=str)
def test_codes_decode_as_numpy_and_ml_dtypes_say(fmt: FloatFormat) -> None:
    kind, dtype = DTYPES[fmt]
    codes = codes_of(fmt)
    with np.errstate(invalid="ignore"):
        theirs = codes.astype(kind).view(dtype).astype(np.float64)
    same(decode_float(codes, fmt), theirs)


def test_tf32_decodes_as_fp32_with_13_zeros_behind_it() -> None:
    codes = np.arange(1 << TF32.width)
    with np.errstate(invalid="ignore"):
        same(decode_float(codes, TF32), float32_values(codes << 13).astype(np.float64))


def test_fp8_decodes_as_gfloat_says() -> None:
    for fmt, info in (
        (FP8_E4M3, published.format_info_ocp_e4m3),
        (FP8_E5M2, published.format_info_ocp_e5m2),
    ):
        theirs = np.array([gfloat.decode_float(info, code).fval for code in range(256)])
        same(decode_float(np.arange(256), fmt), theirs)


@pytest.mark.parametrize("fmt", FLOAT_FORMATS, ids=str)
def test_codes_decode_as_the_scalar_definition_says(fmt: FloatFormat) -> None:
    codes = codes_of(fmt)[:: 1 if fmt.width == 8 else 37]
    theirs = np.array([float(decode_float_scalar(code, fmt)) for code in codes.tolist()])
    same(decode_float(codes, fmt), theirs)


def points_of(fmt: FloatFormat) -> np.ndarray:
    """Numbers, the midpoints above them with neighbours, random ones of all sizes; float64."""
    generator = np.random.default_rng(9)
    codes = np.arange(fmt.largest_code) if fmt.width == 8 else None
    if codes is None:
        codes = np.append(generator.integers(0, fmt.largest_code, 3000), [0, 1, 2])
    low, high = decode_float(codes, fmt), decode_float(codes + 1, fmt)
    middle = (low + high) / 2
    top = float(decode_float(fmt.largest_code, fmt))
    over = top + (top - float(decode_float(fmt.largest_code - 1, fmt))) / 2
    below, above = np.nextafter(middle, 0), np.nextafter(middle, np.inf)
    ends = [top, over, np.nextafter(over, 0), 1.7e308, 0.0, 5e-324, np.inf]
    size = np.ldexp(generator.normal(size=3000), generator.integers(-160, 130, 3000))
    points = np.concatenate([low, high, middle, below, above, ends, size])
    return np.concatenate([points, -points, [np.nan]])


@pytest.mark.parametrize("fmt", FLOAT_FORMATS, ids=str)
def test_rounding_is_that_of_the_scalar_definition(fmt: FloatFormat) -> None:
    points = points_of(fmt)
    finite = points[np.isfinite(points)][:: 1 if fmt.width == 8 else 23]
    theirs = [
        round_float_scalar(Fraction(x), fmt, negative_zero=bool(np.signbit(x)))
        for x in finite.tolist()
    ]
    # What overflows has the scalar's infinity, or the NaN of a format without one, with its sign.
    assert encode_float(finite, fmt, saturate=False).tolist() == theirs


@pytest.mark.parametrize("fmt", [BF16, FP16, FP8_E5M2, FP32], ids=str)
def test_rounding_is_that_of_numpy_and_ml_dtypes(fmt: FloatFormat) -> None:
    kind, dtype = DTYPES[fmt]
    points = points_of(fmt)
    # ml_dtypes rounds float64 by way of float32, so only float32 is rounded once.
    with np.errstate(over="ignore", under="ignore"):
        points = points.astype(np.float32)
        points = points[~np.isnan(points)]
        theirs = points.astype(dtype).view(kind)
    assert np.array_equal(encode_float(points, fmt, saturate=False), theirs)


@pytest.mark.parametrize("fmt", FLOAT_FORMATS, ids=str)
def test_saturation_changes_what_overflows_and_nothing_else(fmt: FloatFormat) -> None:
    points = points_of(fmt)
    free, held = encode_float(points, fmt, saturate=False), encode_float(points, fmt)
    changed = free != held
    assert changed.any()
    assert np.isfinite(points[changed]).all()
    assert set((held[changed] & ((1 << fmt.magnitude_width) - 1)).tolist()) == {fmt.largest_code}
    top = float(decode_float(fmt.largest_code, fmt))
    assert (np.abs(points[changed]) > top).all()


@pytest.mark.parametrize("fmt", SMALL, ids=str)
def test_every_number_is_encoded_as_its_code(fmt: FloatFormat) -> None:
    codes = np.arange(1 << fmt.width)
    values = decode_float(codes, fmt)
    number = ~np.isnan(values)
    assert np.array_equal(encode_float(values[number], fmt), codes[number])
    assert set(encode_float(values[~number], fmt).tolist()) == {fmt.nan_code}


def words(fmt: FloatFormat) -> st.SearchStrategy[int]:
    """Codes: any, or those with exponents near that of 1, whose sums cancel and round."""
    near = st.tuples(
        st.integers(0, 1),
        st.integers(max(fmt.bias - 4, 0), min(fmt.bias + 4, (1 << fmt.n_exp) - 1)),
        st.integers(0, (1 << fmt.n_man) - 1),
    ).map(lambda f: f[0] << fmt.magnitude_width | f[1] << fmt.n_man | f[2])
    ends = [0, 1, fmt.largest_code, fmt.largest_code + 1, fmt.nan_code, (1 << fmt.n_man) - 1]
    signed = [code | sign << fmt.magnitude_width for code in ends for sign in (0, 1)]
    return st.one_of(near, st.integers(0, (1 << fmt.width) - 1), st.sampled_from(signed))


@pytest.mark.parametrize(("act", "wgt"), PAIRS, ids=str)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_fused_step_is_the_scalar_definition(
    act: FloatFormat, wgt: FloatFormat, data: st.DataObject
) -> None:
    a, b, total = data.draw(words(act)), data.draw(words(wgt)), data.draw(words(FP32))
    found = int(fma_float32(total, a, b, act, wgt))
    assert found == fma_scalar(total, a, b, act, wgt)


@pytest.mark.parametrize(("act", "wgt"), PAIRS[:3], ids=str)
def test_all_products_of_fp8_are_exact(act: FloatFormat, wgt: FloatFormat) -> None:
    codes = np.arange(256)
    products = fma_float32(0, codes[:, None], codes, act, wgt)
    # 4 + 4 bits of significand: float32's own product is exact.
    with np.errstate(invalid="ignore"):
        exact = decode_float(codes, act)[:, None] * decode_float(codes, wgt)
    assert np.array_equal(products, float32_bits((exact + 0.0).astype(np.float32)))


@pytest.mark.parametrize(("act", "wgt"), PAIRS, ids=str)
def test_sums_are_the_scalar_definition_step_by_step(act: FloatFormat, wgt: FloatFormat) -> None:
    random = np.random.default_rng(act.width)
    a, b = random.integers(0, 1 << act.width, (6, 9)), random.integers(0, 1 << wgt.width, (9, 5))
    for codes, fmt in ((a, act), (b, wgt)):  # few of them special
        codes[(codes & ((1 << fmt.magnitude_width) - 1)) > fmt.largest_code] &= 7
    found = dot_float32(a, b, act, wgt)
    theirs = [[dot_scalar(row, column, act, wgt) for column in b.T.tolist()] for row in a.tolist()]
    assert found.tolist() == theirs


def test_one_rounding_is_not_two() -> None:
    # 97 * 172961 = 2**24 + 1: the sum 1 + 2**-24 + 2**-60 is above the midpoint, and rounded to
    # float64 first it would be the midpoint and then go to even, down.
    act, wgt = encode_float(np.array([97.0, 172961.0 * 2.0**-24]), FP32).tolist()
    tiny = int(encode_float(np.float64(2.0**-60), FP32))
    assert fma_float32([tiny, 0], act, wgt, FP32, FP32).tolist() == [0x3F800001, 0x3F800000]


def test_a_product_is_not_rounded_before_it_is_added() -> None:
    # (1 + 2**-23)**2 = 1 + 2**-22 + 2**-46, less the first two terms.
    product = int(encode_float(np.float64(1 + 2.0**-23), FP32))
    less = int(encode_float(np.float64(-1 - 2.0**-22), FP32))
    assert float(float32_values(fma_float32(less, product, product, FP32, FP32))) == 2.0**-46


@pytest.mark.parametrize("fmt", FLOAT_FORMATS, ids=str)
def test_codes_out_of_range_are_refused(fmt: FloatFormat) -> None:
    top = (1 << fmt.width) - 1
    for wrong in (-1, top + 1):
        with pytest.raises(ValueError, match=rf"must be in 0\.\.{top} for {fmt}, not {wrong}$"):
            decode_float([0, wrong], fmt)


def test_arguments_of_another_kind_are_refused() -> None:
    with pytest.raises(TypeError, match="must be given a FloatFormat"):
        decode_float([1], "bf16")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be float16 to float64, not int64"):
        encode_float([1], BF16)
    with pytest.raises(ValueError, match=r"0\.\.2\*\*32 - 1, not -1"):
        float32_values([-1])
    with pytest.raises(ValueError, match=r"codes \[M, K\] and \[K, N\]"):
        dot_float32(np.zeros((2, 3), int), np.zeros((2, 3), int), BF16, BF16)
