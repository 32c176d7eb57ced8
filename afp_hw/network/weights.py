"""Weight tensors of a trained model: from ONNX, safetensors or NumPy archives."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afp_hw.network.graph import no_such_layer
from afp_hw.network.onnx_import import load_graph

SUFFIXES = (".onnx", ".safetensors", ".npz")


@dataclass(frozen=True, eq=False)
class WeightTensor:
    """One layer's weights.

    Attributes
    ----------
    name
        Layer (ONNX) or tensor (the others).
    values
        float64; ONNX: Conv [O, C/groups, KH, KW] and Linear [K, N], batch norm folded.
    channel_axis
        Axis of the output channels.
    """

    name: str
    values: NDArray[np.float64]
    channel_axis: int


def load_weights(path: str | Path) -> list[WeightTensor]:
    """All weight tensors of a file, in its order.

    ONNX gives the weights of Conv, Gemm and MatMul layers with batch norm folded; of the other two
    kinds every floating-point tensor of two and more axes counts, its output channels first.

    Raises
    ------
    ValueError
        Another kind of file, a broken one, one without weights, or weights that are not finite (the
        tensor is named, and how many there are).
    OSError
        The file cannot be read.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"model must be a file {', '.join(SUFFIXES)}, not {path.name!r}")
    readers = {".onnx": _from_onnx, ".safetensors": _from_safetensors, ".npz": _from_npz}
    tensors = list(readers[path.suffix.lower()](path))
    if not tensors:
        raise ValueError(f"model must have weight tensors, not {path.name!r} without any")
    for tensor in tensors:
        wrong = ~np.isfinite(tensor.values)
        if wrong.any():
            nans = int(np.isnan(tensor.values).sum())
            raise ValueError(
                f"weights of {tensor.name!r} must be finite, not {nans} NaN and "
                f"{int(wrong.sum()) - nans} infinite of {tensor.values.size}"
            )
    return tensors


def choose(tensors: Iterable[WeightTensor], names: Iterable[str]) -> list[WeightTensor]:
    """The tensors called `names`, in the order of `tensors`; all of them where no name is given.

    Raises
    ------
    ValueError
        A name that is not there; the sentence has those that come close.
    """
    by_name = {tensor.name: tensor for tensor in tensors}
    wanted = list(names)
    for name in wanted:
        if name not in by_name:
            raise no_such_layer(name, list(by_name))
    return [tensor for name, tensor in by_name.items() if not wanted or name in wanted]


def _from_onnx(path: Path) -> Iterable[WeightTensor]:
    for layer in load_graph(path).layers():
        assert layer.weight is not None  # layers have weights
        yield WeightTensor(layer.name, layer.weight, 0 if layer.op == "Conv" else 1)


def _from_npz(path: Path) -> Iterable[WeightTensor]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, ValueError, EOFError, TypeError, AttributeError) as error:
        raise ValueError(f"model must be a NumPy archive of numbers, not {path.name!r}") from error
    return _matrices(arrays.items())


def _from_safetensors(path: Path) -> Iterable[WeightTensor]:
    import ml_dtypes  # noqa: F401, gives NumPy the type bfloat16; comes with onnx
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(
            f"model must be a safetensors file, not {path.name!r} ({error})"
        ) from error
    return _matrices(arrays.items())


def _matrices(arrays: Iterable[tuple[str, NDArray[np.generic]]]) -> Iterable[WeightTensor]:
    for name, array in arrays:
        floating = array.dtype.kind == "f" or array.dtype.name == "bfloat16"
        if array.ndim >= 2 and array.size and floating:
            yield WeightTensor(name, array.astype(np.float64), 0)
