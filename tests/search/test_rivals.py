"""The harness of the rivals, and ``afp-hw rivals`` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from afp_hw import embedded
from afp_hw.cli.rivals import command
from afp_hw.network import Graph, evaluate_float, load_graph
from afp_hw.network.stages import plan_stages, stored_tensors
from afp_hw.quantize.rivals import PAPER_TABLE, Afp, Integer, Unrounded, WideFloat, with_bits
from afp_hw.search.rivals import SAMPLE, Harness, Statistics, collect, rounded_tensors

IMAGES = 60


@pytest.fixture(scope="module")
def graph() -> Graph:
    return load_graph(embedded.model_path())


@pytest.fixture(scope="module")
def statistics(graph: Graph) -> Statistics:
    return collect(graph, embedded.calibration_images()[:64])


@pytest.fixture(scope="module")
def harness(graph: Graph, statistics: Statistics) -> Harness:
    images, labels = embedded.test_set()
    return Harness(graph, statistics, images[:IMAGES], labels[:IMAGES])


def test_a_sample_is_bounded_and_has_both_ends(graph: Graph, statistics: Statistics) -> None:
    ends: dict[str, list[float]] = {}
    evaluate_float(
        graph,
        embedded.calibration_images()[:64],
        lambda name, values: ends.update({name: [float(values.min()), float(values.max())]}),
    )
    assert statistics.samples.keys() == set(rounded_tensors(graph))
    for name, sample in statistics.samples.items():
        assert sample.size <= SAMPLE + 2
        assert [sample[0], sample[-1]] == ends[name]
        assert (np.diff(sample) >= 0).all()
        assert statistics.signed[name] or sample[0] >= 0


def test_an_input_without_negative_values_needs_no_sign_bit(
    graph: Graph, statistics: Statistics
) -> None:
    name = graph.inputs[0].name
    assert not statistics.signed[name]
    below = collect(graph, embedded.calibration_images()[:64] - np.float32(0.5))
    assert below.signed[name]


def test_the_same_images_give_the_same_sample(graph: Graph, statistics: Statistics) -> None:
    again = collect(graph, embedded.calibration_images()[:64])
    for name, sample in statistics.samples.items():
        np.testing.assert_array_equal(again.samples[name], sample)


def test_what_an_addition_takes_in_is_not_rounded(graph: Graph) -> None:
    fused = {stage.unfused for stage in plan_stages(graph)} - {None}
    assert fused
    assert set(rounded_tensors(graph)) == set(stored_tensors(graph)) - fused


def test_nothing_rounded_is_float32(harness: Harness) -> None:
    row = harness.measure(Unrounded())
    assert (row.agreement, row.logit_error) == (100, 0)
    assert row.accuracy == harness.accuracy
    assert (row.weight_bits, row.act_bits) == (32, 32)


def test_more_bits_are_closer_to_float32(harness: Harness) -> None:
    for four, eight in zip(with_bits(4), with_bits(8), strict=True):
        if four.name.startswith("powers of two"):  # more powers near zero help nobody
            continue
        assert harness.measure(eight).logit_error < harness.measure(four).logit_error
    assert harness.measure(WideFloat("FP16")).logit_error < 0.01


def test_first_and_last_layer_and_input_are_rounded(
    graph: Graph, harness: Harness, statistics: Statistics
) -> None:
    from afp_hw.search.rivals import quantized_graph, roundings

    method = Integer(3)
    rounded = quantized_graph(graph, method)
    for before, after in zip(graph.layers(), rounded.layers(), strict=True):
        assert before.weight is not None
        assert after.weight is not None
        assert np.unique(after.weight).size <= 7
        assert before.bias is not None
        np.testing.assert_array_equal(before.bias, after.bias)
    replaced = roundings(statistics, method)
    assert graph.inputs[0].name in replaced
    assert np.unique(replaced[graph.inputs[0].name](harness.images)).size <= 8


def test_weights_and_activations_may_have_different_methods(harness: Harness) -> None:
    row = harness.measure(Afp(4), Unrounded())
    assert row.name == "AFP, clipped; activations FP32"
    assert (row.weight_bits, row.act_bits) == (4, 32)
    assert row.logit_error < harness.measure(Afp(4)).logit_error


def test_without_labels_there_is_no_accuracy(graph: Graph, statistics: Statistics) -> None:
    images, labels = embedded.test_set()
    assert Harness(graph, statistics, images[:2], None).measure(Afp(8)).accuracy is None
    with pytest.raises(ValueError, match=r"Harness\.labels must be of shape \[2\], not \[3\]"):
        Harness(graph, statistics, images[:2], labels[:3])


def test_every_row_of_the_paper_s_table_says_where_it_comes_from() -> None:
    names = {method.name for method in with_bits(5)}
    for row in PAPER_TABLE:
        assert row.rebuilt is None or row.rebuilt in names
        assert row.text.startswith("published: ")
        assert row.source in row.text
    assert {"ADMM", "INQ", "UNIQ", "APT", "Focused Compression"} <= {
        row.method for row in PAPER_TABLE if row.retrains
    }


@pytest.mark.slow
def test_the_command_prints_every_method_and_what_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFP_HW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    arguments = ["embedded", "--bits", "4", "--images", "20", "-o", str(tmp_path)]
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    for method in with_bits(4):
        assert method.name in result.output
    assert "OCP FP8 e4m3" in result.output
    assert "4 bits: best AFP" in result.output
    assert "ADMM: not rebuilt: it retrains; published: not quoted" in result.output
    document = json.loads((tmp_path / "fashion_resnet.rivals.json").read_text())
    assert document["images"] == 20
    assert len(document["rows"]) == 14 + 13 + 3 + 1
    assert "searched" not in document["standing"][0]["best_afp"]
    assert all(0 <= row["accuracy"] <= 100 for row in document["rows"])
    again = CliRunner().invoke(command, [*arguments[:5], "--json"], catch_exceptions=False)
    assert json.loads(again.output) == document


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bits", "9"], r"catalogue\.bits must be in 2\.\.8, not 9"),
        (["--images", "0"], r"--images must be in 1\.\.1000, not 0"),
    ],
)
def test_a_mistake_is_one_sentence(arguments: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CliRunner().invoke(command, ["embedded", *arguments], catch_exceptions=False)


def test_bits_are_integers() -> None:
    result = CliRunner().invoke(command, ["embedded", "--bits", "4,five"])
    assert result.exit_code == 2
    assert "must be integers with commas between them, not '4,five'" in result.output
