"""ResNet-20 as a program: every tensor that is stored equals the exact chain's."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afp_hw import AFPFormat
from afp_hw.design import load_accelerator
from afp_hw.design.descriptor import Operation
from afp_hw.network import LoweredNetwork, calibrate, load_graph
from afp_hw.schedule.accelerator import schedule_network
from tests.network.models import SHARED
from tests.program.networks import compare, lowered

LARGE = load_accelerator(Path(__file__).parents[2] / "gen" / "accelerator16.toml")

pytestmark = pytest.mark.skipif(
    not (SHARED / "resnet20-cifar10.onnx").exists(),
    reason=f"ResNet-20 and its images are not in {SHARED}",
)


def images(name: str, count: int) -> Any:
    with np.load(SHARED / name) as archive:
        raw = archive["images"][:count] / 255
    prepared = (raw - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    return prepared.astype(np.float32).transpose(0, 3, 1, 2)


@lru_cache
def network() -> LoweredNetwork:
    graph = load_graph(SHARED / "resnet20-cifar10.onnx")
    formats = calibrate(
        graph,
        images("cifar10-calibration-512.npz", 32),
        weights=AFPFormat(3, 1),
        acts=AFPFormat(3, 2),
        source="cifar10",
    )
    return lowered(graph, formats, LARGE)


@pytest.mark.parametrize("dataflow", [None, Operation.WEIGHTS_STATIONARY])
def test_every_tensor_is_that_of_the_exact_chain(dataflow: Operation | None) -> None:
    image = images("cifar10-test-5000.npz", 1)[0]
    compare(network(), image, LARGE, dataflow=dataflow)


def test_nine_tenths_of_all_cycles_are_the_array_s() -> None:
    image = images("cifar10-test-5000.npz", 1)[0]
    program, _ = compare(network(), image, LARGE)
    macs = sum(layer["macs"] for layer in program.manifest["layers"])
    cycles = schedule_network(program.descriptors, LARGE).cycles
    assert macs / 256 / cycles > 0.9
