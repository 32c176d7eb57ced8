"""Weight tensors of every kind of file, and what is refused."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from afp_hw import embedded
from afp_hw.network import choose, load_weights
from tests.network.models import floats


def names(path: Path) -> list[str]:
    return [tensor.name for tensor in load_weights(path)]


def test_onnx_gives_layers_with_batch_norm_folded() -> None:
    tensors = load_weights(embedded.model_path())
    assert len(tensors) == 10
    assert tensors[0].name == "conv1"
    assert tensors[0].values.dtype == np.float64
    # Unfolded weights of this network have no bias; folding changes every channel's scale.
    import onnx
    from onnx import numpy_helper

    raw = {
        t.name: numpy_helper.to_array(t) for t in onnx.load(embedded.model_path()).graph.initializer
    }
    scale = raw["conv1.norm.weight"] / np.sqrt(raw["conv1.norm.running_var"].astype(float) + 1e-5)
    expected = raw["conv1.weight"] * scale[:, None, None, None]
    np.testing.assert_allclose(tensors[0].values, expected, rtol=1e-6)


def test_safetensors_of_all_kinds_of_floats(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    values = floats(1, 4, 3)
    kinds = {"half": np.float16, "brain": ml_dtypes.bfloat16, "single": np.float32}
    tensors = {name: values.astype(kind) for name, kind in kinds.items()}
    save_file({**tensors, "bias": floats(2, 4), "index": np.ones((2, 2), np.int32)}, path)
    loaded = {tensor.name: tensor.values for tensor in load_weights(path)}
    assert set(loaded) == set(kinds)
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(loaded[name], tensor.astype(np.float64))


def test_archives_keep_names_and_order(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    np.savez(path, second=floats(1, 2, 2), first=floats(2, 2, 3), flat=floats(3, 4))
    assert names(path) == ["second", "first"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_counted(tmp_path: Path, value: float) -> None:
    path = tmp_path / "m.npz"
    weights = floats(1, 3, 3)
    weights[1, 1] = weights[0, 2] = value
    np.savez(path, layer=weights)
    nans, infinite = (2, 0) if np.isnan(value) else (0, 2)
    sentence = f"weights of 'layer' must be finite, not {nans} NaN and {infinite} infinite of 9"
    with pytest.raises(ValueError, match=sentence):
        load_weights(path)


@pytest.mark.parametrize("suffix", [".onnx", ".npz", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"no model at all", b"PK\x03\x04broken"])
def test_broken_files_are_one_sentence(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="model must ") as caught:
        load_weights(path)
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pickle_is_never_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    np.savez(path, layer=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="model must be a NumPy archive of numbers"):
        load_weights(path)


def test_other_kinds_of_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"model must be a file .onnx, .safetensors, .npz"):
        load_weights(tmp_path / "model.pt")
    with pytest.raises(FileNotFoundError):
        load_weights(tmp_path / "missing.npz")
    path = tmp_path / "m.npz"
    np.savez(path, bias=floats(1, 3))
    with pytest.raises(ValueError, match=r"must have weight tensors, not 'm.npz' without any"):
        load_weights(path)


def test_layers_are_chosen_by_name() -> None:
    tensors = load_weights(embedded.model_path())
    assert [t.name for t in choose(tensors, ["fc", "conv1"])] == ["conv1", "fc"]
    assert choose(tensors, []) == tensors
    with pytest.raises(ValueError, match="did you mean block1"):
        choose(tensors, ["block1.conv9"])
