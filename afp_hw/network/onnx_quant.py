"""Quantizers of QONNX models, read as formats: ``Quant`` and ``FloatQuant``.

The network computes in floating point, as if they were not there; what they say about a tensor is
kept beside it, and takes the place of the format that a user names for all tensors. Source: the
operators' definitions in QONNX (github.com/fastmachinelearning/qonnx, docs/qonnx-custom-ops):
``Quant(x, scale, zero point, bits)`` and ``FloatQuant(x, scale, exponent bits, mantissa bits,
exponent bias, largest value)``.

* ``Quant`` of `b` bits is ``AFP(0, b - 1)``, unsigned ``AFP(0, b)``. Two's complement has one code
  more, ``-2**(b - 1)``, which saturates here.
* ``FloatQuant`` is ``AFP(e, m)``. Codes that it gives to infinity and NaN are numbers here.
* A scale that is no power of two leaves the choice of the grid to calibration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from afp_hw.formats import AFPFormat
from afp_hw.network.graph import NamedFormat
from afp_hw.network.onnx_node import Unsupported, attributes_of

if TYPE_CHECKING:
    from afp_hw.network.onnx_import import Importer

QUANTIZERS: Final = {"Quant", "FloatQuant"}


def read_quantizer(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    """Take a quantizer out of the network, and keep the format that it names.

    Raises
    ------
    Unsupported
        A zero point, a rounding other than half to even, no subnormals, widths that are computed,
        not whole, or beyond AFP.
    """
    attributes = attributes_of(node)
    if attributes.get("rounding_mode", b"ROUND").decode().upper() not in ("ROUND", "HALF_EVEN"):
        raise Unsupported(f"with rounding_mode {attributes['rounding_mode'].decode()}")
    fmt, lsb = (_integer if node.op_type == "Quant" else _floating)(importer, node, attributes)
    scale = _constant(importer, node, 1)
    named = NamedFormat(fmt, _grid(scale, lsb), f"QONNX {node.op_type} {label}")
    name = importer.resolve(node.input[0])
    if name in importer.constants:
        importer.constants[node.output[0]] = importer.constants[name]
        importer.constant_formats[node.output[0]] = named
        return
    if isinstance(named.lsb, tuple):
        raise Unsupported("of an activation with a scale per channel")
    importer.alias(node.output[0], name)
    importer.act_formats[name] = named


def _constant(importer: Importer, node: onnx.NodeProto, index: int) -> NDArray[np.float64]:
    found = importer.constant(node, index)
    if found is None:
        raise Unsupported(f"without input {index}")
    return np.asarray(found, np.float64)


def _whole(importer: Importer, node: onnx.NodeProto, index: int, what: str) -> int:
    value = _constant(importer, node, index)
    if value.size != 1 or not float(value.item()).is_integer():
        raise Unsupported(f"with {what} that are not one whole number")
    return int(value.item())


def _format(n_exp: int, n_man: int, signed: bool) -> AFPFormat:
    try:
        return AFPFormat(n_exp, n_man, signed=signed)
    except ValueError as error:
        raise Unsupported(f"of {n_exp} exponent and {n_man} mantissa bits") from error


def _integer(
    importer: Importer, node: onnx.NodeProto, attributes: dict[str, Any]
) -> tuple[AFPFormat, int]:
    """Format of ``Quant``, and its lsb at a scale of 1."""
    if _constant(importer, node, 2).any():
        raise Unsupported("with a zero point")
    bits, signed = _whole(importer, node, 3, "bits"), bool(attributes.get("signed", 1))
    return _format(0, bits - signed, signed), 0


def _floating(
    importer: Importer, node: onnx.NodeProto, attributes: dict[str, Any]
) -> tuple[AFPFormat, int]:
    """Format of ``FloatQuant``, and its lsb at a scale of 1."""
    if not attributes.get("has_subnormal", 1):
        raise Unsupported("without subnormals")
    n_exp = _whole(importer, node, 2, "exponent bits")
    n_man = _whole(importer, node, 3, "mantissa bits")
    bias = _whole(importer, node, 4, "exponent biases")
    fmt = _format(n_exp, n_man, bool(attributes.get("signed", 1)))
    return fmt, fmt.lsb(bias)


def _grid(scale: NDArray[np.float64], lsb: int) -> int | tuple[int, ...] | None:
    """Exponents of the grid: one, one per channel, or None where a scale is no power of two."""
    fraction, exponent = np.frexp(scale.reshape(-1))
    if not (scale > 0).all():
        raise Unsupported("with a scale that is not positive")
    if (fraction != 0.5).any():
        return None
    grids = tuple((exponent.astype(int) - 1 + lsb).tolist())
    return grids[0] if len(grids) == 1 else grids
