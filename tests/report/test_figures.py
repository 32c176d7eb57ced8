"""Pictures: what their documents say, the same bytes each time, refusals."""

from __future__ import annotations

import json
import math
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from afp_hw import AFPFormat, embedded
from afp_hw.cli.main import main
from afp_hw.golden import decode
from afp_hw.network import TensorFormat, calibrate, load_graph, write_assignment
from afp_hw.quantize import score_grid
from afp_hw.report.figure_file import render
from afp_hw.report.figures import DRAW, FIELDS
from afp_hw.report.layers import bits_per_layer, layer_histogram
from afp_hw.report.ranges import afp_range, ieee_like, ranges
from afp_hw.report.scores import lambda_curve, sweet_spot


@pytest.fixture(scope="module")
def graph():
    return load_graph(embedded.model_path())


def rivals_document() -> dict:
    rows = [
        {
            "name": name,
            "weight_bits": bits,
            "act_bits": bits,
            "accuracy": 80.0 + bits,
            "agreement": 90,
        }
        for name in ("AFP, clipped", "INT, clipped")
        for bits in (4, 5, 8)
    ]
    return {"model": "m", "images": 10, "float32_accuracy": 90.0, "rows": rows}


def test_the_framed_cell_is_the_least(graph) -> None:
    found = sweet_spot(graph, "kl", 0.5)
    best = min(found["cells"], key=lambda cell: cell["objective"])
    assert (found["best"]["width"], found["best"]["n_exp"]) == (best["width"], best["n_exp"])
    assert best["objective"] >= 1
    assert {(c["width"], c["n_exp"]) for c in found["cells"]} == {
        (width, n_exp) for width in range(2, 9) for n_exp in range(min(5, width - 1) + 1)
    }


def test_a_cell_is_the_geometric_mean_over_layers(graph) -> None:
    found = sweet_spot(graph, "mse", 1.0)
    logs = []
    for layer in graph.layers():
        scores = score_grid(layer.weight, range(2, 9), most_exp=5)
        objectives = {(s.fmt.width, s.fmt.n_exp): s.error * s.penalty for s in scores}
        logs.append(math.log(objectives[5, 3] / min(objectives.values())))
    cell = next(c for c in found["cells"] if (c["width"], c["n_exp"]) == (5, 3))
    assert cell["objective"] == pytest.approx(math.exp(np.mean(logs)))


def test_a_larger_lambda_never_widens_a_layer(graph) -> None:
    found = lambda_curve(graph, "kl")
    assert found["lams"][0] == 0
    assert found["lams"][-1] == 1
    mean = np.mean(list(found["layers"].values()), axis=0)
    assert mean[0] > mean[-1]
    for name, widths in found["layers"].items():
        layer = graph.layer(name)
        scores = score_grid(layer.weight, range(2, 9), measure="kl", most_exp=5)
        assert widths[20] == min(scores, key=lambda s: s.objective(0.5)).fmt.width


def test_parts_of_codes_add_up_to_widths(graph, tmp_path: Path) -> None:
    formats = calibrate(graph, embedded.calibration_images()[:8], weights=AFPFormat(2, 3))
    found = bits_per_layer(graph, formats)
    assert [layer["name"] for layer in found["layers"]] == [n.name for n in graph.layers()]
    for layer in found["layers"]:
        assert sum(layer["weights"].values()) == formats.weights[layer["name"]].fmt.width == 6
        assert sum(layer["acts"].values()) in (5, 6)


def test_points_of_a_histogram_are_the_values_of_the_format(graph) -> None:
    fmt = AFPFormat(3, 1)
    found = layer_histogram(graph, "block2.conv1", TensorFormat(fmt, -9))
    values = np.unique(decode(np.arange(32), fmt, fmt.bias(-9)))
    np.testing.assert_array_equal(found["points"], values)
    assert sum(found["counts"]) == graph.layer("block2.conv1").weight.size


