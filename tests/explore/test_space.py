"""What a space may hold: every refusal is one sentence, every point appears once."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from afp_hw.explore.axes import AXES, SIZES
from afp_hw.explore.configuration import Configuration, Sums
from afp_hw.explore.space import Space
from afp_hw.explore.space_file import load_space, parse_space
from afp_hw.explore.strategies import random_points

ROOT = Path(__file__).parents[2]


def space_of(axes: str = "", top: str = "") -> Space:
    return parse_space(f"{top}\n[axes]\n{axes}\n", "test", "s.toml")


def refusal(text: str) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the sentence is compared
        parse_space(text, "test", "s.toml")
    return str(caught.value)


# Refusals

PAIR = AXES["formats"].requirement
NAMES = ", ".join([*AXES, "size", "weights", "acts"])
AXIS_REFUSALS = {
    'formats = "e3"': f"formats must be {PAIR}, not 'e3' (a format must be…",
    'formats = "ue3m1"': f"formats must be {PAIR}, not 'ue3m1' "
    "(formats must be signed, the sign follows, not ue3m1)",
    'formats = "e3m1/int8"': f"formats must be {PAIR}, not 'e3m1/int8' "
    "(formats must be of one kind, not e3m1 and int8)",
    'formats = "fp16/bf16"': f"formats must be {PAIR}, not 'fp16/bf16' "
    "(formats must be one, not fp16 and bf16)",
    'formats = "e1m1/e1m1/e1m1"': f"formats must be {PAIR}, not 'e1m1/e1m1/e1m1' "
    "(two names at most, with a slash between them)",
    "formats = 8": f"formats must be {PAIR}, not 8 (…",
    "formats = []": "formats must have a value at least, not none",
    "bits = 0": "bits must be a number of bits, or 'none', not 0",
    "bits = nan": "bits must be a number of bits, or 'none', not nan",
    "bits = inf": "bits must be a number of bits, or 'none', not inf",
    'bits = "some"': "bits must be a number of bits, or 'none', not 'some'",
    f"bits = {10**400}": "bits must be a number of bits, or 'none', not 1000…",
    "tune = 1": "tune must be true or false, not 1",
    "rows = 0": "rows must be a whole number of at least 1, not 0",
    "rows = [8, 8.0]": "rows must be a whole number of at least 1, not 8.0",
    "rows = true": "rows must be a whole number of at least 1, not True",
    "rows = []": "rows must have a value at least, not none",
    'cols = "8"': "cols must be a whole number of at least 1, not '8'",
    "lanes = -1": "lanes must be a whole number of at least 1, not -1",
    'dataflow = "inputs"': "dataflow must be one of best, outputs, weights, not 'inputs'",
    "dataflow = [[]]": "dataflow must be one of best, outputs, weights, not []",
    'registers = "sum"': "registers must be a list of some of significand, product, tree, sum, "
    "not 'sum'",
    'registers = ["sums"]': "registers must be a list of some of significand, product, tree, sum, "
    "not ['sums']",
    "registers = []": "registers must have a value at least, not none",
    'gate_zeros = "yes"': "gate_zeros must be true or false, not 'yes'",
    'decode = "lane"': "decode must be one of edge, pe, not 'lane'",
    'multiplier = "booth"': "multiplier must be one of operator, compressed, not 'booth'",
    "clock_ns = 0": "clock_ns must be a period in nanoseconds, not 0",
    "clock_ns = true": "clock_ns must be a period in nanoseconds, not True",
    "technology = 1": "technology must be 'sky130' or a Liberty file, not 1",
    'technology = ""': "technology must be 'sky130' or a Liberty file, not ''",
    "latency = 0.5": "latency must be a whole number of at least 1, not 0.5",
    'network = "mine"': "network must be one of embedded, not 'mine'",
    "network = 2": "network must be 'embedded' or the name of a table [networks.NAME], not 2",
    'size = "8"': "size must be rows and columns, as in '16x8', not '8'",
    'size = "0x8"': "size must be rows and columns, as in '16x8', not '0x8'",
    'size = "8x-8"': "size must be rows and columns, as in '16x8', not '8x-8'",
    "size = 8": "size must be rows and columns, as in '16x8', not 8",
    "size = []": "size must have a value at least, not none",
    'size = "8x8"\nrows = 8': "must have size, or rows and cols, not ['rows', 'size']",
    'weights = "e3m1"': "must have weights and acts, or formats, not ['weights']",
    'weights = "e3m1"\nacts = "e3m1"\nformats = "e3m1"': "must have weights and acts, or formats, "
    "not ['acts', 'formats', 'weights']",
    'weights = []\nacts = "e3m1"': "weights must have a value at least, not none",
    "row = 8": f"must have keys among {NAMES}, not 'row'; did you mean 'rows'",
    "zzz = 8": f"must have keys among {NAMES}, not 'zzz'",
    **{f"{name} = 1.5": f"{name} must be a whole number of at least 1, not 1.5" for name in SIZES},
}

FILE = 'model = "m.onnx"\ndata = "d.npz"\n'
REFUSALS = {
    "axes = 5": "s.toml [axes] must be a table, not 5",
    "networks = 5": "s.toml [networks] must be a table, not 5",
    "networks.mine = 5": "s.toml [networks.mine] must be a table, not 5",
    f"[networks.mine]\n{FILE}": "s.toml [networks.mine] calibration must be a file, not None",
    f"[networks.mine]\n{FILE}calibration = 3": "s.toml [networks.mine] calibration must be a file, "
    "not 3",
    '[networks.mine]\nmodle = "m"': "s.toml [networks.mine] must have keys among model, data, "
    "calibration, mean, std, not 'modle'; did you mean 'model'",
    f'[networks.mine]\n{FILE}calibration = "c.npz"\nmean = []': "s.toml [networks.mine] mean must "
    "be a number for each channel, not []",
    f'[networks.mine]\n{FILE}calibration = "c.npz"\nstd = ["a"]': "s.toml [networks.mine] std must "
    "be a number for each channel, not ['a']",
    "[networks.embedded]": "s.toml [networks.embedded] must have another name than 'embedded'",
    'strategy = "all"': "s.toml strategy must be one of grid, random, bayesian, not 'all'",
    "strategy = 3": "s.toml strategy must be one of grid, random, bayesian, not 3",
    "points = 3": "s.toml points must be left out with strategy 'grid', not 3",
    'strategy = "random"\npoints = 0': "s.toml points must be a whole number of at least 1, not 0",
    'strategy = "random"\npoints = 1000001': "s.toml points must be at most 1,000,000, "
    "not 1,000,001",
    "seed = -1": "s.toml seed must be a whole number of at least 0, not -1",
    "seed = false": "s.toml seed must be a whole number of at least 0, not False",
    "seed = 4294967296": "s.toml seed must be at most 4,294,967,295, not 4,294,967,296",
    "images = 0": "s.toml images must be a whole number of at least 1, not 0",
    'images = "all"': "s.toml images must be a whole number of at least 1, not 'all'",
    "metrics = []": "s.toml metrics must be a list of some of accuracy, area, energy, cycles, "
    "not []",
    'metrics = "area"': "s.toml metrics must be a list of some of accuracy, area, energy, cycles, "
    "not 'area'",
    'metrics = ["area"]\nobjectives = ["cycles"]': "s.toml objectives must be a list of some of "
    "area_um2, delay_ns, not ['cycles']",
    "name = 3": "s.toml name must be a name, not 3",
    'name = ""': "s.toml name must be a name, not ''",
    "metric = 3": "s.toml must have keys among name, strategy, points, seed, metrics, objectives, "
    "images, memory, axes, networks, not 'metric'; did you mean 'metrics'",
}


@pytest.mark.parametrize("axis", AXIS_REFUSALS)
def test_an_axis_that_is_none_gives_one_sentence(axis: str) -> None:
    sentence, expected = refusal(f"[axes]\n{axis}\n"), f"s.toml [axes] {AXIS_REFUSALS[axis]}"
    begun = expected.removesuffix("…")
    assert sentence == expected if begun == expected else sentence.startswith(begun)
    assert "\n" not in sentence


@pytest.mark.parametrize("text", REFUSALS)
def test_a_space_that_is_none_gives_one_sentence(text: str) -> None:
    assert refusal(text) == REFUSALS[text]


def test_text_that_is_no_toml_gives_one_sentence(tmp_path: Path) -> None:
    assert refusal("[axes").startswith("s.toml must be TOML, not text with the error: ")
    assert refusal("x = " + "[" * 100_000).startswith("s.toml must be TOML, not text")
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"^binary\.toml must be TOML in UTF-8, not binary$"):
        load_space(path)
    with pytest.raises(FileNotFoundError):
        load_space(tmp_path / "none.toml")


def test_a_grid_beyond_a_million_points_is_refused() -> None:
    axis = str(list(range(1, 102)))
    sentence = refusal(f"[axes]\nrows = {axis}\ncols = {axis}\nlanes = {axis}")
    assert sentence == "s.toml must have at most 1,000,000 points, not 1,030,301"
    top = 'strategy = "random"\npoints = 7'
    large = space_of(f"rows = {axis}\ncols = {axis}\nlanes = {axis}", top)
    assert large.size == 101**3
    assert len(random_points(large)) == 7


# Values


def test_without_a_word_a_space_is_the_defaults() -> None:
    space = parse_space("", "nothing")
    assert (space.name, space.strategy, space.points, space.seed) == ("nothing", "grid", None, 0)
    assert space.metrics == ("accuracy", "area", "energy", "cycles")
    assert space.objectives == ("accuracy", "energy_nj")
    assert list(space.grid()) == [{name: axis.default for name, axis in AXES.items()}]
    Configuration.of({}).accelerator(Sums(576, 66297))  # the defaults can be built


VALUES: dict[str, tuple[str, list[Any]]] = {
    "formats": ('["E3M1", "e3m1/e3m1", "e2m2 / e4m3", "int8", "fp32"]',
                ["e3m1", "e2m2/e4m3", "int8", "fp32"]),
    "bits": ('["none", 4, 4.0, 5.5]', [None, 4.0, 5.5]),
    "tune": ("[true, false]", [True, False]),
    "rows": ("[8, 16, 8]", [8, 16]),
    "dataflow": ('["outputs", "weights", "best"]', ["outputs", "weights", "best"]),
    "registers": ('[[], ["sum", "product"], ["product", "sum"]]', [[], ["product", "sum"]]),
    "gate_zeros": ("false", [False]),
    "decode": ('["pe", "edge"]', ["pe", "edge"]),
    "multiplier": ('["compressed"]', ["compressed"]),
    "clock_ns": ("[1, 2.5]", [1.0, 2.5]),
    "latency": ("100", [100]),
    **{name: ("[64, 128]", [64, 128]) for name in SIZES},
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_values_of_an_axis_are_kept_once_and_as_json_has_them(name: str) -> None:
    text, expected = VALUES[name]
    found = list(space_of(f"{name} = {text}").axes[name])
    assert found == expected
    assert json.loads(json.dumps(found)) == found


def test_a_list_of_registers_is_one_value() -> None:
    assert space_of('registers = ["product"]').axes["registers"] == (["product"],)


def test_size_takes_the_place_of_rows_and_columns() -> None:
    by_size = list(space_of('size = ["8x4", "16x2"]\nlanes = [1, 2]').grid())
    assert [(p["rows"], p["cols"], p["lanes"]) for p in by_size] == [
        (8, 4, 1), (8, 4, 2), (16, 2, 1), (16, 2, 2),
    ]  # fmt: skip
    (one,) = space_of("rows = 8\ncols = 4\nlanes = 2").grid()
    assert by_size[1] == one  # the same point, so the same jobs
    assert set(one) == set(AXES)


def test_weights_and_acts_are_all_pairs() -> None:
    space = space_of('weights = ["e2m1", "e3m1"]\nacts = ["e3m1", "e3m2"]')
    pairs = ["e2m1/e3m1", "e2m1/e3m2", "e3m1", "e3m1/e3m2"]
    assert list(space.axes["formats"]) == pairs
    assert space.document()["axes"] == {"formats": pairs}


def test_files_are_found_beside_the_space(tmp_path: Path) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    text = (
        'memory = "m.toml"\n[axes]\nnetwork = "mine"\ntechnology = ["sky130", "cells.lib"]\n'
        f'[networks.mine]\n{FILE}calibration = "c.npz"\nmean = 0.5\nstd = [1, 2]\n'
    )
    (folder / "here.toml").write_text(text)
    space = load_space(folder / "here.toml")
    network = space.networks["mine"]
    assert space.name == "here"
    assert space.memory == folder / "m.toml"
    assert space.axes["technology"] == ("sky130", str(folder / "cells.lib"))
    assert (network.model, network.data) == (folder / "m.onnx", folder / "d.npz")
    assert (network.calibration, network.mean, network.std) == (
        folder / "c.npz", (0.5,), (1.0, 2.0),
    )  # fmt: skip


def test_what_a_space_says_of_itself_has_what_it_names() -> None:
    space = space_of("rows = 8\ncols = [2, 4]", 'metrics = ["cycles"]')
    document = space.document()
    assert document["axes"] == {"rows": [8], "cols": [2, 4]}
    assert document["objectives"] == [["cycles", "min"]]
    assert json.loads(json.dumps(document)) == document
    assert re.search(r"cols = \[2, 4\]", document["toml"])


def test_the_spaces_of_the_project_are_valid() -> None:
    paths = [
        *(ROOT / "gen" / "spaces").glob("*.toml"),
        ROOT / "afp_hw" / "explore" / "embedded.toml",
    ]
    assert len(paths) > 1
    for path in paths:
        assert load_space(path).size > 10
    assert len(list(load_space(ROOT / "gen" / "spaces" / "space.toml").grid())) == 210
