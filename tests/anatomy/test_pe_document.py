"""The document of a processing element, as the command writes it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afp_hw import AFPFormat, embedded
from afp_hw.cli.main import main
from afp_hw.golden.scalar import to_fix_scalar
from afp_hw.network import load_graph
from afp_hw.network.calibrate import largest_magnitudes
from afp_hw.quantize import bias_for
from afp_hw.quantize.errors import mse, sqnr_db

LAYER = "block1.conv1"
DESIGN = ["--weights", "e3m1", "--acts", "ue3m2", "--k", "144"]
RUN = ["--recipe", "prefix", "--jobs", "1"]


@pytest.fixture(scope="module")
def anatomy_text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What ``afp-hw synth pe`` writes for the embedded network's largest layer."""
    folder = tmp_path_factory.mktemp("anatomy")
    assert main(["synth", "pe", *DESIGN, *RUN, "-o", str(folder)]) == 0
    return (folder / "pe_e3m1_ue3m2_k144.anatomy.json").read_text()


@pytest.fixture(scope="module")
def anatomy(anatomy_text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(anatomy_text)
    return found


def test_the_document_names_itself_and_its_operands(anatomy: dict[str, Any]) -> None:
    assert (anatomy["kind"], anatomy["version"]) == ("afp-hw.pe", 1)
    assert anatomy["name"] == anatomy["synth"]["name"] == "pe_e3m1_ue3m2_k144"
    assert anatomy["operands"] == {
        "name": f"embedded:{LAYER}",
        "real": True,
        "note": "operands are a layer's",
    }


def test_areas_and_energies_by_block_are_those_of_the_whole(anatomy: dict[str, Any]) -> None:
    kept = anatomy["synth"]["hierarchical"]
    for key in ("area_um2", "energy_fj", "energy_glitch_fj"):
        assert sum(block[key] for block in kept["blocks"]) == pytest.approx(kept[key])


@pytest.mark.parametrize(("index", "text"), [(0, "e3m1"), (1, "ue3m2")])
def test_rows_of_the_value_table_are_those_of_the_scalar_definition(
    anatomy: dict[str, Any], index: int, text: str
) -> None:
    fmt, found = AFPFormat.parse(text), anatomy["formats"][index]
    rows = found["values"]
    assert sorted(row["code"] for row in rows) == list(range(1 << fmt.width))
    for row in rows:
        sign, exponent, significand = row["sign"], row["exponent"], row["significand"]
        assert row["fix"] == to_fix_scalar(row["code"], fmt)
        assert row["fix"] == (-1) ** sign * significand << max(exponent, 1) - 1
        assert row["value"] == math.ldexp(row["fix"], fmt.lsb(found["bias"]))
        assert int(row["bits"], 2) == row["code"]
    assert [row["fix"] for row in rows] == sorted(row["fix"] for row in rows)


def test_tensors_are_those_of_the_float_network(anatomy: dict[str, Any]) -> None:
    graph = load_graph(embedded.model_path())
    layer = graph.layer(LAYER)
    assert layer.weight is not None
    weight = layer.weight
    weights, acts = anatomy["formats"]
    assert weights["bias"] == bias_for(float(np.abs(weight).max()), AFPFormat(3, 1))
    limit = largest_magnitudes(graph, embedded.calibration_images())[layer.inputs[0]]
    assert acts["bias"] == bias_for(limit, AFPFormat(3, 2))
    errors = weights["tensor"]["errors"]
    assert errors["mse"] == pytest.approx(mse(weight, AFPFormat(3, 1), weights["bias"]))
    assert errors["sqnr_db"] == pytest.approx(sqnr_db(weight, AFPFormat(3, 1), weights["bias"]))
    assert weights["tensor"]["numbers"] == weight.size
    shown = largest_magnitudes(graph, embedded.test_set()[0][:1])[layer.inputs[0]]
    assert acts["tensor"]["largest"] == pytest.approx(shown)
    for found in (weights, acts):
        tensor = found["tensor"]
        assert sum(tensor["histogram"]["counts"]) == tensor["numbers"]
        assert sum(row["uses"] for row in found["values"]) == tensor["numbers"]
        assert sum(tensor["errors"]["histogram"]["counts"]) == tensor["numbers"]
        assert tensor["errors"]["clipped"] == 0.0  # the grid is that on which the largest fits


def test_the_path_of_the_answer_takes_the_reported_time(anatomy: dict[str, Any]) -> None:
    whole = anatomy["critical_path"]["whole"]
    assert whole["period_ps"] == pytest.approx(anatomy["synth"]["delay_ns"] * 1e3, abs=0.1)
    for path in anatomy["critical_path"].values():
        stages, end = path["stages"], path["end"]
        total = sum(stage["increment_ps"] for stage in stages)
        assert total == pytest.approx(end["arrival_ps"])
        assert end["arrival_ps"] + end["setup_ps"] == pytest.approx(path["period_ps"])
    kept = anatomy["critical_path"]["hierarchical"]
    assert kept["end"]["block"] == "accumulator"
    assert {"accumulator", "multiplier"} <= {stage["block"] for stage in kept["stages"]}


def test_the_waveform_follows_the_scalar_definition(anatomy: dict[str, Any]) -> None:
    wave = anatomy["waveform"]
    weights, acts = AFPFormat(3, 1), AFPFormat(3, 2, signed=False)
    assert wave["checked"] == 4608
    cycles = wave["cycles"]
    assert [cycle["cycle"] for cycle in cycles] == list(range(-8, 8))
    for cycle in cycles:
        products = [
            to_fix_scalar(act, acts) * to_fix_scalar(wgt, weights)
            for act, wgt in zip(cycle["act"], cycle["wgt"], strict=True)
        ]
        assert cycle["product"] == sum(products)
    latency = wave["latency_cycles"]
    for index in range(latency + 1, len(cycles)):
        step, before, now = cycles[index - latency], cycles[index - 1], cycles[index]
        assert now["acc"] == (0 if step["first"] else before["acc"]) + step["product"]
        assert now["valid_out"] == step["last"]
    totals = [sum(cycle["toggles"].values()) for cycle in cycles]
    assert max(totals) == totals[8] == wave["toggles"] > 3 * wave["mean_toggles"]
    for cycle in cycles:
        for block, settled in cycle["settled"].items():
            assert 0 <= settled <= cycle["toggles"][block]


@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes(anatomy_text: str, tmp_path: Path) -> None:
    assert main(["synth", "pe", *DESIGN, *RUN, "-o", str(tmp_path)]) == 0
    assert (tmp_path / "pe_e3m1_ue3m2_k144.anatomy.json").read_text() == anatomy_text


@pytest.mark.parametrize(
    ("options", "width"),
    [
        (["--weights", "e2m1", "--acts", "e2m2", "--k", "1"], 4),
        (["--weights", "int4", "--acts", "uint4", "--lanes", "2", "--k", "9"], 4),
        pytest.param(
            ["--weights", "e2m6", "--acts", "e1m1", "--k", "3", "--registers", "sum,product"],
            9,
            marks=pytest.mark.slow,
        ),
    ],
)
def test_random_operands_have_no_tensors_and_say_so(
    options: list[str], width: int, tmp_path: Path
) -> None:
    assert main(["synth", "pe", *options, "--operands", "random", *RUN, "-o", str(tmp_path)]) == 0
    (path,) = tmp_path.glob("*.anatomy.json")
    found = json.loads(path.read_text())
    assert found["operands"]["real"] is False
    assert "random" in found["operands"]["note"]
    weights = found["formats"][0]
    assert weights["tensor"] is weights["unit"] is None
    if width > 8:
        assert weights["values"] == []
        assert "no table" in weights["values_note"]
    else:
        assert {row["value"] for row in weights["values"]} == {None}
        assert len(weights["values"]) == 1 << width
    lanes = found["design"]["lanes"]
    assert all(len(cycle["act"]) == lanes for cycle in found["waveform"]["cycles"])
    assert found["waveform"]["toggles"] > 0


@pytest.mark.slow
def test_integers_of_a_layer_have_a_scale(tmp_path: Path) -> None:
    options = ["--weights", "int4", "--acts", "uint4", "--operands", f"embedded:{LAYER}"]
    assert main(["synth", "pe", *options, *RUN, "-o", str(tmp_path)]) == 0
    (path,) = tmp_path.glob("*.anatomy.json")
    weights = json.loads(path.read_text())["formats"][0]
    assert weights["lsb"] is None
    highest = weights["values"][-1]
    assert highest["fix"] == 7
    tensor = weights["tensor"]
    assert highest["value"] == pytest.approx(max(-tensor["least"], tensor["largest"]))
    assert sum(row["uses"] for row in weights["values"]) == tensor["numbers"]
