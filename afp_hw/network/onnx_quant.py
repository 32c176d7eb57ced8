"""Quantizers of QONNX models, read as formats: ``Quant`` and ``FloatQuant``.

The network computes in floating point, as if they were not there; what they say about a tensor is
kept beside it, and takes the place of the format that a user names for all tensors. Source: the
operators' definitions in QONNX (github.com/fastmachinelearning/qonnx, docs/qonnx-custom-ops):
``Quant(x, scale, zero point, bits)`` and ``FloatQuant(x, scale, exponent bits, mantissa bits,
exponent bias, largest value)``.

* ``Quant`` of `b` bits is ``AFP(0, b - 1)``, unsigned ``AFP(0, b)``. Two's complement has one code
  more (``narrow`` 0), ``-2**(b - 1)``, which saturates here.
* ``FloatQuant`` is ``AFP(e, m)`` with subnormals, whose largest value must be the format's own:
  no code is infinity or NaN.
* An unsigned quantizer of a tensor that can be negative is a ReLU before it.
* A scale that is no power of two leaves the choice of the grid to calibration.
* Biases are read as they are: they take the grid of their layer's sums. So are quantizers of the
  network's outputs, which leave as exact sums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from afp_hw.formats import AFPFormat
from afp_hw.network.graph import Graph, NamedFormat, Node
from afp_hw.network.onnx_node import Unsupported, attributes_of
from afp_hw.network.stages import nonnegative

if TYPE_CHECKING:
    from afp_hw.network.onnx_import import Importer

QUANTIZERS: Final = {"Quant", "FloatQuant"}
DOMAINS: Final = {"qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general"}
MOVES: Final = {"Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}
"""Operators on quantized constants behind which each element still has its format."""

_KEEP: Final = {"Flatten", "MaxPool", "Pad", "Slice"}


@dataclass(frozen=True, eq=False)
class ConstantFormat:
    """What a quantizer says about a constant.

    Attributes
    ----------
    fmt
        Widths and sign.
    grid
        Exponent of each element's grid, float32 of the constant's shape; NaN where the scale is no
        power of two.
    source
        Which node says so.
    """

    fmt: AFPFormat
    grid: NDArray[np.float32]
    source: str


def read_quantizer(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    """Take a quantizer out of the network, and keep the format that it names.

    Raises
    ------
    Unsupported
        A zero point, a rounding other than half to even, no subnormals, infinity or NaN, widths
        that are computed, not whole, or beyond AFP; a scale for each channel of an activation, or
        a second format for one.
    """
    attributes = attributes_of(node)
    mode = attributes.get("rounding_mode", b"ROUND").decode()
    if mode.upper() not in ("ROUND", "HALF_EVEN"):
        raise Unsupported(f"with rounding_mode {mode}")
    fmt, lsb = (_integer if node.op_type == "Quant" else _floating)(importer, node, attributes)
    grid = _grid(_constant(importer, node, 1), lsb)
    source = f"QONNX {node.op_type} {label}"
    name, output = importer.resolve(node.input[0]), node.output[0]
    if name in importer.constants:
        constant = importer.constants[output] = importer.constants[name]
        try:
            whole = np.broadcast_to(grid, constant.shape)
        except ValueError as error:
            raise Unsupported(f"with scales {[*grid.shape]} of {[*constant.shape]}") from error
        importer.constant_formats[output] = ConstantFormat(fmt, whole, source)
        return
    if grid.size != 1:
        raise Unsupported("of an activation with a scale per channel")
    named = NamedFormat(fmt, _exponents(grid), source)
    known = importer.act_formats.get(name)
    if known is not None and (known.fmt, known.lsb) != (named.fmt, named.lsb):
        raise Unsupported("of a tensor that has another format already")
    _, shape = importer.activation(node)
    inputs = {value.name for value in importer.model.graph.input}
    so_far = Graph("", (), (), tuple(importer.nodes), importer.shapes)
    if fmt.signed or name in inputs or name in nonnegative(so_far):
        importer.alias(output, name)
        importer.act_formats[name] = named
        return
    importer.emit(Node(label, "Relu", (name,), output), shape)
    importer.act_formats[output] = named


def name_weights(importer: Importer, node: onnx.NodeProto) -> None:
    """Give a layer just converted from `node` the format that a quantizer names for its weights.

    Raises
    ------
    Unsupported
        The format is unsigned, or its grid differs within an output channel.
    """
    if node.op_type not in ("Conv", "Gemm", "MatMul"):
        return
    found = importer.constant_formats.get(importer.resolve(node.input[1]))
    if found is None:
        return
    if not found.fmt.signed:
        raise Unsupported("of unsigned weights")
    attributes = attributes_of(node)
    rows = node.op_type == "Conv" or attributes.get("transB", 0)
    grid = found.grid if rows else found.grid.T
    grid = grid.reshape(len(grid), -1)
    if (grid != grid[:, :1]).any() and not np.isnan(grid).any():
        raise Unsupported("of weights whose scale differs within an output channel")
    named = NamedFormat(found.fmt, _exponents(grid[:, 0]), found.source)
    alpha = np.array(attributes.get("alpha", 1.0))
    importer.weight_formats[importer.nodes[-1].name] = scaled_format(named, alpha)


def scaled_format(named: NamedFormat, factor: NDArray[np.float64]) -> NamedFormat:
    """The format of weights that are multiplied by `factor`, one or one for each output channel.

    Factors that are no powers of two leave the choice of the grid to calibration.
    """
    if named.lsb is None or not factor.all():
        return replace(named, lsb=None)
    return replace(named, lsb=_exponents(np.array(named.lsb) + _grid(np.abs(factor), 0)))


def settle_formats(
    nodes: Sequence[Node], outputs: tuple[str, ...], formats: Mapping[str, NamedFormat]
) -> dict[str, NamedFormat]:
    """Move formats of activations to where the tensors are rounded.

    Rounding to a grid about zero commutes with moving elements and with maxima: what is rounded
    behind a pool is rounded before it, what is rounded before a ReLU that alone reads it is rounded
    behind it.
    """
    readers: dict[str, list[Node]] = {}
    for node in nodes:
        for read in node.inputs:
            readers.setdefault(read, []).append(node)
    makers = {node.output: node for node in nodes}
    settled = dict(formats)

    def move(name: str, target: str) -> str:
        settled[target] = settled.pop(name)
        return target

    for name in formats:
        place = name
        while place in makers and makers[place].op in _KEEP:
            source = makers[place].inputs[0]
            if len(readers[source]) != 1 or source in outputs or source in settled:
                break
            place = move(place, source)
        following = readers.get(place, [])
        while len(following) == 1 and following[0].op == "Relu" and place not in outputs:
            if following[0].output in settled:
                break
            place = move(place, following[0].output)
            following = readers.get(place, [])
    return settled


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
    if attributes.get("narrow", 0) and not signed:
        raise Unsupported("that is narrow and unsigned")
    return _format(0, bits - signed, signed), 0


def _floating(
    importer: Importer, node: onnx.NodeProto, attributes: dict[str, Any]
) -> tuple[AFPFormat, int]:
    """Format of ``FloatQuant``, and its lsb at a scale of 1."""
    if not attributes.get("has_subnormal", 1):
        raise Unsupported("without subnormals")
    if attributes.get("has_inf", 0) or attributes.get("has_nan", 0):
        raise Unsupported("with infinity or NaN")
    n_exp = _whole(importer, node, 2, "exponent bits")
    n_man = _whole(importer, node, 3, "mantissa bits")
    lsb = 1 - _whole(importer, node, 4, "exponent biases") - n_man
    fmt = _format(n_exp, n_man, bool(attributes.get("signed", 1)))
    # The definition: the lesser of the largest value that is given and that of the widths.
    own, widths = fmt.max_fix * 2.0**lsb, (2.0 ** (n_man + 1) - 1) * 2.0 ** (2**n_exp - 2 + lsb)
    given = _constant(importer, node, 5) if len(node.input) > 5 else np.array(widths)
    if (np.minimum(given, widths) != own).any():
        raise Unsupported(f"up to {given.min():g} where {fmt} has {own:g}")
    return fmt, lsb


def _grid(scale: NDArray[np.float64], lsb: int) -> NDArray[np.float32]:
    """Exponents of grids of steps ``scale * 2**lsb``; NaN where a scale is no power of two."""
    if not (scale > 0).all():
        raise Unsupported("with a scale that is not positive")
    fraction, exponent = np.frexp(scale)
    return np.where(fraction == 0.5, exponent - 1.0 + lsb, np.nan).astype(np.float32)


def _exponents(grid: NDArray[Any]) -> int | tuple[int, ...] | None:
    """Exponents as :class:`NamedFormat` has them: None where any scale is no power of two."""
    if np.isnan(grid).any():
        return None
    numbers = tuple(int(number) for number in grid.reshape(-1))
    return numbers[0] if len(set(numbers)) == 1 else numbers
