"""Mean squared error and signal-to-noise ratio, on tensors whose errors are known."""

import math

import numpy as np
import pytest

from afp_hw import AFPFormat
from afp_hw.quantize import bias_for_channels, mse, sqnr_db

E2M1 = AFPFormat(2, 1)  # bias 1: 0, 0.5, 1, 1.5, 2, 3, 4, 6


def test_errors_of_known_values():
    values = np.array([0.25, 1.1, 2.5, 7.0])  # nearest: 0 (tie), 1, 2 (tie), 6
    errors = [0.25, 0.1, 0.5, 1.0]
    expected = sum(e * e for e in errors) / 4
    assert mse(values, E2M1, 1) == pytest.approx(expected, rel=1e-12)
    signal = float(np.mean(values**2))
    assert sqnr_db(values, E2M1, 1) == pytest.approx(10 * math.log10(signal / expected), rel=1e-12)


def test_a_representable_tensor_has_no_error():
    values = np.array([[0.5, -6.0], [3.0, 0.0]], np.float32)
    assert mse(values, E2M1, 1) == 0.0
    assert sqnr_db(values, E2M1, 1) == math.inf
    assert sqnr_db(np.zeros(4), E2M1, 1) == math.inf
    assert mse(np.zeros((0, 3)), E2M1, 1) == 0.0


def test_another_mantissa_bit_gains_about_six_decibel():
    values = np.random.default_rng(15).uniform(1, 2, 50_000)
    gain = sqnr_db(values, AFPFormat(3, 4), 5) - sqnr_db(values, AFPFormat(3, 3), 5)
    assert gain == pytest.approx(6.02, abs=0.3)


def test_one_bias_per_channel_is_no_worse_than_one_for_all():
    generator = np.random.default_rng(16)
    values = generator.standard_normal((8, 500)) * 2.0 ** np.arange(0, -8, -1)[:, None]
    fmt = AFPFormat(2, 2)
    each = bias_for_channels(np.abs(values).max(axis=1), fmt)[:, None]
    assert sqnr_db(values, fmt, each) > sqnr_db(values, fmt, int(each[0, 0])) + 0.1


def test_nan_is_refused():
    with pytest.raises(ValueError, match="1 NaN and 0 infinite of 2"):
        mse([1.0, float("nan")], E2M1, 1)
