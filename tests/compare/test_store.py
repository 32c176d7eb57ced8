"""What is kept is found again, and what figures depend on is in the keys."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from afp_hw.compare import store

LOADED = """
import sys
import afp_hw.synth.measure, afp_hw.synth.flow, afp_hw.energy.bench
print(*sorted(name for name in sys.modules if name.startswith("afp_hw.synth.")))
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFP_HW_CACHE", str(tmp_path))


def test_a_source_left_out_of_the_digest_is_one_that_no_measurement_loads() -> None:
    run = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    loaded = [name.removeprefix("afp_hw.synth.") for name in run.stdout.split()]
    assert {"measure", "array_activity", "timedsim", "flow"} <= set(loaded)
    measuring = [name for name in loaded if not name.startswith("report")]  # text only
    assert not [name for name in measuring if name.startswith(store._WITHOUT_FIGURES)]


def test_digests_follow_folders_and_what_is_left_out() -> None:
    whole = store.sources_digest("synth")
    assert whole == store.sources_digest("synth") != store.sources_digest("energy")
    assert whole != store.sources_digest("synth", without=("fpga",))


def test_keys_differ_in_parts_and_their_borders() -> None:
    keys = {
        store.key_of(*parts) for parts in [("a", "b"), ("b", "a"), ("ab",), ("a", b"c"), ("a",)]
    }
    assert len(keys) == 5


def test_what_was_saved_is_loaded_and_damage_is_nothing(tmp_path: Path) -> None:
    key = store.key_of("x")
    assert store.load(key) is None
    store.save(key, {"area": 1.5})
    assert store.load(key) == {"area": 1.5}
    for text in ("{", "[1]", "\xff"):
        next(tmp_path.rglob(f"{key}.json")).write_text(text, encoding="latin-1")
        assert store.load(key) is None


def test_netlists_come_back_byte_for_byte(tmp_path: Path) -> None:
    key = store.key_of("netlist")
    source = tmp_path / "netlist.json"
    source.write_text('{"modules": {}}\n')
    assert not store.has_netlist(key)
    store.save_netlist(key, source)
    assert store.has_netlist(key)
    assert store.load_netlist(key) == source.read_text()
