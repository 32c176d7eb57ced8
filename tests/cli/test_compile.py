"""``afp-hw compile`` on the embedded model: files, table, refusals."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from afp_hw import AFPFormat, embedded
from afp_hw.cli.main import main
from afp_hw.design import load_accelerator
from afp_hw.network import calibrate, load_graph, write_assignment
from afp_hw.network.grids import with_dynamic_grids
from afp_hw.program.load import load_program

GEN = Path(__file__).parents[2] / "gen"
LARGE = str(GEN / "accelerator16.toml")


def compiled(out: Path, *options: str) -> tuple[bytes, dict]:
    assert main(["compile", "embedded", "--design", LARGE, "-o", str(out), *options]) == 0
    return (out / "image.bin").read_bytes(), json.loads((out / "manifest.json").read_text())


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["compile", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err.removeprefix("afp-hw: ").strip()


def formats(path: Path, *, dynamic: bool = False) -> str:
    graph = load_graph(embedded.model_path())
    found = calibrate(
        graph,
        embedded.calibration_images()[:16],
        weights=AFPFormat(3, 1),
        acts=AFPFormat(2, 2),
        source="embedded",
    )
    return str(write_assignment(with_dynamic_grids(found) if dynamic else found, path))


def test_an_image_and_its_manifest_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, manifest = compiled(tmp_path)
    assert manifest["schema"] == "afp-hw program 1"
    assert manifest["image"]["sha256"] == sha256(image).hexdigest()
    assert manifest["input"]["shape"] == [1, 28, 28]
    assert manifest["output"]["shape"] == [10]
    accelerator = load_accelerator(LARGE)
    assert manifest["design"]["accelerator"]["act_bytes"] == accelerator.act_bytes
    assert manifest["design"]["design"]["weights"] == "e3m1"
    text = capsys.readouterr().out
    assert "block2.conv1" in text
    assert "903,168" in text
    assert f"image of {len(image):,} bytes" in text


def test_the_same_model_gives_the_same_files(tmp_path: Path) -> None:
    first, second = compiled(tmp_path / "one"), compiled(tmp_path / "two")
    assert first == second


def test_json_is_the_manifest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, manifest = compiled(tmp_path, "--json")
    assert json.loads(capsys.readouterr().out) == manifest


def test_a_dataflow_may_be_asked_for(tmp_path: Path) -> None:
    _, manifest = compiled(tmp_path, "--dataflow", "weights")
    flows = {layer["dataflow"] for layer in manifest["layers"]}
    assert flows == {"weights_stationary", "side"}


def test_formats_may_come_from_a_file(tmp_path: Path) -> None:
    _, manifest = compiled(tmp_path, "--formats", formats(tmp_path / "formats.json"))
    assert manifest["input"]["format"] == "e2m2"


def test_grids_may_be_those_of_each_image(tmp_path: Path) -> None:
    """Asked for, or in the file of formats; weights and biases are the same."""
    options = ("--design", str(GEN / "accelerator16_dynamic.toml"), "--acts", "e2m2")
    assert main(["compile", "embedded", "--dynamic", *options, "-o", str(tmp_path / "one")]) == 0
    file = formats(tmp_path / "formats.json", dynamic=True)
    options = (*options[:2], "--formats", file)
    assert main(["compile", "embedded", *options, "-o", str(tmp_path / "two")]) == 0
    images = [(tmp_path / name / "image.bin").read_bytes() for name in ("one", "two")]
    assert images[0] == images[1]
    header = (tmp_path / "one" / "afp_network.h").read_text()
    assert header.startswith("/* A network for an accelerator")
    assert header == (tmp_path / "two" / "afp_network.h").read_text()
    manifest = json.loads((tmp_path / "one" / "manifest.json").read_text())
    tensors = [tensor for tensor in manifest["tensors"] if "format" in tensor]
    assert {tensor["lsb"] for tensor in tensors} == {"dynamic"}
    assert [tensor["grid_place"] for tensor in tensors] == list(range(len(tensors)))
    assert manifest["output"]["above"] == tensors[-1]["name"]
    program, accelerator = load_program(tmp_path / "one")
    assert accelerator.dynamic
    assert program.tensors[tensors[1]["name"]].layout.words


def test_another_model_needs_formats_or_calibration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(embedded.model_path())
    options = (model, "--design", LARGE, "-o", str(tmp_path))
    sentence = "--formats or --calibration must be given for another model than 'embedded'"
    assert refused(capsys, *options) == sentence
    images = tmp_path / "images.npy"
    np.save(images, embedded.calibration_images()[:8])
    assert main(["compile", *options, "--calibration", str(images)]) == 0
    assert main(["compile", *options, "--formats", formats(tmp_path / "formats.json")]) == 0


def test_what_cannot_be_compiled_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ("-o", str(tmp_path))
    square = str(GEN / "square16.toml")
    assert refused(capsys, "embedded", "--design", square, *out) == (
        "square16.toml must have a table [accelerator], not None"
    )
    said = refused(capsys, "embedded", "--design", LARGE, *out, "--weights", "e4m3")
    assert said == "Design.weights must hold e4m3 of 'conv1', not e3m1"
    file = formats(tmp_path / "formats.json", dynamic=True)
    said = refused(capsys, "embedded", "--design", LARGE, *out, "--formats", file)
    assert said == (
        "AcceleratorDesign.dynamic must be true for the dynamic grid of 'image', not false"
    )
    assert not (tmp_path / "image.bin").exists()
