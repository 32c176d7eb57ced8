"""The file of formats: round trips, checks, refusals; and how calibration fills it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afp_hw import AFPFormat
from afp_hw.network import (
    FormatAssignment,
    Graph,
    LayerParameters,
    TensorFormat,
    assignment_text,
    batches,
    calibrate,
    load_assignment,
    load_graph,
    lower,
    parse_assignment,
    write_assignment,
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
    path = write_assignment(assignment, tmp_path / "formats.json")
    read = load_assignment(path)
    assert read == assignment
    assert assignment_text(read) == path.read_text()


def test_one_lsb_per_channel_round_trips(graph: Graph, assignment: FormatAssignment) -> None:
    lsbs = (-5, -6, -7, -5)
    weights = {**assignment.weights, "conv1": TensorFormat(AFPFormat(3, 1), lsbs)}
    changed = FormatAssignment(graph.name, weights, assignment.acts)
    assert parse_assignment(assignment_text(changed)) == changed
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


def test_dynamic_and_provenance_round_trip(graph: Graph, assignment: FormatAssignment) -> None:
    dynamic = TensorFormat(AFPFormat(3, 2), None, "each image's own")
    changed = replace(assignment, acts={**assignment.acts, "x": dynamic})
    read = parse_assignment(assignment_text(changed))
    assert read.acts["x"] == dynamic
    assert read.acts["x"].dynamic
    assert read.acts["x"].provenance == "each image's own"
    with pytest.raises(ValueError, match="must be that of a static grid"):
        _ = read.acts["x"].bias


def test_parameters_round_trip_beside_the_file(
    graph: Graph, assignment: FormatAssignment, tmp_path: Path
) -> None:
    layer = graph.layer("conv1")
    assert layer.weight is not None
    first = LayerParameters(layer.weight * 0.5, np.arange(4.0))
    changed = replace(assignment, parameters={"conv1": first})
    path = write_assignment(changed, tmp_path / "formats.json")
    read = load_assignment(path)
    np.testing.assert_array_equal(read.parameters["conv1"].weight, first.weight)
    np.testing.assert_array_equal(read.parameters["conv1"].bias, first.bias)
    bytes_before = path.read_bytes()
    assert write_assignment(changed, path).read_bytes() == bytes_before
    # Another choice takes the first one's archive away, and none leaves none behind.
    second = replace(changed, parameters={"conv1": LayerParameters(layer.weight, None)})
    write_assignment(second, path)
    assert len(list(tmp_path.glob("*.npz"))) == 1
    assert load_assignment(path).parameters["conv1"].bias is None
    write_assignment(assignment, path)
    assert not list(tmp_path.glob("*.npz"))


def test_parameters_of_another_file_are_refused(
    graph: Graph, assignment: FormatAssignment, tmp_path: Path
) -> None:
    layer = graph.layer("conv1")
    assert layer.weight is not None
    changed = replace(assignment, parameters={"conv1": LayerParameters(layer.weight, None)})
    path = write_assignment(changed, tmp_path / "formats.json")
    (archive,) = tmp_path.glob("*.npz")
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(ValueError, match="must be the archive that the formats were written with"):
        load_assignment(path)
    archive.unlink()
    with pytest.raises(FileNotFoundError):
        load_assignment(path)
    wrong = replace(assignment, parameters={"conv1": LayerParameters(np.zeros((4, 2)), None)})
    with pytest.raises(ValueError, match="layer 'conv1' must have weights of shape"):
        lower(graph, wrong)


def test_another_network_is_refused(assignment: FormatAssignment, tmp_path: Path) -> None:
    from afp_hw import embedded

    other = load_graph(embedded.model_path())
    with pytest.raises(ValueError, match="formats must be those of 'fashion_resnet', not of 'net'"):
        lower(other, assignment)


def test_more_formats_than_the_network_has_tensors_are_refused(
    graph: Graph, assignment: FormatAssignment
) -> None:
    item = assignment.acts["x"]
    more = replace(assignment, weights={**assignment.weights, "conv9": item})
    with pytest.raises(
        ValueError, match="formats must be those of 'net', not of another: no layer"
    ):
        lower(graph, more)
    more = replace(assignment, acts={**assignment.acts, "n1": item})
    with pytest.raises(ValueError, match="no stored tensor 'n1'"):
        lower(graph, more)


def test_formats_that_a_tensor_cannot_have_are_refused(
    graph: Graph, assignment: FormatAssignment
) -> None:
    unsigned = TensorFormat(AFPFormat(3, 1, signed=False), -5)
    with pytest.raises(ValueError, match=r"layer 'conv1' with unsigned weights \(ue3m1\)"):
        lower(graph, replace(assignment, weights={**assignment.weights, "conv1": unsigned}))
    listed = TensorFormat(AFPFormat(3, 1), (-5, -5))
    with pytest.raises(ValueError, match="tensor 'x' with an lsb per channel"):
        lower(graph, replace(assignment, acts={**assignment.acts, "x": listed}))


def test_provenance_names_the_images(graph: Graph) -> None:
    first, second = (calibrate(graph, floats(seed, 4, 2, 8, 8), source="s") for seed in (3, 4))
    assert first.provenance["images"] == 4
    assert first.provenance["calibration"] == second.provenance["calibration"] == "s"
    assert first.provenance["sha256"] != second.provenance["sha256"]
    assert calibrate(graph, floats(3, 4, 2, 8, 8), source="s") == first


def test_integers_calibrate_as_the_numbers_that_they_are(graph: Graph) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (4, 2, 8, 8), dtype=np.uint8)
    assert calibrate(graph, pixels).acts == calibrate(graph, pixels.astype(np.float32)).acts


def test_calibration_that_overflows_is_refused(graph: Graph) -> None:
    with pytest.raises(ValueError, match=r"tensor '\w+' must be finite for these images"):
        calibrate(graph, floats(3, 4, 2, 8, 8) * np.float32(1e38))


def test_calibration_does_not_depend_on_batches(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = floats(3, 7, 2, 8, 8)
    whole, reports = calibrate(graph, images), []
    # The largest matrix of this network has 64 * 2 * 9 elements an image: three at once.
    monkeypatch.setattr(batches, "_ELEMENTS", 3 * 64 * 2 * 9)
    assert calibrate(graph, images, progress=lambda *now: reports.append(now)) == whole
    assert reports == [(3, 7), (6, 7), (7, 7)]


def test_a_wrong_number_of_channels_is_refused(graph: Graph, assignment: FormatAssignment) -> None:
    weights = {**assignment.weights, "conv1": TensorFormat(AFPFormat(3, 1), (-5, -6))}
    with pytest.raises(ValueError, match="2 lsbs for 4 channels of 'conv1'"):
        lower(graph, FormatAssignment(graph.name, weights, assignment.acts))


def entry(**change: object) -> dict[str, object]:
    return {"n_exp": 3, "n_man": 2, "signed": True, "lsb": 1} | change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"schema": "other"}, "formats.schema must be 'afp-hw formats 1', not 'other'"),
        ({"weights": []}, "formats.weights must be a dict"),
        ({"weights": {"a": {"n_exp": 3}}}, "must have n_exp, n_man, signed and lsb"),
        ({"acts": {"a": entry(lsb=1.5)}}, "lsb must be an integer"),
        ({"acts": {"a": entry(lsb="x")}}, "a list of them or 'dynamic', not 'x'"),
        ({"acts": {"a": entry(n_exp=9)}}, "acts['a']: AFPFormat.n_exp must be in"),
        ({"acts": {"a": entry(n_exp="3")}}, "acts['a']: AFPFormat.n_exp must be an integer"),
        ({"acts": {"a": entry(signed=1)}}, "acts['a']: AFPFormat.signed must be a bool"),
        ({"acts": {"a": entry(lsb=2048)}}, "bias in -2048..2047, not -2049"),
        ({"weights": {"a": entry(lsb=[1, 2049])}}, "not -2050"),
        ({"weights": {"a": entry(provenance=3)}}, "provenance must be a sentence"),
        ({"parameters": []}, "parameters must have 'file' and 'sha256'"),
        ({"parameters": {"file": "../x.npz", "sha256": ""}}, "must lie beside the file"),
    ],
)
def test_broken_entries_are_refused(
    assignment: FormatAssignment, change: dict[str, object], sentence: str
) -> None:
    document = json.loads(assignment_text(assignment)) | change
    with pytest.raises(ValueError, match=r"formats|AFPFormat") as caught:
        parse_assignment(json.dumps(document))
    assert sentence in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "1" * 9999, '{"a":' * 99999])
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="formats"):
        parse_assignment(text)


def test_unsigned_formats_are_refused_for_tensors_with_a_sign(graph: Graph) -> None:
    with pytest.raises(ValueError, match="must be signed where a tensor can be negative"):
        calibrate(graph, floats(3, 4, 2, 8, 8), acts=AFPFormat(3, 2, signed=False))
