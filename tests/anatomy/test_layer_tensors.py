"""Real tensors beside their formats: errors, shares, histograms."""

from __future__ import annotations

import numpy as np
import pytest

from afp_hw import AFPFormat
from afp_hw.anatomy.tensors import BINS, LayerTensor
from afp_hw.anatomy.values import value_table

E2M1 = AFPFormat(2, 1)  # the grid's integers up to 12
UNSIGNED = AFPFormat(2, 1, signed=False)


def tensor(values: list[float], fmt: AFPFormat = E2M1, lsb: int = 0) -> LayerTensor:
    return LayerTensor("t", np.array(values), fmt, fmt.bias(lsb))


def test_shares_count_what_is_beyond_the_format_and_what_becomes_zero() -> None:
    found = tensor([0.0, 0.25, -0.25, 12.0, 12.5, -13.0, 3.0, 4.0]).as_json()
    assert found["zeros"] == 1 / 8
    assert found["errors"]["clipped"] == 2 / 8
    assert found["errors"]["to_zero"] == 2 / 8
    assert found["errors"]["max"] == 1.0
    assert found["errors"]["mse"] == (2 * 0.25**2 + 0.5**2 + 1.0) / 8
    assert (found["least"], found["largest"]) == (-13.0, 12.5)


def test_negative_numbers_are_clipped_where_there_is_no_sign() -> None:
    errors = tensor([-1.0, 1.0, 2.0, 13.0], UNSIGNED).as_json()["errors"]
    assert errors["clipped"] == 2 / 4


def test_without_an_error_there_is_no_ratio() -> None:
    errors = tensor([0.0, 1.0, -12.0]).as_json()["errors"]
    assert errors["sqnr_db"] is None
    assert errors["mse"] == errors["max"] == 0.0
    assert sum(errors["histogram"]["counts"]) == 3


def test_a_tensor_of_zeros_has_a_histogram() -> None:
    found = tensor([0.0, 0.0]).as_json()
    assert sum(found["histogram"]["counts"]) == 2
    assert len(found["histogram"]["edges"]) == BINS + 1


def test_each_channel_is_rounded_on_its_own_grid() -> None:
    values = np.array([[1.0, 12.0], [0.25, 3.0]])
    bias = np.array([[E2M1.bias(0)], [E2M1.bias(-2)]])
    found = LayerTensor("t", values, E2M1, bias)
    assert found.grids == 2
    assert found.lsb == 0
    assert found.as_json()["errors"]["max"] == 0.0
    codes = LayerTensor("t", values, E2M1, E2M1.bias(0)).as_json()
    assert codes["errors"]["to_zero"] == pytest.approx(1 / 4)


def test_uses_are_of_the_codes_of_the_envelope() -> None:
    envelope = AFPFormat(3, 2)
    uses = tensor([0.0, 1.0, 1.0, -12.0]).uses(envelope)
    assert uses.sum() == 4
    # Numerics section 4: the mantissa moves up by the bits it gains, the exponent stays.
    assert {int(code): int(uses[code]) for code in np.flatnonzero(uses)} == {
        0b0_000_00: 1,
        0b0_000_10: 2,
        0b1_011_10: 1,
    }


def test_formats_of_more_than_eight_bits_have_no_table() -> None:
    assert value_table(AFPFormat(2, 6), 1.0) == []
    assert len(value_table(AFPFormat(2, 5), 1.0)) == 256