@pytest.mark.parametrize(
    ("name", "n_exp", "n_man"), [("float16", 5, 10), ("bfloat16", 8, 7), ("float32", 8, 23)]
)
def test_ranges_of_ieee_formats(name: str, n_exp: int, n_man: int) -> None:
    info = ml_dtypes.finfo(name)
    found = ieee_like(name, n_exp, n_man)
    assert 2.0**found.largest == pytest.approx(float(info.max), rel=1e-6)
    assert 2.0**found.normal == float(info.smallest_normal)
    assert 2.0**found.smallest == float(info.smallest_subnormal)


def test_ranges_of_afp_formats() -> None:
    found = afp_range(AFPFormat(3, 1))
    values = decode(np.arange(1, 16), AFPFormat(3, 1), 1)
    assert 2.0 ** (found.largest - found.smallest) == pytest.approx(values[-1] / values[0])
    assert found.significand == 2
    assert 0 <= found.largest < 1


def compared() -> dict[str, object]:
    """A document of ``afp-hw compare``, with what the drawing looks at."""
    figures = {"area_um2": 1000.0, "energy_fj": 500.0, "energy_glitch_fj": 700.0}
    kinds = {"e3m1": "AFPFormat", "int8": "IntFormat", "fp32": "FloatFormat"}
    rows = [
        {"format": name, "kind": kind, **{key: n * value for key, value in figures.items()}}
        for n, (name, kind) in enumerate(kinds.items(), 1)
    ]
    return {"figure": "compare", "schema": 1, "title": "cells, 5 ns; per MAC", "rows": rows}


def test_every_kind_is_drawn_the_same_twice(graph, tmp_path: Path) -> None:
    formats = calibrate(graph, embedded.calibration_images()[:8])
    documents = [
        sweet_spot(graph, "kl", 0.5),
        lambda_curve(graph, "kl"),
        bits_per_layer(graph, formats),
        layer_histogram(graph, "block2.conv1", None),
        {"figure": "rivals", "schema": 1, **rivals_document()},
        ranges([AFPFormat(3, 1)]),
        compared(),
    ]
    assert {found["figure"] for found in documents} == set(DRAW) == set(FIELDS)
    for found in documents:
        kept = json.loads(json.dumps(found))
        first = render(kept, DRAW[found["figure"]])
        assert first == render(kept, DRAW[found["figure"]])
        assert first["png"].startswith(b"\x89PNG")
        assert b"<svg" in first["svg"]


def test_the_command_draws_and_draws_again(
    graph, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    formats = tmp_path / "f.json"
    write_assignment(calibrate(graph, embedded.calibration_images()[:8]), formats)
    found = tmp_path / "m.rivals.json"
    found.write_text(json.dumps(rivals_document()))
    out = tmp_path / "out"
    for arguments in (
        ["sweet-spot", "embedded", "--measure", "mse"],
        ["bits", "embedded", "--formats", str(formats)],
        ["histogram", "embedded", "block2.conv1", "--format", "e2m1"],
        ["histogram", "embedded", "block2.conv1", "--formats", str(formats)],
        ["rivals", str(found)],
        ["ranges"],
    ):
        assert main(["plot", *arguments, "-o", str(out)]) == 0
        paths = [Path(line) for line in capsys.readouterr().out.split()]
        assert [path.suffix for path in paths] == [".json", ".png", ".svg"]
        assert main(["plot", "from", str(paths[0]), "-o", str(tmp_path / "again")]) == 0
        capsys.readouterr()
        for path in paths:
            assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "x.json must be a JSON document, not "),
        ("[]", "x.json.figure must be one of sweet-spot, lambda"),
        ('{"figure": "pie"}', "not 'pie'"),
        ('{"figure": "bits", "schema": 9}', "x.json.schema must be 1, not 9"),
        ('{"figure": "bits", "schema": 1}', "x.json must have 'model', not ['figure', 'schema']"),
        (
            '{"figure": "bits", "schema": 1, "model": "m", "layers": [{"name": "a"}]}',
            "x must be a whole bits figure",
        ),
    ],
)
def test_a_document_that_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, sentence: str
) -> None:
    (tmp_path / "x.json").write_text(text)
    assert main(["plot", "from", str(tmp_path / "x.json"), "-o", str(tmp_path / "out")]) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.err.count("\n") == 1
    assert not list((tmp_path / "out").glob("*"))
