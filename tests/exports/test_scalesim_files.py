"""Configuration and topology, read by SCALE-Sim's own classes and by our reader of the table."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from afp_hw.embedded import model_path
from afp_hw.energy.memory import MemoryTable
from afp_hw.exports import scalesim
from afp_hw.exports.shapes import LayerShape, shapes_of
from afp_hw.network import load_graph
from afp_hw.program.topology import read_topology
from tests.exports.sample_costs import DESIGN
from tests.exports.test_exported_shapes import convolution

needs_scalesim = pytest.mark.skipif(find_spec("scalesim") is None, reason="needs scalesim")

# In a process of its own: it leaves files open. Without its memories, whose model in 3.0.0 does not
# run with NumPy 2.4: the demands of the array are what its compute cycles are counted by.
RUN = """
import json
from scalesim.layout_utils import layouts
from scalesim.scale_config import scale_config
from scalesim.single_layer_sim import single_layer_sim
from scalesim.topology_utils import topologies

config, topology, layout = scale_config(), topologies(), layouts()
config.read_conf_file("scale.cfg")
assert config.valid_conf_flag
topology.load_arrays("topology.csv")
topology.topo_calc_hyperparams()
layout.load_arrays("layout.csv")
cycles = []
for index in range(topology.num_layers):
    layer = single_layer_sim()
    layer.set_params(index, config, topology, layout, False)
    operands = layer.op_mat_obj
    operands.create_operand_matrices()
    layer.compute_system.set_params(
        config_obj=config,
        ifmap_op_mat=operands.get_ifmap_matrix()[1],
        filter_op_mat=operands.get_filter_matrix()[1],
        ofmap_op_mat=operands.get_ofmap_matrix()[1],
    )
    cycles.append(len(layer.compute_system.get_demand_matrices()[0]))
print(json.dumps({
    "array": config.get_array_dims(),
    "dataflow": config.get_dataflow(),
    "memories": config.get_mem_sizes(),
    "layers": [row[0] for row in topology.topo_arrays],
    "sizes": topology.layers_calculated_hyperparams,
    "cycles": cycles,
}))
"""


def run_scalesim(shapes: list[LayerShape], folder: Path) -> Any:
    for name, text in scalesim.files(shapes, DESIGN, MemoryTable.embedded()).items():
        (folder / name).write_text(text)
    run = subprocess.run(
        [sys.executable, "-c", RUN], cwd=folder, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


@needs_scalesim
def test_scalesim_reads_the_files_and_counts_the_published_cycles(tmp_path: Path) -> None:
    """Output-stationary, arXiv:1811.02883: ceil(T/R) * ceil(N/C) * (R + C + K - 2)."""
    shapes = [shape for shape in shapes_of(load_graph(model_path())) if shape.macs < 1_000_000]
    assert len(shapes) == 6
    found = run_scalesim(shapes, tmp_path)
    assert (found["array"], found["dataflow"], found["memories"]) == ([4, 8], "os", [1024] * 3)
    assert found["layers"] == [shape.name for shape in shapes]
    for shape, sizes, cycles in zip(shapes, found["sizes"], found["cycles"], strict=True):
        high, wide, macs, window = sizes
        assert ((high, wide), macs) == (shape.output, shape.macs)
        folds = -(-high * wide // 4) * -(-shape.filters // 8)
        assert cycles == folds * (4 + 8 + window - 2)


@needs_scalesim
@pytest.mark.parametrize("groups", [1, 2])
def test_strides_that_leave_pixels_unread_add_none_to_scalesim(groups: int, tmp_path: Path) -> None:
    """SCALE-Sim rounds the number of windows up."""
    shape = replace(LayerShape.of(*convolution(groups, pads=(0, 0, 0, 0))), name="a DP,layer")
    found = run_scalesim([shape], tmp_path)
    names = ["a_dp_layer"] if groups == 1 else ["a_dp_layer:0", "a_dp_layer:1"]
    assert found["layers"] == names
    assert [size[:2] for size in found["sizes"]] == [list(shape.output)] * groups
    assert sum(size[2] for size in found["sizes"]) == shape.macs


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_our_reader_takes_the_same_table(groups: int, tmp_path: Path) -> None:
    shapes = [*shapes_of(load_graph(model_path()))]
    shapes.append(replace(LayerShape.of(*convolution(groups, filters=8)), name="grouped"))
    path = tmp_path / "topology.csv"
    path.write_text(scalesim.topology(shapes))
    read = read_topology(path)
    assert len(read) == len(shapes) - 1 + groups
    for shape, line in zip(shapes, read, strict=False):
        assert line.output == (shape.filters, *shape.output)
        assert line.macs * shape.groups == shape.macs
        assert (line.channels, line.stride) == (shape.channels, shape.strides[0])
    assert sum(line.macs for line in read) == sum(shape.macs for shape in shapes)


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        ({"strides": (2, 1)}, "strides of 'conv' must be alike for SCALE-Sim, not 2 and 1"),
        ({"dilations": (2, 1)}, r"dilations of 'conv' must be 1 for SCALE-Sim, not \(2, 1\)"),
    ],
)
def test_what_a_line_cannot_say_is_refused(attributes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        scalesim.topology([LayerShape.of(*convolution(**attributes))])


def test_names_that_become_one_are_refused() -> None:
    shape = LayerShape.of(*convolution())
    with pytest.raises(ValueError, match="layers must have names of their own, not 'a_b' twice"):
        scalesim.topology([replace(shape, name=name) for name in ("a,b", "a b")])


def test_several_lanes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^Design\.lanes must be 1 for SCALE-Sim, .*, not 2$"):
        scalesim.configuration(replace(DESIGN, lanes=2), MemoryTable.embedded())
