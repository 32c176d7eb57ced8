"""Results on file survive an interrupt, a cut line and other searches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afp_hw.network import load_graph
from afp_hw.search.journal import Journal, content_key
from tests.network.models import residual_network


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AFP_HW_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def refuse() -> float:
    raise AssertionError("computed although it is on file")


def test_what_is_on_file_is_not_computed_again() -> None:
    first = Journal("k" * 64)
    assert first.result("a", lambda: 0.1) == 0.1
    assert first.result("a", refuse) == 0.1
    second = Journal("k" * 64)
    assert "a" in second
    assert second.result("a", refuse) == 0.1
    assert "a" not in Journal("other" * 10)


def test_a_line_that_was_cut_short_is_computed_again() -> None:
    journal = Journal("k" * 64)
    journal.result("a", lambda: 1.5)
    journal.result("b", lambda: 2.5)
    text = journal.path.read_text()
    journal.path.write_text(text[:-6])
    again = Journal("k" * 64)
    assert again.result("a", refuse) == 1.5
    assert "b" not in again
    assert again.result("b", lambda: 3.5) == 3.5
    assert Journal("k" * 64).result("b", refuse) == 3.5


def test_a_failure_is_not_kept() -> None:
    journal = Journal("k" * 64)
    with pytest.raises(AssertionError):
        journal.result("a", refuse)
    assert "a" not in Journal("k" * 64)


def test_the_key_knows_every_weight(tmp_path: Path) -> None:
    graph = load_graph(residual_network(tmp_path / "net.onnx"))
    same = load_graph(residual_network(tmp_path / "net.onnx"))
    assert content_key(graph) == content_key(same)
    layer = graph.layers()[0]
    weight = layer.weight.copy()
    weight.flat[0] += 1e-12
    other = replace(
        graph, nodes=tuple(replace(n, weight=weight) if n is layer else n for n in graph.nodes)
    )
    assert content_key(other) != content_key(graph)
    assert content_key(np.zeros(2)) != content_key(np.zeros(3))
    assert content_key({"a": 1}) != content_key({"a": 2})
