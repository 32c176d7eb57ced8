"""``afp-hw evaluate``: agreement with `simulate`, options, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from afp_hw import embedded
from afp_hw.cli.main import main
from tests.network.models import floats, residual_network


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main(["evaluate", *arguments, "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return json.loads(captured.out)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["evaluate", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err.removeprefix("afp-hw: ").strip()


@pytest.fixture
def data(tmp_path: Path) -> str:
    path = tmp_path / "d.npz"
    np.savez(path, images=floats(1, 20, 2, 8, 8), labels=np.arange(20) % 5)
    return str(path)


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(residual_network(tmp_path / "net.onnx"))


def test_accuracy_of_the_embedded_model(capsys: pytest.CaptureFixture[str]) -> None:
    plain = document(capsys, "embedded", "--images", "300", "--no-tune")
    tuned = document(capsys, "embedded", "--images", "300")
    dynamic = document(capsys, "embedded", "--images", "300", "--dynamic")
    assert plain["images"] == 300
    assert plain["activations"] == "static"
    assert dynamic["activations"] == "dynamic"
    assert tuned["accuracy"] > plain["accuracy"]
    assert tuned["loss"] == pytest.approx(tuned["float32_accuracy"] - tuned["accuracy"])
    assert tuned["average_bits"]["weights"] == 5
    assert document(capsys, "embedded", "--images", "300") == tuned  # the same bytes


def test_classes_are_those_of_simulate_layer_by_layer(tmp_path: Path) -> None:
    """What `evaluate` runs is, tensor by tensor, what `simulate` compares with the Verilog."""
    from afp_hw.network import calibrate, load_graph, lower, problems_of, run_exact
    from afp_hw.network.grids import with_dynamic_grids
    from afp_hw.network.lower import room_for_sums

    graph = load_graph(residual_network(tmp_path / "net.onnx"))
    images = floats(1, 3, 2, 8, 8)
    formats = calibrate(graph, images)
    for chosen in (formats, with_dynamic_grids(formats)):
        lowered = lower(graph, chosen, room_for_sums(graph))
        steps = {layer.name: lowered.gemm(layer.name) for layer in graph.layers()}
        codes = run_exact(lowered, images, [step.output for step in steps.values()])
        for name in ("conv1", "conv2", "fc"):
            problems = list(problems_of(lowered, [name], images))
            parts = [
                p.expected_acc if p.expected_codes is None else p.expected_codes for p in problems
            ]
            whole = codes[steps[name].output]
            rows = whole if whole.ndim == 2 else np.moveaxis(whole, 1, -1)
            np.testing.assert_array_equal(np.concatenate(parts), rows.reshape(-1, rows.shape[-1]))


def test_formats_that_were_written_give_the_same_again(
    capsys: pytest.CaptureFixture[str], model: str, data: str, tmp_path: Path
) -> None:
    out = str(tmp_path / "f.json")
    arguments = ["--weights", "e2m1", "--acts", "e3m2", "--data", data, "--calibration", data]
    first = document(capsys, model, *arguments, "-o", out)
    again = document(capsys, model, "--formats", out, "--data", data)
    for key in ("accuracy", "agreement", "logit_error", "average_bits"):
        assert first[key] == again[key]
    dynamic = document(capsys, model, "--formats", out, "--data", data, "--dynamic")
    assert dynamic["activations"] == "dynamic"
    assert dynamic["logit_error"] != first["logit_error"]


def test_bytes_are_scaled_as_asked_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: str
) -> None:
    random = np.random.default_rng(2)
    pixels = random.integers(0, 256, (12, 8, 8, 2)).astype(np.uint8)
    labels = np.arange(12) % 5
    np.savez(tmp_path / "bytes.npz", images=pixels, labels=labels)
    scaled = ((pixels / np.float32(255) - np.float32([0.4, 0.5])) / np.float32([0.2, 0.3])).astype(
        np.float32
    )
    np.savez(tmp_path / "floats.npz", images=scaled.transpose(0, 3, 1, 2), labels=labels)
    first = document(
        capsys,
        model,
        "--data",
        str(tmp_path / "bytes.npz"),
        "--mean",
        "0.4,0.5",
        "--std",
        "0.2,0.3",
    )
    second = document(capsys, model, "--data", str(tmp_path / "floats.npz"))
    assert first["logit_error"] == pytest.approx(second["logit_error"], rel=1e-6)


def test_a_design_decides_what_is_fused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    recipe = tmp_path / "narrow.toml"
    recipe.write_text('[design]\nweights = "e3m1"\nacts = "e3m2"\nrows = 4\ncols = 4\nk = 576\n')
    wide = document(capsys, "embedded", "--images", "20", "--no-tune")
    narrow = document(capsys, "embedded", "--images", "20", "--no-tune", "--design", str(recipe))
    assert wide["residual_additions"] == {"fused": 3, "total": 3}
    assert narrow["residual_additions"]["fused"] < 3
    assert narrow["average_bits"]["acts"] > wide["average_bits"]["acts"]


def test_refusals(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: str, data: str
) -> None:
    labels = str(tmp_path / "labels.npz")
    np.savez(labels, images=floats(1, 3, 2, 8, 8), labels=np.array([0, 1, 5]))
    nan = str(tmp_path / "nan.npz")
    np.savez(nan, images=np.full((3, 2, 8, 8), np.nan, np.float32))
    shape = str(tmp_path / "shape.npz")
    np.savez(shape, images=floats(1, 3, 2, 8, 9))
    out = str(tmp_path / "f.json")
    assert main(["evaluate", "embedded", "--images", "5", "--no-tune", "-o", out]) == 0
    capsys.readouterr()
    assert refused(capsys, model, "--data", labels) == (
        "--data.labels must be in 0..4, not 5 and 0 more"
    )
    assert refused(capsys, model) == "--data must be given for another model than 'embedded'"
    assert refused(capsys, model, "--data", data, "--calibration", nan) == (
        "--calibration.images must be finite, not with 384 NaN or infinite values"
    )
    assert refused(capsys, model, "--data", data, "--calibration", shape) == (
        "--calibration.images must be of shape [B, 2, 8, 8], not [3, 2, 8, 9]"
    )
    assert refused(capsys, model, "--data", data, "--formats", out).startswith(
        "formats must be those of 'net', not of 'fashion_resnet': "
    )
    assert refused(capsys, model, "--formats", out, "--weights", "e3m1", "--data", data) == (
        "--formats must stand alone, not beside --weights or --acts"
    )
    assert refused(capsys, "embedded", "--images", "0") == "--images must be in 1..1000, not 0"
    assert embedded.model_path().is_file()
