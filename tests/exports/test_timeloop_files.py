"""ERT, ART, architecture and problems, checked against what the other tools' sources ask for.

Neither Accelergy nor Timeloop can be installed from a package index, so the checks are written
here, from: ``ERT_input_parser`` in ``accelergy/raw_inputs_2_dicts.py`` (github.com/
Accelergy-Project/accelergy); ``ParseAccelergyERT`` and ``ParseAccelergyART`` in
``src/model/topology.cpp`` (github.com/NVlabs/timeloop); ``timeloopfe/v4/arch.py``,
``constraints.py``, ``problem.py``, ``ert.py``, ``art.py`` and ``processors/required_actions.py``
(github.com/Accelergy-Project/timeloopfe).
"""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from afp_hw.embedded import model_path
from afp_hw.exports import timeloop
from afp_hw.exports.accelergy import tables
from afp_hw.exports.shapes import LayerShape, shapes_of
from afp_hw.network import load_graph
from tests.exports.sample_costs import sample
from tests.exports.test_exported_shapes import convolution

TAGS = {"Component", "Container"}  # of the six that arch.py has
LEAF = {"name", "attributes", "spatial", "constraints", "sparse_optimizations"}
KEYS = {
    "Container": LEAF | {"networks"},
    "Component": LEAF | {"class", "subclass", "required_actions", "area_share", "enabled"},
}
STORAGES = ("DRAM", "SRAM", "regfile", "smartbuffer", "storage")
COMPUTES = ("mac", "intmac", "fpmac", "compute")
ACTIONS = {"storage": {"leak", "read", "write", "update"}, "compute": {"compute"}}


class Loader(yaml.SafeLoader):
    """Tags become the key ``tag``."""


