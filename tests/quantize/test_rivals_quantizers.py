"""The rivals as quantizers: against other people's libraries, plain definitions and exact cases."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from afp_hw import AFPFormat, golden
from afp_hw.quantize import bias_for
from afp_hw.quantize.rivals import (
    AdaptivFloat,
    AdditivePowersOfTwo,
    Afp,
    Integer,
    OcpFloat,
    PowersOfTwo,
    Quantile,
    Quantizer,
    TwoScale,
    Unrounded,
    ValueAware,
    WideFloat,
    catalogue,
    of_fixed_width,
    with_bits,
)
from afp_hw.quantize.rivals.logarithmic import additive_levels
from afp_hw.quantize.rivals.small_floats import adaptivfloat_magnitudes, ocp_magnitudes

METHODS = [method for n_bits in (2, 3, 5, 8) for method in with_bits(n_bits)] + of_fixed_width()
OCP = {
    "e4m3": ml_dtypes.float8_e4m3fn,
    "e5m2": ml_dtypes.float8_e5m2,
    "e2m3": ml_dtypes.float6_e2m3fn,
    "e3m2": ml_dtypes.float6_e3m2fn,
    "e2m1": ml_dtypes.float4_e2m1fn,
}


def label(method: Quantizer) -> str:
    return f"{method.name} {method.n_bits}"


@pytest.fixture(scope="module")
def weights() -> NDArray[np.float64]:
    """[8, 90] with channels of different size and a long tail."""
    random = np.random.default_rng(7)
    return random.standard_t(4, (8, 90)) * np.exp2(random.integers(-3, 3, (8, 1)))


@pytest.fixture(scope="module")
def activations() -> NDArray[np.float64]:
    """4,000 values as a ReLU gives them."""
    return np.maximum(np.random.default_rng(8).standard_normal(4000), 0)


@pytest.mark.parametrize("method", METHODS, ids=label)
def test_rounding_keeps_shape_and_dtype_and_is_a_projection(
    method: Quantizer, weights: NDArray[np.float64]
) -> None:
    axis = 0 if method.per_channel else None
    rounding = method.fit(weights, axis, True)
    for dtype in (np.float32, np.float64):
        once = rounding(weights.astype(dtype))
        assert once.dtype == dtype
        assert once.shape == weights.shape
        if not isinstance(method, Quantile):  # a bin's median is not the centre of another bin
            np.testing.assert_allclose(rounding(once), once, rtol=1e-6)
    ordered = rounding(np.sort(weights.reshape(-1))) if axis is None else None
    if ordered is not None:
        assert (np.diff(ordered) >= 0).all()


WITHOUT_SIGN = [m for m in METHODS if not getattr(m, "sign_bit", False)]


@pytest.mark.parametrize("method", WITHOUT_SIGN, ids=label)
def test_an_unsigned_tensor_has_no_negative_level(
    method: Quantizer, activations: NDArray[np.float64]
) -> None:
    rounded = method.fit(activations, None, False)(np.append(activations, -1.0))
    assert rounded.min() >= 0
    assert rounded[-1] == 0
    assert rounded.max() > 0


@pytest.mark.parametrize("method", METHODS, ids=label)
@pytest.mark.parametrize("signed", [True, False])
def test_zeros_stay_zeros(method: Quantizer, signed: bool) -> None:
    zeros = np.zeros((3, 4), np.float32)
    axis = 0 if method.per_channel else None
    assert not method.fit(zeros, axis, signed)(zeros).any()


# Those with two precisions have more levels than codes of N bits: that is what they pay for.
ONE_GRID = [m for m in METHODS if m.n_bits <= 8 and not isinstance(m, ValueAware | TwoScale)]


@pytest.mark.parametrize("method", ONE_GRID, ids=label)
def test_no_more_levels_than_codes(method: Quantizer, weights: NDArray[np.float64]) -> None:
    axis = 0 if method.per_channel else None
    spread = np.linspace(-1, 1, 1 << 14) * np.abs(weights).max(axis=1, keepdims=True)
    rounded = method.fit(weights, axis, True)(spread)
    levels = max(np.unique(row).size for row in rounded)
    assert 2 < levels <= 1 << method.n_bits


@pytest.mark.parametrize("method", METHODS, ids=label)
def test_what_cannot_be_fitted_is_refused(method: Quantizer) -> None:
    with pytest.raises(ValueError, match="finite values, not 2 NaN or infinite ones"):
        method.fit(np.array([1.0, np.nan, np.inf]), None, True)
    with pytest.raises(ValueError, match="at least one value"):
        method.fit(np.zeros(0), None, True)


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


@pytest.mark.parametrize("signed", [True, False])
def test_integers_by_absmax_are_the_definition(signed: bool, weights: NDArray[np.float64]) -> None:
    values = weights if signed else np.abs(weights)
    high = 7 if signed else 15
    scale = np.abs(values).max() / high
    expected = np.clip(np.rint(values / scale), -high if signed else 0, high) * scale
    np.testing.assert_array_equal(Integer(4).fit(values, None, signed)(values), expected)


def test_integers_per_channel_are_integers_of_each_channel(weights: NDArray[np.float64]) -> None:
    for clip in (False, True):
        rounded = Integer(5, per_channel=True, clip=clip).fit(weights.T, 1, True)(weights.T)
        for channel, row in enumerate(weights):
            alone = Integer(5, clip=clip).fit(row, None, True)(row)
            np.testing.assert_allclose(rounded[:, channel], alone, rtol=1e-12)


@pytest.mark.parametrize("n_bits", [3, 4, 6])
def test_clipping_has_the_least_squared_error(n_bits: int, weights: NDArray[np.float64]) -> None:
    def error(rounding_values: NDArray[np.float64]) -> float:
        return float(np.square(rounding_values - weights).sum())

    high = (1 << (n_bits - 1)) - 1
    plain = []
    for part in np.linspace(1.0, 0.2, 65):
        scale = part * np.abs(weights).max() / high
        plain.append(error(np.clip(np.rint(weights / scale), -high, high) * scale))
    found = error(Integer(n_bits, clip=True).fit(weights, None, True)(weights))
    assert found == pytest.approx(min(plain), rel=1e-12)
    assert found < error(Integer(n_bits).fit(weights, None, True)(weights))


def test_powers_of_two_are_inq_s_set() -> None:
    # absmax 1.5: n1 = floor(log2(2)) = 1; five bits: eight powers, 2**1 .. 2**-6
    values = np.linspace(-1.5, 1.5, 30_001)
    levels = np.unique(PowersOfTwo(5).fit(values, None, True)(values))
    powers = 2.0 ** np.arange(-6, 2)
    np.testing.assert_array_equal(levels, np.concatenate([-powers[::-1], [0], powers]))
    # 1.49 is below the next power's reach: n1 = 0
    values = np.linspace(-1.49, 1.49, 30_001)
    assert PowersOfTwo(5).fit(values, None, True)(values).max() == 1


def test_inq_rounds_at_three_halves_of_a_power() -> None:
    # Its equation 4: (a + b) / 2 <= |w| < 3 b / 2 goes to b, for neighbours a < b
    rounding = PowersOfTwo(4).fit(np.array([1.0]), None, True)
    near = np.array([0.749, 0.751, 0.374, 0.376, 0.0624, 0.0626])
    np.testing.assert_array_equal(rounding(near), [0.5, 1, 0.25, 0.5, 0, 0.125])


def test_additive_levels_are_sums_of_two_terms() -> None:
    first, second = [0, 1, 1 / 4, 1 / 16], [0, 1 / 2, 1 / 8, 1 / 32]
    expected = sorted(a + b for a in first for b in second)
    np.testing.assert_array_equal(additive_levels(4), expected)
    assert [additive_levels(bits).size for bits in range(1, 9)] == [2**b for b in range(1, 9)]
    values = np.array([0.0, 1 + 1 / 2, -1 / 32, 1 / 4 + 1 / 8])
    rounding = AdditivePowersOfTwo(5).fit(np.array(expected), None, True)
    np.testing.assert_allclose(rounding(values), values, rtol=1e-12)


def test_quantile_bins_have_as_many_values_each() -> None:
    values = np.random.default_rng(3).standard_normal(16 * 64)
    rounded = Quantile(4).fit(values, None, True)(values)
    levels, counts = np.unique(rounded, return_counts=True)
    assert levels.size == 16
    assert set(counts.tolist()) == {64}
    for level in levels:
        assert level == pytest.approx(float(np.median(values[rounded == level])), abs=0.02)


def test_quantile_of_an_unsigned_tensor_keeps_zero_apart(activations: NDArray[np.float64]) -> None:
    rounded = Quantile(3).fit(activations, None, False)(activations)
    assert ((rounded == 0) == (activations == 0)).all()
    assert np.unique(rounded).size == 8


def test_two_scales_have_a_fine_bulk_and_a_wide_tail() -> None:
    values = np.concatenate([np.random.default_rng(4).uniform(-1, 1, 990), np.full(10, 50.0)])
    method = TwoScale(6, share=0.05)
    rounded = method.fit(values, None, True)(values)
    assert np.abs(rounded[:990] - values[:990]).max() <= 1 / 32  # the fine range ends at 31/32
    np.testing.assert_array_equal(rounded[990:], 50)
    entropy = -(0.05 * math.log2(0.05) + 0.95 * math.log2(0.95))
    assert method.bits == pytest.approx(6 + entropy)


def test_two_scales_leave_no_more_to_the_wide_one_than_the_share() -> None:
    values = np.concatenate([np.random.default_rng(4).uniform(-1, 1, 900), np.full(100, 50.0)])
    rounded = TwoScale(6, share=0.05).fit(values, None, True)(values)
    np.testing.assert_array_equal(np.unique(rounded), [0, 50])  # one grid, of step 2


@pytest.mark.parametrize("signed", [True, False])
def test_two_scales_never_round_a_large_value_to_a_smaller_one_than_its_neighbour(
    signed: bool,
) -> None:
    # Just beyond the fine range the wide grid alone would give 0, the fine one its end.
    values = np.abs(np.random.default_rng(5).standard_t(2, 5000))
    rounded = TwoScale(2).fit(values, None, signed)(np.sort(values))
    assert (np.diff(rounded) >= 0).all()


def test_value_aware_keeps_the_largest_in_sixteen_bits() -> None:
    values = np.concatenate([np.linspace(-1, 1, 980), np.linspace(90, 100, 20)])
    method = ValueAware(4, share=0.02)
    rounded = method.fit(values, None, True)(values)
    assert np.abs(rounded[980:] - values[980:]).max() <= 100 / 32767 / 2 + 1e-12
    assert np.abs(rounded[:980] - values[:980]).max() <= 1 / 14 + 1e-3
    entropy = -(0.02 * math.log2(0.02) + 0.98 * math.log2(0.98))
    assert method.bits == pytest.approx(0.98 * 4 + 0.02 * 16 + entropy)


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


def test_unrounded_changes_nothing(weights: NDArray[np.float64]) -> None:
    np.testing.assert_array_equal(Unrounded().fit(weights, None, True)(weights), weights)


def test_names_and_bits_are_one_of_a_kind() -> None:
    pairs = catalogue([5, 4, 5])
    names = [(weights.name, weights.n_bits, acts.name) for weights, acts in pairs]
    assert len(set(names)) == len(names)
    assert {weights.n_bits for weights, _ in pairs} == {4, 5, 6, 8, 16, 19}
    assert all(weights.citation and weights.bits >= weights.n_bits for weights, _ in pairs)


@pytest.mark.parametrize("bits", [[1], [9], []])
def test_bits_that_not_every_method_has_are_refused(bits: list[int]) -> None:
    with pytest.raises(ValueError, match=r"catalogue\.bits must"):
        catalogue(bits)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Integer(1), r"Integer\.n_bits must be in 2\.\.16, not 1"),
        (lambda: PowersOfTwo(9), r"PowersOfTwo\.n_bits must be in 2\.\.8, not 9"),
        (lambda: TwoScale(4, share=1.0), r"TwoScale\.share must be between 0 and 1, not 1\.0"),
        (lambda: ValueAware(4, share=0.0), r"ValueAware\.share must be between 0 and 1, not 0\.0"),
        (lambda: Quantile(4, per_channel=True), r"Quantile\.per_channel must be False"),
        (lambda: OcpFloat("e1m2"), r"OcpFloat\.element must be one of e4m3"),
        (lambda: WideFloat("FP64"), r"WideFloat\.kind must be one of BF16"),
    ],
)
def test_a_quantizer_that_is_not_defined_is_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


def test_a_number_of_bits_is_an_integer() -> None:
    with pytest.raises(TypeError, match=r"Afp\.n_bits must be an integer, not 4\.5"):
        Afp(4.5)  # type: ignore[arg-type]


def test_a_sign_bit_everywhere_halves_the_levels_of_an_unsigned_tensor() -> None:
    values = np.linspace(0, 7, 10_000)
    with_sign = Integer(4, sign_bit=True).fit(values, None, False)(values)
    without = Integer(4).fit(values, None, False)(values)
    assert len(np.unique(with_sign)) == 8
    assert len(np.unique(without)) == 16
