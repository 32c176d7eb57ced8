"""The embedded model and its images: a small residual network trained on Fashion-MNIST.

``examples/train_fashion_resnet.py`` made these files. Fashion-MNIST: Zalando SE, MIT licence
(``LICENSE-fashion-mnist.txt``).
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["STD", "calibration_images", "model_path", "normalise", "test_set"]

STD = 0.3530


def _path(name: str) -> Path:
    return Path(str(files(__package__) / name))


def model_path() -> Path:
    """The network as ONNX: images float32 [N, 1, 28, 28] to logits [N, 10]."""
    return _path("fashion_resnet.onnx")


def normalise(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Images as the network takes them, ``x / 255 / std``: black is 0, which every format holds.

    uint8 [N, 28, 28, 1] gives float32 [N, 1, 28, 28].
    """
    scaled = images.astype(np.float32) / np.float32(255) / np.float32(STD)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def _load(name: str) -> dict[str, npt.NDArray[Any]]:
    with np.load(_path(name), allow_pickle=False) as arrays:
        return dict(arrays)


def test_set() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """The first 1,000 test images, float32 [1000, 1, 28, 28], and their labels, uint8 [1000]."""
    arrays = _load("fashion_test_1000.npz")
    return normalise(arrays["images"]), arrays["labels"]


def calibration_images() -> npt.NDArray[np.float32]:
    """256 training images without labels, float32 [256, 1, 28, 28]."""
    return normalise(_load("fashion_calibration_256.npz")["images"])