def tagged(loader: Loader, suffix: str, node: yaml.MappingNode) -> dict[str, Any]:
    return {"tag": suffix, **loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", tagged)


def load(text: str) -> Any:
    return yaml.load(text, Loader)


def level_of(path: str) -> str:
    """The name by which topology.cpp finds a level: two characters before ``..`` are cut off."""
    dots, dot = path.rfind(".."), path.rfind(".")
    if dots >= 0 and dots == dot - 1:
        path = path[: dots - 2]
    return path[path.rfind(".") + 1 :]


def ert(lanes: int = 1, **changed: Any) -> dict[str, dict[str, float]]:
    document = load(tables(sample(lanes, **changed), "net.onnx", 1)["ERT.yaml"])["ERT"]
    assert float(document["version"]) == 0.4
    assert isinstance(document["tables"], list)
    found = {}
    for table in document["tables"]:
        assert set(table) == {"name", "actions"}
        for action in table["actions"]:
            assert set(action) == {"name", "arguments", "energy"}
            assert isinstance(action["arguments"], dict)
            assert isinstance(action["energy"], float)
        found[table["name"]] = {action["name"]: action["energy"] for action in table["actions"]}
    return found


def art(lanes: int = 1) -> dict[str, float]:
    document = load(tables(sample(lanes), "net.onnx", 1)["ART.yaml"])["ART"]
    assert float(document["version"]) == 0.4
    for table in document["tables"]:
        assert set(table) == {"name", "area"}
        assert isinstance(table["area"], float)
    return {table["name"]: table["area"] for table in document["tables"]}


def nodes(lanes: int = 1) -> list[dict[str, Any]]:
    text = timeloop.architecture(sample(lanes), "net.onnx", 1)
    document = load(text)["architecture"]
    assert set(document) == {"version", "nodes"}
    assert document["version"] == 0.4
    return list(document["nodes"])


def test_energies_are_those_of_each_access_in_picojoule() -> None:
    found = {level_of(path): actions for path, actions in ert().items()}
    assert found["mac"]["compute"] == 4.0
    # One step in 1.25 cycles of an edge, one unpacker a lane.
    assert found["act_edge"] == {"read": 10.0, "write": 2.0, "update": 0.0, "leak": 3e-06}
    assert found["wgt_edge"]["read"] == 15.0
    assert found["out_edge"]["update"] == 2.0
    # 64 bits are 10 codes of 6 bits: 60 of 64 bits' energy.
    assert found["DRAM"]["read"] == pytest.approx(1300 * 60 / 64)
    assert found["sram"]["write"] == pytest.approx(20 * 60 / 64)
    # 3000 nW in a cycle of 5 ns.
    assert found["mac"]["leak"] == pytest.approx(3000e-12 * 5e-9 * 1e12)


def test_lanes_share_a_cell_and_multiply_what_unpacks() -> None:
    one, two = ({level_of(path): value for path, value in art(lanes).items()} for lanes in (1, 2))
    assert (one["mac"], two["mac"]) == (3000.0, 1500.0)
    assert (one["act_edge"], two["act_edge"]) == (600.0, 700.0)
    assert one["out_edge"] == two["out_edge"] == 1200.0
    energies = {level_of(path): value for path, value in ert(2).items()}
    assert energies["act_edge"]["write"] == 4.0
    assert energies["mac"]["compute"] == 4.0


def test_sums_that_leave_as_they_are_cost_nothing_behind_the_array() -> None:
    found = ert(output=None, requantizer=None, packer=None)
    assert {level_of(path): value for path, value in found.items()}["out_edge"]["update"] == 0.0


def test_what_is_not_known_is_zero_and_said_to_be() -> None:
    text = tables(sample(), "net.onnx", 1)["ART.yaml"]
    areas = {level_of(path): area for path, area in art().items()}
    assert areas["sram"] == areas["DRAM"] == areas["accumulator"] == 0.0
    said = " ".join(line.removeprefix("# ") for line in text.splitlines() if line[:1] == "#")
    assert "Their area and leakage are not known: 0 stands for them." in said
    assert "accumulator has no cost of its own" in said
    for source in ("cells of a test", "5 ns", "layer conv of net.onnx, 1 image", "Horowitz"):
        assert source in said


@pytest.mark.parametrize("lanes", [1, 2])
def test_levels_are_what_the_front_end_takes(lanes: int) -> None:
    for node in nodes(lanes):
        tag = node.pop("tag")
        assert tag in TAGS
        assert set(node) <= KEYS[tag]
        for size in node.get("spatial", {}).values():
            assert isinstance(size, int)
            assert size > 0
        if tag == "Container":
            continue
        storage = any(kind in node["class"] for kind in STORAGES)
        assert storage != any(kind in node["class"] for kind in COMPUTES)
        if storage:
            given = node["attributes"]
            # Timeloop cuts a word into blocks of codes, without a rest.
            assert given["width"] == given["datawidth"] * given["block_size"]
            assert node["class"] == "DRAM" or given["depth"] >= 1


@pytest.mark.parametrize("lanes", [1, 2])
def test_constraints_name_dimensions_and_tensors_of_the_problem(lanes: int) -> None:
    shape = load(timeloop.problem(LayerShape.of(*convolution())))["problem"]["shape"]
    spaces = {space["name"] for space in shape["data_spaces"]}
    free: list[str] = []
    for node in nodes(lanes):
        constraints = node.get("constraints", {})
        assert set(constraints) <= {"spatial", "temporal", "dataspace"}
        if "dataspace" in constraints:
            keep, bypass = (constraints["dataspace"][key] for key in ("keep", "bypass"))
            assert {*keep, *bypass} == spaces
            assert not set(keep) & set(bypass)
        for kind in ("spatial", "temporal"):
            loops = constraints.get(kind, {})
            fixed = [re.fullmatch(r"(\w)=1", item) for item in loops.get("factors", [])]
            names = {match[1] for match in fixed if match}
            assert len(names) == len(fixed)
            assert names | set(loops.get("permutation", [])) <= set(shape["dimensions"])
            if kind == "spatial" and loops:
                assert node["spatial"]
                free += sorted(set(shape["dimensions"]) - names)
    # Filters across, pixels down, and lanes share a reduction.
    assert free == ["M", "N", "P", "Q", *(["C", "R", "S"] if lanes > 1 else [])]


@pytest.mark.parametrize("lanes", [1, 2])
def test_every_level_has_its_tables_with_as_many_copies(lanes: int) -> None:
    energies, areas = ert(lanes), art(lanes)
    assert list(energies) == list(areas)
    copies, found = 1, []
    for node in nodes(lanes):
        for size in node.get("spatial", {}).values():
            copies *= size
        if node["tag"] == "Component":
            found.append((node["name"], copies))
            (path,) = [path for path in energies if level_of(path) == node["name"]]
            assert path.endswith(f".{node['name']}[1..{copies}]")
            kind = "compute" if node["name"] == "mac" else "storage"
            assert ACTIONS[kind] <= set(energies[path])
    assert len(found) == len(energies) == 7
    assert found[-1] == ("mac", 4 * 8 * lanes)


def test_a_vector_of_one_step_fits_an_edge() -> None:
    found = {node["name"]: node for node in nodes(2)}
    assert found["act_edge"]["attributes"] == {
        "width": 4 * 2 * 5, "datawidth": 5, "block_size": 8, "depth": 1,
    }  # fmt: skip
    assert found["wgt_edge"]["attributes"]["width"] == 8 * 2 * 5


def problem_macs(document: dict[str, Any]) -> int:
    """Products of a problem, its form checked."""
    problem = document["problem"]
    assert set(problem) == {"version", "shape", "instance"}
    shape, instance = problem["shape"], problem["instance"]
    assert set(shape) == {"name", "dimensions", "coefficients", "data_spaces"}
    coefficients = {item["name"] for item in shape["coefficients"]}
    assert set(instance) == set(shape["dimensions"]) | coefficients
    assert all(isinstance(value, int) and value > 0 for value in instance.values())
    for space in shape["data_spaces"]:
        for product in space["projection"]:
            for term in product:
                assert term[0] in shape["dimensions"]
                assert set(term[1:]) <= coefficients
    written = [item["name"] for item in shape["data_spaces"] if item.get("read_write")]
    assert written == ["Outputs"]
    macs = 1
    for dimension in shape["dimensions"]:
        macs *= instance[dimension]
    return macs


def test_a_problem_for_each_layer_has_its_macs() -> None:
    shapes = shapes_of(load_graph(model_path()))
    files = timeloop.files(sample(), shapes, "net.onnx", 1)
    problems = sorted(name for name in files if name.startswith("problem_"))
    assert set(files) - set(problems) == {"architecture.yaml", "ERT.yaml", "ART.yaml"}
    assert problems[1] == "problem_01_block1.conv1.yaml"
    assert [problem_macs(load(files[name])) for name in problems] == [s.macs for s in shapes]


def test_inputs_are_read_with_strides_and_dilations() -> None:
    """The last element that the projection of the inputs reaches is the last one read."""
    shape = LayerShape.of(*convolution(groups=2, dilations=(2, 1), strides=(3, 2)))
    text = timeloop.problem(shape)
    assert "It is one of 2 groups" in text
    problem = load(text)["problem"]
    assert problem_macs({"problem": problem}) * 2 == shape.macs
    instance = problem["instance"]
    (inputs,) = [s for s in problem["shape"]["data_spaces"] if s["name"] == "Inputs"]
    reached = tuple(
        1 + sum((instance[d] - 1) * (instance[factor[0]] if factor else 1) for d, *factor in terms)
        for terms in inputs["projection"][2:]
    )
    assert reached == shape.read


def test_names_of_files_are_plain_and_their_own() -> None:
    node, graph = convolution()
    shape = LayerShape.of(node, graph)
    named = [LayerShape(*(f"/a/{x}", *_rest(shape))) for x in ("b c", "b,c")]
    assert timeloop.file_names(named) == ["problem_00_a_b_c.yaml", "problem_01_a_b_c.yaml"]


def _rest(shape: LayerShape) -> list[Any]:
    return [getattr(shape, name) for name in LayerShape.__dataclass_fields__ if name != "name"]
