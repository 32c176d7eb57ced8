"""Values that the rivals are fitted to."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray


@pytest.fixture(scope="session")
def weights() -> NDArray[np.float64]:
    """[8, 90] with channels of different size and a long tail."""
    random = np.random.default_rng(7)
    return random.standard_t(4, (8, 90)) * np.exp2(random.integers(-3, 3, (8, 1)))


@pytest.fixture(scope="session")
def activations() -> NDArray[np.float64]:
    """4,000 values as a ReLU gives them."""
    return np.maximum(np.random.default_rng(8).standard_normal(4000), 0)
