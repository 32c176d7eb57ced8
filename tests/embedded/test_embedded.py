"""The embedded model: what is packaged is what its metadata says."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime

from afp_hw import embedded


def properties() -> dict[str, str]:
    model = onnx.load(embedded.model_path())
    return {entry.key: entry.value for entry in model.metadata_props}


def test_the_model_is_small_and_valid() -> None:
    assert embedded.model_path().stat().st_size <= 500_000
    onnx.checker.check_model(str(embedded.model_path()), full_check=True)


def test_shapes_and_kinds() -> None:
    images, labels = embedded.test_set()
    assert (images.shape, images.dtype) == ((1000, 1, 28, 28), np.float32)
    assert (labels.shape, labels.dtype) == ((1000,), np.uint8)
    assert set(labels.tolist()) == set(range(10))
    assert embedded.calibration_images().shape == (256, 1, 28, 28)


def test_normalisation_is_that_of_the_metadata() -> None:
    assert properties()["mean"] == "0.286"
    assert properties()["std"] == "0.353"
    pixels = np.array([0, 255], np.uint8).reshape(1, 1, 2, 1)
    expected = (np.array([0.0, 1.0]) - 0.286) / 0.353
    np.testing.assert_allclose(embedded.normalise(pixels).ravel(), expected, rtol=1e-6)


def test_calibration_images_are_not_test_images() -> None:
    test = {image.tobytes() for image in embedded.test_set()[0]}
    assert not any(image.tobytes() in test for image in embedded.calibration_images())


def test_float32_accuracy() -> None:
    stated = float(properties()["float32_test_accuracy_percent"])
    assert stated >= 92
    images, labels = embedded.test_set()
    session = onnxruntime.InferenceSession(embedded.model_path())
    (logits,) = session.run(None, {"image": images})
    measured = 100 * float((logits.argmax(1) == labels).mean())
    # 1,000 of the 10,000 images: three standard deviations are 2.4 points.
    assert abs(measured - stated) < 2.4
