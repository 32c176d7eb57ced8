"""The file of formats: round trips, checks, refusals; and how calibration fills it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from afp_hw import AFPFormat
from afp_hw.network import (
    FormatAssignment,
    Graph,
    TensorFormat,
    calibrate,
    load_assignment,
    load_graph,
    lower,
    parse_assignment,
)
from tests.network.models import floats, residual_network


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return load_graph(residual_network(tmp_path / "net.onnx"))


@pytest.fixture
def assignment(graph: Graph) -> FormatAssignment:
    return calibrate(graph, floats(3, 4, 2, 8, 8))


def test_a_file_round_trips_and_has_the_same_bytes(
    assignment: FormatAssignment, tmp_path: Path
) -> None:
    path = assignment.write(tmp_path / "formats.json")
    read = load_assignment(path)
    assert read == assignment
    assert read.to_json() == path.read_text()


def test_one_lsb_per_channel_round_trips(graph: Graph, assignment: FormatAssignment) -> None:
    lsbs = (-5, -6, -7, -5)
    weights = {**assignment.weights, "conv1": TensorFormat(AFPFormat(3, 1), lsbs)}
    changed = FormatAssignment(graph.name, weights, assignment.acts)
    assert parse_assignment(changed.to_json()) == changed
    step = lower(graph, changed).gemm("conv1")
    np.testing.assert_array_equal(np.diff(step.lsb_acc), np.diff(lsbs))


def test_calibration_fits_the_largest_magnitude_and_follows_the_signs(
    graph: Graph, assignment: FormatAssignment
) -> None:
    unsigned = {name for name, item in assignment.acts.items() if not item.fmt.signed}
    assert unsigned == {"r1", "r2", "r3", "v3", "a3", "k3", "g3"} & set(assignment.acts)
    assert assignment.acts["x"].fmt == AFPFormat(3, 2)
    absmax = float(np.abs(floats(3, 4, 2, 8, 8)).max())
    item = assignment.acts["x"]
    assert item.fmt.max_fix * 2.0 ** (item.lsb - 1) < absmax <= item.fmt.max_fix * 2.0**item.lsb


def test_another_network_is_refused(assignment: FormatAssignment, tmp_path: Path) -> None:
    from afp_hw import embedded

    other = load_graph(embedded.model_path())
    with pytest.raises(ValueError, match="formats must be those of 'fashion_resnet', not of 'net'"):
        lower(other, assignment)


def test_a_wrong_number_of_channels_is_refused(graph: Graph, assignment: FormatAssignment) -> None:
    weights = {**assignment.weights, "conv1": TensorFormat(AFPFormat(3, 1), (-5, -6))}
    with pytest.raises(ValueError, match="2 lsbs for 4 channels of 'conv1'"):
        lower(graph, FormatAssignment(graph.name, weights, assignment.acts))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"schema": "other"}, "formats.schema must be 'afp-hw formats 1', not 'other'"),
        ({"weights": []}, "formats.weights must be a dict"),
        ({"weights": {"a": {"format": "e3m1"}}}, "must have 'format' and 'lsb'"),
        ({"acts": {"a": {"format": "e3m1", "lsb": 1.5}}}, "lsb must be an integer"),
        ({"acts": {"a": {"format": "x", "lsb": 1}}}, "AFPFormat must be written like"),
    ],
)
def test_broken_entries_are_refused(
    assignment: FormatAssignment, change: dict[str, object], sentence: str
) -> None:
    document = json.loads(assignment.to_json()) | change
    with pytest.raises(ValueError, match=r"formats|AFPFormat") as caught:
        parse_assignment(json.dumps(document))
    assert sentence in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="formats"):
        parse_assignment(text)


def test_unsigned_formats_are_refused_for_tensors_with_a_sign(graph: Graph) -> None:
    with pytest.raises(ValueError, match="must be signed where a tensor can be negative"):
        calibrate(graph, floats(3, 4, 2, 8, 8), acts=AFPFormat(3, 2, signed=False))
