"""Tables of shapes: what they say, and plans equal to those of a compiled network."""

from __future__ import annotations

from pathlib import Path

import pytest

from afp_hw import AFPFormat
from afp_hw.design import load_accelerator
from afp_hw.program import compile_network
from afp_hw.program.account import account
from afp_hw.program.topology import Shape, outline, read_topology
from afp_hw.schedule.accelerator import schedule_network
from tests.program.networks import Builder

GEN = Path(__file__).parents[2] / "gen"
SMALL = load_accelerator(GEN / "accelerator4.toml")
LARGE = load_accelerator(GEN / "accelerator16_large.toml")
WGT, ACT = AFPFormat.parse("e3m1"), AFPFormat.parse("e3m2")
TITLES = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter"

UNSEEN = {"store_address", "act_address", "wgt_address", "parameter_address"}
"""Where things lie, which no cycle depends on."""


def read(tmp_path: Path, *lines: str) -> list[Shape]:
    path = tmp_path / "table.csv"
    path.write_text("\n".join([f"{TITLES}, Strides,", *lines]))
    return read_topology(path)


def test_a_line_is_a_layer(tmp_path: Path) -> None:
    first, second = read(tmp_path, "a, 9, 8, 3, 2, 5, 7, 2,", "", "b,1,1,1,1,64,10,1")
    assert first == Shape("a", 9, 8, (3, 2), 5, 7, 2)
    assert first.output == (7, 4, 4)
    assert first.products == 30
    assert first.macs == 30 * 7 * 16
    assert second == Shape("b", 1, 1, (1, 1), 64, 10, 1)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("a, 9, 8, 3, 2, 5, 7", "line 2 must have a name and 7 numbers, not 7 cells"),
        ("a, 9, 8, 3, 2, 5, 7, 1, 1", "line 2 must have a name and 7 numbers, not 9 cells"),
        ("a, 9, 8, 3, 2, x, 7, 1,", "line 2.Channels must be a number of at least 1, not 'x'"),
        ("a, 0, 8, 3, 2, 1, 7, 1,", "line 2.IFMAP Height must be a number of at least 1, not '0'"),
        ("a, 2, 8, 3, 2, 1, 7, 1,", "line 2 must have a filter within its input of 2 x 8, not of"),
    ],
)
def test_what_is_no_layer_is_refused(tmp_path: Path, line: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^table.csv {sentence}"):
        read(tmp_path, line)


def test_a_table_without_layers_and_a_name_twice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must have a line of titles and a layer, not 1"):
        read(tmp_path)
    with pytest.raises(ValueError, match="line 3 must have another name than 'a'"):
        read(tmp_path, *["a, 9, 8, 3, 2, 5, 7, 2,"] * 2)
    (tmp_path / "table.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="must be a table of text, not"):
        read_topology(tmp_path / "table.csv")


def test_layers_and_formats_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Design\.k must be at least 4609 for 'deep', not 4608"):
        outline([Shape("deep", 1, 1, (1, 1), 4609, 4, 1)], LARGE, WGT, ACT)
    with pytest.raises(ValueError, match=r"Design\.weights must hold e3m3"):
        outline([Shape("a", 1, 1, (1, 1), 4, 4, 1)], LARGE, AFPFormat.parse("e3m3"), ACT)
    with pytest.raises(ValueError, match=r"AcceleratorDesign\.act_bytes must be at least"):
        outline([Shape("wide", 3, 4096, (3, 3), 16, 4, 1)], SMALL, WGT, ACT)


def test_shapes_are_planned_as_the_compiled_network_is() -> None:
    net = Builder(3, 14, 12)
    net.conv(8, pads=(0, 0, 0, 0))
    net.conv(20, (1, 1), pads=(0, 0, 0, 0))
    net.conv(9, (3, 3))
    net.conv(33, (3, 2), strides=(2, 2), pads=(1, 0, 1, 0))
    net.conv(4, (1, 1), pads=(0, 0, 0, 0))
    shapes = [
        Shape("a", 14, 12, (3, 3), 3, 8, 1),
        Shape("b", 12, 10, (1, 1), 8, 20, 1),
        Shape("c", 14, 12, (3, 3), 20, 9, 1),
        Shape("d", 14, 10, (3, 2), 9, 33, 2),
    ]
    network, _ = net.lowered(SMALL)
    program = compile_network(network, SMALL)
    found = outline(shapes, SMALL, WGT, ACT)
    # The compiled network's last layer gives sums, and may have its weights loaded ahead of it.
    count = found.layers[-1]["descriptors"][0]
    assert count == program.manifest["layers"][3]["descriptors"][0]
    for mine, other in zip(found.descriptors[:count], program.descriptors[:count], strict=True):
        assert {name: mine[name] for name in mine if name not in UNSEEN} == {
            name: other[name] for name in other if name not in UNSEEN
        }
    for mine, other in zip(found.layers[:3], program.manifest["layers"], strict=False):
        for name in ("kind", "dataflow", "descriptors", "macs", "loaded_bytes", "stored_bytes"):
            assert mine[name] == other[name]


def test_a_layer_reads_the_nearest_output_that_fits() -> None:
    shapes = [
        Shape("a", 8, 8, (1, 1), 4, 4, 1),
        Shape("b", 10, 10, (3, 3), 4, 4, 1),
        Shape("pooled", 4, 4, (1, 1), 4, 6, 1),
        Shape("c", 8, 8, (1, 1), 4, 4, 1),
    ]
    found = outline(shapes, SMALL, WGT, ACT)
    begin = {layer["name"]: layer["descriptors"][0] for layer in found.layers}
    reads = {name: found.descriptors[at] for name, at in begin.items()}
    assert reads["a"]["wait_stored"] == 0
    assert reads["b"]["wait_stored"] > 0
    assert reads["pooled"]["wait_stored"] == 0
    assert reads["c"]["act_address"] == found.descriptors[begin["b"]]["store_address"]


def test_resnet_50_is_the_published_one() -> None:
    shapes = read_topology(GEN / "resnet50.csv")
    assert len(shapes) == 54
    # He et al. 2015, table 1: 3.8e9 multiply-adds; torchvision's resnet50 has 25,502,912 weights
    # in convolutions and the last layer.
    assert sum(shape.macs for shape in shapes) == 3_857_973_248
    assert sum(shape.products * shape.filters for shape in shapes) == 25_502_912
    found = outline(shapes, LARGE, WGT, ACT)
    schedule = schedule_network(found.descriptors, LARGE, 64)
    shares = account(found.layers, found.descriptors, LARGE, schedule)
    assert shares.total.cycles == schedule.cycles
    assert [share.kind for share in shares.layers] == ["conv"] * 53 + ["linear"]
    assert shares.convolutions is not None
    assert shares.convolutions >= 0.97
