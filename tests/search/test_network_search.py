"""A search over small networks: samples, candidates, errors at the output, budgets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from afp_hw import AFPFormat, embedded
from afp_hw.golden import decode, encode, finest_lsb
from afp_hw.network import (
    Graph,
    LayerParameters,
    TensorFormat,
    evaluate_float,
    load_graph,
    run_exact,
)
from afp_hw.network.bits import average_bits
from afp_hw.network.evaluation import evaluate, float_logits
from afp_hw.network.stages import stored_tensors
from afp_hw.search import network_search
from afp_hw.search.budgets import bits_choice, energy_choice, network_energy_nj
from afp_hw.search.candidates import Preference, activation_candidates, weight_candidates
from afp_hw.search.costs import CostTable
from afp_hw.search.network_search import NetworkSearch, rounded_activation, rounded_layer
from afp_hw.search.options import SearchOptions, paper_cost
from afp_hw.search.samples import collect_samples
from afp_hw.search.sensitivity import OutputError
from tests.network.models import floats, residual_network

PREFERENCE = Preference("mse", 0.0, paper_cost, "mse")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFP_HW_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return load_graph(residual_network(tmp_path / "net.onnx"))


IMAGES = floats(20, 24, 2, 8, 8)


def test_samples_are_values_of_the_tensor_with_its_largest(graph: Graph) -> None:
    samples = collect_samples(graph, IMAGES, seed=1)
    seen: dict[str, np.ndarray] = {}
    evaluate_float(graph, IMAGES, lambda name, value: seen.update({name: value}))
    assert list(samples) == stored_tensors(graph)
    for name, sample in samples.items():
        flat = seen[name].reshape(len(IMAGES), -1)
        np.testing.assert_allclose(sample.largest, np.abs(flat).max(axis=1), rtol=1e-5)
        for row, values in zip(sample.values, flat, strict=True):
            assert np.isin(row, values).all()
        assert sample.signed == bool((flat < 0).any())
    again = collect_samples(graph, IMAGES, seed=1)
    assert all(np.array_equal(samples[name].values, again[name].values) for name in samples)


def test_the_best_split_of_each_width_is_the_best(graph: Graph) -> None:
    layer = graph.layers()[1]
    for found in weight_candidates(layer, range(3, 7), PREFERENCE):
        fmt = found.item.fmt
        errors = []
        for n_exp in range(min(5, fmt.width - 1) + 1):
            other = AFPFormat(n_exp, fmt.width - 1 - n_exp)
            rule = finest_lsb(float(np.abs(layer.weight).max()), other.max_fix)
            for lsb in range(rule - 12, rule + 1):
                bias = other.bias(lsb)
                rounded = decode(encode(layer.weight, other, bias), other, bias)
                errors.append(float(np.square(layer.weight - rounded).mean()))
        assert found.error == pytest.approx(min(errors), rel=1e-9)


def test_channels_never_lose_to_the_tensor(graph: Graph) -> None:
    layer = graph.layers()[1]
    whole = weight_candidates(layer, [4, 5], PREFERENCE)
    each = weight_candidates(layer, [4, 5], PREFERENCE, channels=True)
    for one, many in zip(whole, each, strict=True):
        assert isinstance(many.item.lsb, tuple)
        assert len(many.item.lsb) == len(layer.weight)
        assert many.error <= one.error * (1 + 1e-9)


def test_dynamic_errors_are_those_of_each_image_on_its_own_grid(graph: Graph) -> None:
    scaled = IMAGES * np.logspace(-2, 2, len(IMAGES), dtype=np.float32)[:, None, None, None]
    for sample in collect_samples(graph, scaled).values():
        for found in activation_candidates(sample, [4, 6], PREFERENCE, dynamic=True):
            fmt, total = found.item.fmt, 0.0
            assert found.item.lsb is None
            for row, largest in zip(sample.values, sample.largest, strict=True):
                bias = fmt.bias(finest_lsb(float(largest), fmt.max_fix))
                exact = row.astype(np.float64)
                total += float(np.square(exact - decode(encode(exact, fmt, bias), fmt, bias)).sum())
            assert found.error == pytest.approx(total / sample.values.size, rel=1e-5)


def test_an_output_error_is_that_of_the_whole_network_computed_again(graph: Graph) -> None:
    output = OutputError(graph, IMAGES)
    before = evaluate_float(graph, IMAGES)["y"]
    item = TensorFormat(AFPFormat(2, 1, signed=False), -3)
    after = evaluate_float(
        graph, IMAGES, replace={"p1": lambda value: rounded_activation(item, value)}
    )["y"]
    got = output.of_activation("p1", lambda value: rounded_activation(item, value))
    assert got == pytest.approx(float(np.square(after - before).mean()), rel=1e-4)
    assert got > 0
    layer = rounded_layer(TensorFormat(AFPFormat(2, 1), -4), graph.layers()[1])
    other = graph.with_parameters({layer.name: LayerParameters(layer.weight, layer.bias)})
    expected = np.square(evaluate_float(other, IMAGES)["y"] - before).mean()
    assert output.of_weights(layer) == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
def test_average_bits_stay_within_the_budget_and_use_it(graph: Graph, dynamic: bool) -> None:
    search = NetworkSearch(graph, IMAGES, SearchOptions(dynamic=dynamic, tuning_images=8))
    spent = []
    for limit in (3.0, 4.5, 6.0):
        formats = bits_choice(search, limit, limit + 0.5)
        lowered = search.lowered(formats)
        bits = average_bits(lowered)
        assert bits.weights <= limit + 1e-9
        assert bits.acts <= limit + 0.5 + 1e-9
        spent.append(bits.weights + bits.acts)
        assert dynamic or not any(item.dynamic for item in formats.acts.values())
        run_exact(search.lowered(search.tuned(formats)), IMAGES[:2])
    assert spent == sorted(spent)
    assert spent[0] > 2 * 3.0 - 1.5
    with pytest.raises(ValueError, match=r"weight bits must be at least 2 on average, the nearest"):
        bits_choice(search, 1.5, 4)


def test_a_search_resumes_where_it_was(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    options = SearchOptions(widths=(3, 4), splits=2)
    measured = []

    class Counting(OutputError):
        def of_weights(self, layer: object) -> float:
            if len(measured) == 3:
                raise KeyboardInterrupt
            measured.append(layer)
            return super().of_weights(layer)

    monkeypatch.setattr(network_search, "OutputError", Counting)
    monkeypatch.setattr(network_search, "processors", lambda: 1)
    with pytest.raises(KeyboardInterrupt):
        NetworkSearch(graph, IMAGES, options)
    monkeypatch.setattr(network_search, "OutputError", OutputError)
    resumed = NetworkSearch(graph, IMAGES, options)

    class Refusing:
        def __init__(self, *arguments: object) -> None:
            raise AssertionError("measured although everything is on file")

    monkeypatch.setattr(network_search, "OutputError", Refusing)
    again = NetworkSearch(graph, IMAGES, options)
    assert again.errors == resumed.errors
    assert len(measured) == 3


def test_energy_stays_within_its_budget(graph: Graph) -> None:
    search = NetworkSearch(graph, IMAGES, SearchOptions(widths=(3, 6), splits=1))
    table = CostTable.load()
    rich = network_energy_nj(search, bits_choice(search, 6, 6), table)
    poor = network_energy_nj(search, bits_choice(search, 3, 3), table)
    limit = (rich + poor) / 2
    formats = energy_choice(search, limit, table)
    assert poor * 0.9 <= network_energy_nj(search, formats, table) <= limit * (1 + 1e-6)
    with pytest.raises(ValueError, match=r"energy must be at least .* nJ an image, the nearest"):
        energy_choice(search, poor / 100, table)


def test_lambda_makes_the_papers_choice_narrower(graph: Graph) -> None:
    widths = []
    for lam in (0.0, 2.5, 4.0):
        search = NetworkSearch(graph, IMAGES, SearchOptions(lam=lam, splits=1))
        formats = search.assignment(search.cheapest_per_tensor())
        widths.append(sum(item.fmt.width for item in formats.weights.values()))
    assert widths[0] == 8 * len(graph.layers())
    assert widths[0] >= widths[1] >= widths[2]
    assert widths[0] > widths[2]


def test_options_out_of_range() -> None:
    with pytest.raises(ValueError, match=r"widths must be 2 <= low <= high <= 16, not 8\.\.2"):
        SearchOptions(widths=(8, 2))
    with pytest.raises(ValueError, match=r"SearchOptions.lam must be in 0\.\.10, not -1"):
        SearchOptions(lam=-1)


def test_the_embedded_model_in_five_bits_loses_little() -> None:
    graph = load_graph(embedded.model_path())
    calibration = embedded.calibration_images()[:128]
    search = NetworkSearch(graph, calibration, SearchOptions(tuning_images=64))
    formats = search.tuned(bits_choice(search, 5, 5))
    images, labels = (part[:300] for part in embedded.test_set())
    result = evaluate(search.lowered(formats), images, float_logits(graph, images), labels)
    assert result.loss is not None
    assert result.loss < 2
    assert result.agreement > 95


def test_a_mixed_network_loses_no_more_than_either_kind(graph: Graph) -> None:
    images = IMAGES * np.logspace(-1, 1, len(IMAGES), dtype=np.float32)[:, None, None, None]

    def chosen(**options: bool) -> tuple[float, int]:
        search = NetworkSearch(graph, images, SearchOptions(**options))
        formats = bits_choice(search, 4, 4)
        assert average_bits(search.lowered(formats)).acts <= 4
        dynamic = sum(item.dynamic for item in formats.acts.values())
        return search.total_error(formats), dynamic

    static, none = chosen()
    pure, every = chosen(dynamic=True, mixed=False)
    mixed, some = chosen(dynamic=True)
    assert (none, every) == (0, len(stored_tensors(graph)))
    assert mixed <= min(static, pure) * (1 + 1e-6)
    assert 0 < some < every


def test_an_envelope_holds_all_that_is_found(graph: Graph) -> None:
    """Candidates and choice; of one exponent bit and none what the envelope has room for."""
    images = IMAGES[:16]
    options = SearchOptions(weights_within="e3m1", acts_within="e3m2", tuning_images=16)
    search = NetworkSearch(graph, images, options)
    for (kind, _), candidates in search.candidates.items():
        envelope = AFPFormat.parse("e3m1" if kind == "weights" else "e3m2")
        assert candidates
        assert all(envelope.holds(candidate.item.fmt) for candidate in candidates)
    found = {str(c.item.fmt) for c in search.candidates["weights", "conv1"]}
    assert "e1m1" in found
    assert "e1m0" not in found  # e0m1 has its values


def test_an_envelope_without_room_is_refused(graph: Graph) -> None:
    with pytest.raises(ValueError, match=r"weights_within must hold a format of 7 to 8 bits"):
        NetworkSearch(graph, IMAGES[:4], SearchOptions(widths=(7, 8), weights_within="e3m1"))
