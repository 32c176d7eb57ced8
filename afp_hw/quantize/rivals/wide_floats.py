"""Wide floating point without a scale: BF16, FP16, TF32, and what is not rounded at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.formats import AFPFormat
from afp_hw.golden import decode, encode
from afp_hw.quantize.rivals.quantizer import Rounding, magnitude_rows

_FORMATS: Final = {
    "BF16": (AFPFormat(8, 7), 127),
    "FP16": (AFPFormat(5, 10), 15),
    "TF32": (AFPFormat(8, 10), 127),
}
"""AFP with the same fields and bias: equal but for the codes of infinity and NaN."""


@dataclass(frozen=True)
class WideFloat:
    """BF16, FP16 or TF32: nothing is fitted; beyond the largest finite number a value saturates.

    Parameters
    ----------
    kind
        ``BF16``, ``FP16`` or ``TF32``. TF32 has 19 bits and is stored in 32; 19 are counted.

    Notes
    -----
    IEEE 754-2019 binary16; the BFLOAT16 numerics definition of Intel (2018); NVIDIA A100 Tensor
    Core GPU Architecture (2020).
    """

    kind: str
    per_channel: bool = False

    def __post_init__(self) -> None:
        if self.kind not in _FORMATS:
            raise ValueError(
                f"WideFloat.kind must be one of {', '.join(_FORMATS)}, not {self.kind!r}"
            )

    @property
    def name(self) -> str:
        """Name of the format."""
        return self.kind

    @property
    def n_bits(self) -> int:
        """Sign, exponent and mantissa together."""
        return _FORMATS[self.kind][0].width

    @property
    def bits(self) -> float:
        """The same."""
        return float(self.n_bits)

    @property
    def citation(self) -> str:
        """Where the format comes from."""
        return {
            "BF16": "Intel, BFLOAT16 numerics definition, 2018",
            "FP16": "IEEE 754-2019 binary16",
            "TF32": "NVIDIA A100 architecture, 2020",
        }[self.kind]

    def fit(self, values: ArrayLike, channel_axis: int | None, signed: bool) -> Rounding:
        """Check the values; the grid is fixed: see :class:`.Quantizer`."""
        magnitude_rows("WideFloat", values, channel_axis, signed)
        fmt, bias = _FORMATS[self.kind]
        # The largest exponent is that of infinity and NaN; the largest number lies below it.
        code = (1 << fmt.magnitude_width) - (1 << fmt.n_man) - 1
        largest = float(decode(code, fmt, bias))

        def rounding(array: NDArray[Any]) -> NDArray[Any]:
            limited = np.clip(array, -largest if signed else 0.0, largest)
            return decode(encode(limited, fmt, bias), fmt, bias).astype(array.dtype)

        return rounding


@dataclass(frozen=True)
class Unrounded:
    """FP32: values stay as they are, for methods that leave activations alone."""

    per_channel: bool = False

    @property
    def name(self) -> str:
        """Name of the format."""
        return "FP32"

    @property
    def n_bits(self) -> int:
        """32."""
        return 32

    @property
    def bits(self) -> float:
        """32."""
        return 32.0

    @property
    def citation(self) -> str:
        """Where the format comes from."""
        return "IEEE 754-2019 binary32"

    def fit(self, values: ArrayLike, channel_axis: int | None, signed: bool) -> Rounding:
        """Nothing is fitted and nothing rounded: see :class:`.Quantizer`."""
        magnitude_rows("Unrounded", values, channel_axis, signed)
        return np.array
