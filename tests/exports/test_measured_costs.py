"""Costs of a small network's layer are those of ``afp-hw energy``; the command writes them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from afp_hw import AFPFormat
from afp_hw.cli.main import main
from afp_hw.design import Design
from afp_hw.energy import bench as bench_module
from afp_hw.energy.bench import Bench
from afp_hw.energy.memory import MemoryTable
from afp_hw.energy.network import Subject, measure
from afp_hw.energy.scheme import Scheme
from afp_hw.exports.costs import measured_costs
from afp_hw.network import calibrate, load_graph, lower
from afp_hw.network.grids import with_dynamic_grids
from afp_hw.synth import Technology
from afp_hw.synth.recipes import RECIPES
from tests.network.models import floats, residual_network

RECIPE = '[design]\nweights = "e3m1"\nacts = "e3m2"\nrows = 2\ncols = 2\nk = 64\n'
KINDS = ("accelergy", "timeloop", "zigzag", "scalesim", "fusesoc")


def test_costs_add_up_to_the_energy_of_the_layer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFP_HW_CACHE", str(tmp_path / "cache"))
    recipes = [recipe for recipe in RECIPES if recipe.name == "prefix"]
    monkeypatch.setattr(bench_module, "PART_RECIPES", recipes)
    design = Design(AFPFormat(2, 1), AFPFormat(3, 1), rows=2, cols=2, k=40, init_max=1 << 13)
    graph = load_graph(residual_network(tmp_path / "net.onnx"))
    images = floats(3, 2, 2, 8, 8)
    formats = calibrate(graph, images, weights=AFPFormat(2, 1), acts=AFPFormat(3, 1))
    room = lambda act, wgt: 1 << 13  # noqa: E731
    static = lower(graph, formats, room)
    dynamic = lower(graph, with_dynamic_grids(formats), room)
    bench, memory = Bench(Technology.sky130(), 10.0), MemoryTable.embedded()
    costs = measured_costs(static, "depthwise", images, design, bench, memory)
    subject = Subject.of(static, dynamic, images, images)
    (energy,) = measure(subject, ["depthwise"], design, bench, memory, [Scheme.AFP_STATIC])
    # 4 groups of 16 pixels and a filter: 8 rows of tiles, each of 9 steps.
    steps, macs, results = 4 * 8 * 9, 4 * 16 * 9, 4 * 16
    assert energy.macs == macs
    assert energy.parts_j["array"] == pytest.approx(macs * costs.mac_j)
    assert energy.parts_j["edges"] == pytest.approx(
        steps * (costs.feed_j("act") + costs.feed_j("wgt"))
    )
    assert energy.parts_j["packing"] + energy.parts_j["requantizer"] == pytest.approx(
        steps * (costs.unpack_j("act") + costs.unpack_j("wgt")) + results * costs.output_j
    )
    assert costs.checked == energy.checked > 0
    areas = {part.name: part.area_um2 for part in bench.known}
    assert areas[costs.cell.name] == costs.cell.area_um2 > 0
    assert costs.cell.leakage_w > 0
    with pytest.raises(ValueError, match="grids of 'depthwise' must be static for exports"):
        measured_costs(dynamic, "depthwise", images, design, bench, memory)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["fusesoc", "net.onnx"], "fusesoc must be given no MODEL, not 'net.onnx'"),
        (["zigzag", "--clock-ns", "0"], "--clock-ns must be positive, not 0.0"),
        (["accelergy", "--layer", "conv9"], "layer must be one of the model's, not 'conv9'"),
        (["timeloop", "none.onnx"], "none.onnx"),
        (["verilator"], "'verilator' is not one of"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("design.toml").write_text(RECIPE)
    assert main(["export", *arguments, "--design", "design.toml", "-o", "out"]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_layers_need_no_measurement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe, out = tmp_path / "design.toml", tmp_path / "out"
    recipe.write_text(RECIPE)
    assert main(["export", "scalesim", "--design", str(recipe), "-o", str(out)]) == 0
    assert [Path(line).name for line in capsys.readouterr().out.splitlines()] == [
        "scale.cfg", "topology.csv", "layout.csv",
    ]  # fmt: skip
    assert "\nblock1.conv1, 30, 30, 3, 3, 16, 16, 1,\n" in (out / "topology.csv").read_text()


@pytest.mark.slow
def test_all_kinds_are_written_and_again_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFP_HW_CACHE", str(tmp_path / "cache"))
    recipe = tmp_path / "design.toml"
    recipe.write_text(RECIPE)
    found = []
    for name in ("once", "again"):
        out = tmp_path / name
        given = ["--design", str(recipe), "--layer", "block3.skip", "-o", str(out)]
        assert main(["export", "all", *given]) == 0
        found.append({p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()})
    assert found[0] == found[1]
    assert {path.parts[0] for path in found[0]} == set(KINDS)
    energies = yaml.safe_load(found[0][Path("accelergy/ERT.yaml")])["ERT"]["tables"]
    assert energies[-1]["name"] == "system_top_level.mac[1..4]"
    assert energies[-1]["actions"][0]["energy"] > 0
    assert b"layer block3.skip of embedded, 1 image" in found[0][Path("accelergy/ERT.yaml")]
