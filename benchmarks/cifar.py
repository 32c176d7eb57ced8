"""The shared CIFAR-10 images as the shared ResNet-20 takes them; not a benchmark of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"
MODEL = SHARED / "resnet20-cifar10.onnx"


def present() -> bool:
    """Whether the shared data are there; says so where they are not."""
    if MODEL.is_file():
        return True
    print("skipped: needs ../shared/data (ResNet-20 and CIFAR-10)")
    return False


def images(name: str) -> np.ndarray:
    """float32 [B, 3, 32, 32]."""
    with np.load(SHARED / name) as arrays:
        pixels = arrays["images"].astype(np.float32) / 255
    scaled = (pixels - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2), np.float32)


def labels(name: str) -> np.ndarray:
    """int64 [B]."""
    with np.load(SHARED / name) as arrays:
        return arrays["labels"].astype(np.int64)
