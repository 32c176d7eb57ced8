"""Small and wide floats and AFP among the rivals: other people's libraries, plain definitions."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from afp_hw import AFPFormat, golden
from afp_hw.quantize import bias_for
from afp_hw.quantize.rivals import AdaptivFloat, Afp, OcpFloat, WideFloat
from afp_hw.quantize.rivals.small_floats import adaptivfloat_magnitudes, ocp_magnitudes

OCP = {
    "e4m3": ml_dtypes.float8_e4m3fn,
    "e5m2": ml_dtypes.float8_e5m2,
    "e2m3": ml_dtypes.float6_e2m3fn,
    "e3m2": ml_dtypes.float6_e3m2fn,
    "e2m1": ml_dtypes.float4_e2m1fn,
}


@pytest.mark.parametrize("element", OCP)
def test_ocp_numbers_are_those_of_ml_dtypes(element: str) -> None:
    codes = np.arange(1 << AFPFormat.parse(element).width, dtype=np.uint8)
    numbers = codes.view(OCP[element]).astype(np.float64)
    numbers = np.unique(np.abs(numbers[np.isfinite(numbers)]))
    np.testing.assert_array_equal(ocp_magnitudes(element), numbers)


@pytest.mark.parametrize("element", OCP)
def test_ocp_rounding_is_that_of_ml_dtypes(element: str) -> None:
    magnitudes = ocp_magnitudes(element)
    top = magnitudes[-1]
    ties = (magnitudes[1:] + magnitudes[:-1]) / 2
    random = np.random.default_rng(1).uniform(-top, top, 20_000)
    values = np.concatenate([magnitudes, ties, -ties, random]).astype(np.float32)
    # Values up to the largest number on every scale: the scale with no error beyond it is 1.
    rounding = OcpFloat(element).fit(magnitudes, None, True)
    expected = values.astype(OCP[element]).astype(np.float32)
    np.testing.assert_array_equal(rounding(values), expected)
    np.testing.assert_array_equal(rounding(values.astype(np.float64)), expected)


@pytest.mark.parametrize(("kind", "dtype"), [("BF16", ml_dtypes.bfloat16), ("FP16", np.float16)])
def test_sixteen_bit_floats_are_those_of_the_libraries(kind: str, dtype: type) -> None:
    random = np.random.default_rng(2)
    values = np.ldexp(random.standard_normal(20_000), random.integers(-30, 15, 20_000))
    values = values[np.abs(values) < 60_000].astype(np.float32)
    expected = values.astype(dtype).astype(np.float32)
    np.testing.assert_array_equal(WideFloat(kind).fit(values, None, True)(values), expected)


def test_tf32_keeps_ten_bits_of_mantissa() -> None:
    step = 2.0**-10
    values = np.array([1 + step / 2, 1 + 3 * step / 2, 1 + step * 0.51, -3.0], np.float32)
    rounded = WideFloat("TF32").fit(values, None, True)(values)
    np.testing.assert_array_equal(rounded, [1, 1 + 2 * step, 1 + step, -3])


def test_wide_floats_saturate() -> None:
    values = np.array([1e30, -1e30])
    np.testing.assert_array_equal(
        WideFloat("FP16").fit(values, None, True)(values), [65504, -65504]
    )


@pytest.mark.parametrize("element", OCP)
@pytest.mark.parametrize("real_scale", [True, False])
def test_ocp_scale_has_the_least_squared_error(
    element: str, real_scale: bool, weights: NDArray[np.float64]
) -> None:
    top, absmax = float(ocp_magnitudes(element)[-1]), float(np.abs(weights).max())
    scales = np.linspace(1.0, 0.2, 65) * absmax / top
    if not real_scale:
        scales = 2.0 ** (np.ceil(np.log2(absmax / top)) - np.arange(4))
    errors = []
    for scale in scales:
        # ml_dtypes makes infinity or NaN of what saturates here.
        limited = np.clip(weights / scale, -top, top)
        rounded = limited.astype(OCP[element]).astype(np.float64) * scale
        errors.append(float(np.square(rounded - weights).sum()))
    found = OcpFloat(element, real_scale).fit(weights, None, True)(weights)
    assert float(np.square(found - weights).sum()) == pytest.approx(min(errors), rel=1e-9)


def test_adaptivfloat_of_four_bits_has_the_numbers_of_its_paper() -> None:
    # Two exponent bits, exponent bias -2: 0.25 gives its code to 0.
    numbers = adaptivfloat_magnitudes(2, 1) / 4
    np.testing.assert_array_equal(numbers, [0, 0.375, 0.5, 0.75, 1, 1.5, 2, 3])


@pytest.mark.parametrize("n_bits", [4, 6])
@pytest.mark.parametrize("signed", [True, False])
def test_adaptivfloat_is_the_best_split_and_exponent_bias(
    n_bits: int, signed: bool, weights: NDArray[np.float64]
) -> None:
    values = weights if signed else np.abs(weights)
    highest = int(np.floor(np.log2(np.abs(values).max())))
    errors = []
    for n_exp in range(1, min(n_bits - signed, 5) + 1):
        n_man = n_bits - signed - n_exp
        for shift in range(3):
            low = highest - shift - (2**n_exp - 1)
            numbers = [
                2.0**e * (1 + m / 2**n_man)
                for e in range(low, low + 2**n_exp)
                for m in range(2**n_man)
            ]
            levels = np.array([0.0, *numbers[1:]])
            distances = np.abs(np.abs(values)[..., None] - levels).min(axis=-1)
            errors.append(float(np.square(distances).sum()))
    rounded = AdaptivFloat(n_bits).fit(values, None, signed)(values)
    assert float(np.square(rounded - values).sum()) == pytest.approx(min(errors), rel=1e-9)


def test_adaptivfloat_has_no_subnormals_and_gives_its_smallest_code_to_zero() -> None:
    np.testing.assert_array_equal(adaptivfloat_magnitudes(2, 1), [0, 1.5, 2, 3, 4, 6, 8, 12])
    values = np.concatenate([-adaptivfloat_magnitudes(3, 2), adaptivfloat_magnitudes(3, 2)]) / 16
    np.testing.assert_array_equal(AdaptivFloat(6).fit(values, None, True)(values), values)


@pytest.mark.parametrize("signed", [True, False])
def test_afp_is_the_best_split_of_golden_s_codec(
    signed: bool, weights: NDArray[np.float64]
) -> None:
    values = weights if signed else np.abs(weights)

    def error(fmt: AFPFormat, bias: int) -> float:
        decoded = golden.decode(golden.encode(values, fmt, bias), fmt, bias)
        return float(np.square(decoded - values).sum())

    absmax = float(np.abs(values).max())
    rule, clipped = [], []
    for n_exp in range(6):
        n_man = 6 - signed - n_exp
        if n_man < 0:
            continue
        fmt = AFPFormat(n_exp, n_man, signed=signed)
        bias = bias_for(absmax, fmt)
        rule.append(error(fmt, bias))
        clipped += [error(fmt, bias + step) for step in range(4)]
    for clip, errors in ((False, rule), (True, clipped)):
        rounded = Afp(6, clip=clip).fit(values, None, signed)(values)
        assert float(np.square(rounded - values).sum()) == pytest.approx(min(errors), rel=1e-9)


def test_afp_per_channel_is_one_split_with_the_rule_of_each_channel(
    weights: NDArray[np.float64],
) -> None:
    fmt, lsb = Afp(5, per_channel=True, clip=False).choose(weights, 0, True)
    assert [fmt.bias(int(one)) for one in lsb] == [
        bias_for(float(np.abs(row).max()), fmt) for row in weights
    ]
    rounded = Afp(5, per_channel=True, clip=False).fit(weights, 0, True)(weights)
    for row, result, one in zip(weights, rounded, lsb, strict=True):
        bias = fmt.bias(int(one))
        np.testing.assert_array_equal(
            result, golden.decode(golden.encode(row, fmt, bias), fmt, bias)
        )
