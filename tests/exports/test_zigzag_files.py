"""Accelerator, mapping and workload, read by ZigZag's own validators and factories, and run."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from afp_hw import AFPFormat
from afp_hw.embedded import calibration_images, model_path
from afp_hw.exports import zigzag
from afp_hw.exports.shapes import shapes_of
from afp_hw.network import LoweredNetwork, calibrate, load_graph, lower
from tests.exports.sample_costs import UE3M2, sample

needs_zigzag = pytest.mark.skipif(find_spec("zigzag") is None, reason="needs zigzag-dse")

# In a process of its own: it sets up logging for all, and leaves files open.
READ = """
import json, sys, yaml
from zigzag.datatypes import OADimension
from zigzag.parser.accelerator_factory import AcceleratorFactory
from zigzag.parser.accelerator_validator import AcceleratorValidator
from zigzag.parser.mapping_validator import MappingValidator
from zigzag.parser.workload_factory import WorkloadFactory
from zigzag.parser.workload_validator import WorkloadValidator

def read(name, validator):
    with open(name, encoding="utf-8") as file:
        found = validator(yaml.safe_load(file))
    assert found.validate(), found.validator.errors
    return found.normalized_data

core = AcceleratorFactory(read("accelerator.yaml", AcceleratorValidator)).create()
mapping = read("mapping.yaml", MappingValidator)
nodes = WorkloadFactory(read("workload.yaml", WorkloadValidator), mapping).create().node_list
print(json.dumps({
    "units": core.operational_array.total_unit_count,
    "area": core.operational_array.total_area,
    "macs": {node.name: node.total_mac_count for node in nodes},
}))
"""

RUN = """
import json, logging
from zigzag.api import get_hardware_performance_zigzag as run
energy, cycles, found = run(
    "workload.yaml", "accelerator.yaml", "mapping.yaml", opt="energy", dump_folder="out",
    loma_show_progress_bar=False,
)
total = found[0][0]
parts = {str(key): value for key, value in total.mem_energy_breakdown.items()}
print(json.dumps({"cycles": cycles, "mac": total.mac_energy, "memory": parts}))
"""


def in_zigzag(script: str, folder: Path) -> Any:
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def lowered() -> LoweredNetwork:
    graph = load_graph(model_path())
    formats = calibrate(
        graph, calibration_images()[:8], weights=AFPFormat(3, 1), acts=AFPFormat(3, 2)
    )
    return lower(graph, formats)


def write(folder: Path, lowered: LoweredNetwork, lanes: int = 1, **changed: Any) -> dict[str, str]:
    texts = zigzag.files(sample(lanes, **changed), shapes_of(lowered.graph), lowered, "net.onnx", 1)
    for name, text in texts.items():
        (folder / name).write_text(text)
    return texts


@needs_zigzag
@pytest.mark.parametrize("lanes", [1, 2])
def test_zigzag_reads_all_three_files(lowered: LoweredNetwork, lanes: int, tmp_path: Path) -> None:
    write(tmp_path, lowered, lanes)
    found = in_zigzag(READ, tmp_path)
    assert found["units"] == 4 * 8 * lanes
    assert found["area"] == 4 * 8 * 3000.0
    assert found["macs"] == {shape.name: shape.macs for shape in shapes_of(lowered.graph)}


def test_each_layer_has_the_widths_of_its_own_tensors(
    lowered: LoweredNetwork, tmp_path: Path
) -> None:
    layers = yaml.safe_load(write(tmp_path, lowered)["workload.yaml"])
    acc = sample().design.acc_width
    # The network's input has a sign, what leaves a ReLU has none, and sums leave the last layer.
    assert layers[0]["operand_precision"] == {"W": 5, "I": 6, "O": acc, "O_final": 5}
    assert layers[-1]["operand_precision"] == {"W": 5, "I": 5, "O": acc, "O_final": acc}


def test_shares_of_an_edge_add_up_to_it(lowered: LoweredNetwork, tmp_path: Path) -> None:
    memories = yaml.safe_load(write(tmp_path, lowered, lanes=2)["accelerator.yaml"])["memories"]
    assert 4 * 2 * memories["act_edge"]["r_cost"] == pytest.approx(8.0 * 1.25)
    assert 4 * 2 * memories["act_edge"]["w_cost"] == pytest.approx(2 * 2.0)
    assert 8 * 2 * memories["wgt_edge"]["area"] == pytest.approx(700.0 + 2 * 200.0)
    assert memories["sram"]["r_cost"] == pytest.approx(20 / 64 * 8 * 2 * 5)


@pytest.mark.slow
@needs_zigzag
def test_zigzag_counts_what_we_count(lowered: LoweredNetwork, tmp_path: Path) -> None:
    """28 x 28 pixels, 9 products, 16 filters: whole rows and columns, results pass once."""
    texts = write(tmp_path, lowered, output=UE3M2)
    layers = yaml.safe_load(texts["workload.yaml"])
    (layer,) = [one for one in layers if one["name"] == "conv1"]
    (tmp_path / "workload.yaml").write_text(yaml.safe_dump([layer]))
    found = in_zigzag(RUN, tmp_path)
    macs, weights, results = 28 * 28 * 9 * 16, 9 * 16, 28 * 28 * 16
    assert found["mac"] == pytest.approx(macs * 4.0)
    assert found["memory"]["O"][:2] == [0.0, pytest.approx(results * 2.0)]
    # Of 64 bits in DRAM every weight takes 5, and is fetched once; ZigZag counts whole accesses.
    assert found["memory"]["W"][-1] == pytest.approx(weights * 5 // 64 * 1300)
    assert found["cycles"] >= macs / (4 * 8)
