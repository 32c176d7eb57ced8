"""The embedded model: what is packaged is what its metadata says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from afp_hw import embedded

EXAMPLES = Path(__file__).parents[2] / "examples"
BLOCKS = {"block1": ("conv1", "conv2"), "block2": ("conv1", "conv2", "skip")}
BLOCKS["block3"] = BLOCKS["block2"]  # both change the shape: a projection
LAYERS = ["conv1", *(f"{block}.{conv}" for block, convs in BLOCKS.items() for conv in convs), "fc"]


def properties() -> dict[str, str]:
    model = onnx.load(embedded.model_path())
    return {entry.key: entry.value for entry in model.metadata_props}


def test_the_model_is_small_and_valid() -> None:
    assert embedded.model_path().stat().st_size <= 500_000
    onnx.checker.check_model(str(embedded.model_path()), full_check=True)


def test_each_convolution_has_its_name_and_batch_norm() -> None:
    nodes = onnx.load(embedded.model_path()).graph.node
    assert [node.name for node in nodes if node.op_type in ("Conv", "Gemm")] == LAYERS
    norms = [node.input[0] for node in nodes if node.op_type == "BatchNormalization"]
    assert norms == [f"{name}.out" for name in LAYERS[:-1]]
    others = {node.op_type for node in nodes} - {"Conv", "Gemm", "BatchNormalization"}
    assert others == {"Relu", "Add", "GlobalAveragePool", "Flatten"}


def test_any_number_of_images_is_taken() -> None:
    session = onnxruntime.InferenceSession(embedded.model_path())
    assert session.get_inputs()[0].shape == ["N", 1, 28, 28]
    images = embedded.test_set()[0][:7]
    (together,) = session.run(None, {"image": images})
    alone = [session.run(None, {"image": image[None]})[0][0] for image in images]
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-4)


def test_the_training_script_s_defaults_are_those_that_made_the_model() -> None:
    script, *options = properties()["trained_by"].split()
    source = (EXAMPLES / script).read_text()
    stated = dict(zip(options[::2], options[1::2], strict=True))
    assert stated.keys() == {"--epochs", "--seed"}
    assert dict(re.findall(r'"(--\w+)", type=int, default=(\d+)', source)) == stated


def test_shapes_and_kinds() -> None:
    images, labels = embedded.test_set()
    assert (images.shape, images.dtype) == ((1000, 1, 28, 28), np.float32)
    assert (labels.shape, labels.dtype) == ((1000,), np.uint8)
    assert set(labels.tolist()) == set(range(10))
    calibration = embedded.calibration_images()
    assert (calibration.shape, calibration.dtype) == ((256, 1, 28, 28), np.float32)
    assert len({image.tobytes() for image in calibration}) == 256


def test_normalisation_is_that_of_the_metadata() -> None:
    assert properties()["mean"] == "0.0"
    assert properties()["std"] == "0.353"
    pixels = np.array([0, 255], np.uint8).reshape(1, 1, 2, 1)
    expected = np.array([0.0, 1.0]) / 0.353
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
    assert measured >= 90
