"""``afp-hw run`` on the embedded model: verdicts, shares of cycles, resuming, refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afp_hw import embedded
from afp_hw.cli import run_images
from afp_hw.cli.main import main
from afp_hw.design import load_accelerator
from afp_hw.network import calibrate, load_graph, lower
from afp_hw.network.exact import run_exact
from afp_hw.rtlsim import program_check
from afp_hw.search import journal
from tests.program.networks import room

GEN = Path(__file__).parents[2] / "gen"
SMALL = str(GEN / "accelerator4.toml")
RESNET = [
    "--topology",
    str(GEN / "resnet50.csv"),
    "--design",
    str(GEN / "accelerator16_large.toml"),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("program")
    assert main(["compile", "embedded", "--design", SMALL, "-o", str(folder)]) == 0
    return str(folder)


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What other runs have found out is not at hand."""
    monkeypatch.setattr(journal, "cache_dir", lambda: tmp_path / "cache")


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["run", *arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def refused(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 2) -> str:
    """The sentence on stderr; nothing on stdout."""
    capsys.readouterr()
    assert main(["run", *arguments]) == status
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("afp-hw: ")
    assert said.err.count("\n") == 1
    return said.err.removeprefix("afp-hw: ").strip()


def test_every_bit_and_every_cycle_is_equal(
    program: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "found.json"
    assert main(["run", program, "-o", str(out)]) == 0
    text = capsys.readouterr().out
    found = json.loads(out.read_text())
    bits = found["checked"]["output_bits"]
    assert (
        f"every one of {bits} output bits equals golden, every cycle count equals the schedule\n"
        in text
    )
    assert "accuracy: 100.00 %, 1 of 1 images\n" in text
    assert f"utilisation over convolutions: {found['utilisation_over_convolutions']:.2%}\n" in text
    total = found["total"]
    assert total["cycles"] == found["checked"]["counters"]["CYCLES"]
    assert total["cycles"] == sum(layer["cycles"] for layer in found["layers"])
    assert total["macs"] == sum(layer["macs"] for layer in found["layers"])
    assert total["utilisation"] == total["macs"] / (16 * total["cycles"])
    assert all(layer["utilisation"] <= 1 for layer in found["layers"])
    counters = found["checked"]["counters"]
    assert total["waits"]["compute_load"] == counters["COMPUTE_WAITS_LOAD"]
    assert total["bytes"]["weights"] == counters["BYTES_WEIGHTS"]
    assert total["bytes"]["stored"] == counters["BYTES_WRITTEN"]
    # The schedule alone says the same of the cycles.
    model = document(capsys, program, "--engine", "model")
    assert "checked" not in model
    for name in ("layers", "total", "utilisation_over_convolutions"):
        assert model[name] == found[name]


def test_golden_gives_the_classes_of_the_exact_chain(
    program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = document(capsys, program, "--engine", "golden", "--images", "3")
    graph = load_graph(embedded.model_path())
    accelerator = load_accelerator(SMALL)
    formats = calibrate(graph, embedded.calibration_images(), source="embedded")
    images, labels = embedded.test_set()
    lowered = lower(graph, formats, room(accelerator))
    (logits,) = run_exact(lowered, images[:3]).values()
    assert found["classes"] == logits.argmax(axis=1).tolist()
    assert found["correct"] == int((logits.argmax(axis=1) == labels[:3]).sum())


def test_images_of_a_file_run_in_processes_as_they_run_alone(
    program: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "images.npz"
    np.savez(path, images=embedded.test_set()[0][:3])
    options = [program, "--engine", "golden", "--data", str(path)]
    found = document(capsys, *options, "-j", "2")
    assert found["images"] == 3
    assert "accuracy" not in found
    (tmp_path / "cache" / "search").rename(tmp_path / "elsewhere")
    assert document(capsys, *options, "-j", "1") == found


def interrupt_behind(count: int) -> Callable[..., Any]:
    """A golden model whose user has enough after so many images."""
    original = program_check.golden_memory
    left = iter(range(count))

    def interrupted(*arguments: Any) -> bytearray:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return original(*arguments)

    return interrupted


def test_an_interrupted_run_goes_on_where_it_was(
    program: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = [program, "--engine", "golden", "--images", "3", "-j", "1"]
    monkeypatch.setattr(run_images, "golden_memory", interrupt_behind(2))
    assert main(["run", *options]) == 130
    assert capsys.readouterr().err.strip() == "afp-hw: interrupted"
    monkeypatch.setattr(run_images, "golden_memory", interrupt_behind(1))
    assert document(capsys, *options)["images"] == 3
    monkeypatch.setattr(run_images, "golden_memory", interrupt_behind(0))
    assert document(capsys, *options)["images"] == 3


def test_a_bit_that_differs_is_named(
    program: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = json.loads((Path(program) / "manifest.json").read_text())
    tensor = manifest["tensors"][2]
    original = program_check.golden_memory

    def changed(*arguments: Any) -> bytearray:
        memory = original(*arguments)
        memory[tensor["address"]] ^= 1
        return memory

    monkeypatch.setattr(program_check, "golden_memory", changed)
    sentence = refused(capsys, program, status=1)
    assert sentence.startswith(f"tensor {tensor['name']!r} at [0, 0, 0] must be ")
    elements = int(np.prod(tensor["shape"]))
    assert sentence.endswith(f"(1 of {elements} differ)")


def test_a_cycle_that_differs_is_named(
    program: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = run_images.schedule_network

    def changed(*arguments: Any) -> Any:
        schedule = original(*arguments)
        computed = list(schedule.computed)
        computed[5] += 1
        return replace(schedule, computed=tuple(computed))

    monkeypatch.setattr(run_images, "schedule_network", changed)
    assert refused(capsys, program, status=1).startswith(
        "descriptor 5 must be computed at clock edge "
    )


def test_shapes_alone_give_cycles(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "--engine", "model", *RESNET)
    assert found["model"] == "resnet50"
    assert len(found["layers"]) == 54
    assert found["utilisation_over_convolutions"] >= 0.97
    slow = document(capsys, "--engine", "model", *RESNET, "--latency", "100")
    assert slow["total"]["cycles"] > found["total"]["cycles"]
    small = ["--weights", "e2m1", "--acts", "ue2m1"]
    narrow = document(capsys, "--engine", "model", *RESNET, *small)
    assert narrow["total"]["bytes"]["weights"] < found["total"]["bytes"]["weights"]


def test_what_does_not_go_together_is_refused(
    program: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert refused(capsys) == "DIR must be given, or --topology FILE.csv instead"
    assert refused(capsys, *RESNET).startswith("--topology must come with --engine model, not ")
    assert refused(capsys, program, *RESNET) == "DIR must stand alone, not beside --topology, " + (
        "--design"
    )
    assert refused(capsys, *RESNET[:2], "--engine", "model") == (
        "--design must be given beside --topology"
    )
    assert refused(capsys, program, "--images", "1001") == "--images must be in 1..1000, not 1001"
    assert "No such file" in refused(capsys, str(tmp_path))
    text = (Path(program) / "manifest.json").read_text()
    (tmp_path / "manifest.json").write_text(text)
    (tmp_path / "image.bin").write_bytes(b"")
    assert refused(capsys, str(tmp_path)).startswith("image.bin must have the sha256 ")
    (tmp_path / "manifest.json").write_text(text.replace("fashion_resnet", "other"))
    (tmp_path / "image.bin").write_bytes((Path(program) / "image.bin").read_bytes())
    assert refused(capsys, str(tmp_path)) == (
        "--data must be given for another model than 'fashion_resnet', not left out"
    )
    (tmp_path / "manifest.json").write_text(text.replace("program 1", "program 0"))
    assert refused(capsys, str(tmp_path)) == (
        "manifest.json.schema must be 'afp-hw program 1', not 'afp-hw program 0'"
    )
    (tmp_path / "manifest.json").write_text(text.replace('"sha256"', '"other"'))
    assert (
        refused(capsys, str(tmp_path)) == "manifest.json must be a program's, not without 'sha256'"
    )


def test_grids_of_each_image_are_those_of_golden(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    formats, folder = str(tmp_path / "formats.json"), str(tmp_path / "program")
    assert (
        main(["evaluate", "embedded", "--dynamic", "--no-tune", "--images", "2", "-o", formats])
        == 0
    )
    said = capsys.readouterr().out
    options = ["--formats", formats, "--design", str(GEN / "accelerator4_dynamic.toml")]
    assert main(["compile", "embedded", *options, "-o", folder]) == 0
    found = document(capsys, folder, "--images", "2", "-j", "1")
    assert found["checked"]["counters"]["CYCLES"] == found["total"]["cycles"]
    assert f"accuracy      {found['accuracy']:.2f} %" in said
