"""What all rivals have in common: shapes, signs, zeros, codes, refusals, names."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from afp_hw.quantize.rivals import (
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

METHODS = [method for n_bits in (2, 3, 5, 8) for method in with_bits(n_bits)] + of_fixed_width()


def label(method: Quantizer) -> str:
    return f"{method.name} {method.n_bits}"


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
