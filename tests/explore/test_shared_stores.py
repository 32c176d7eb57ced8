"""Two sweeps with one store: nothing is computed twice, and nothing is left to the dead."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from afp_hw.explore import claims as claims_module
from afp_hw.explore.claims import LEASE_SECONDS, RENEWED_SECONDS, Claims
from afp_hw.explore.jobs import Job
from afp_hw.explore.store import DONE, Store, Stored
from tests.explore.sweeps import space_of, swept
from tests.explore.trivial_jobs import PATIENT, SLOW, all_runs

KEYS = ["a", "b", "c"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "s.sqlite") as opened:
        yield opened


def owned(store: Store) -> dict[str, str]:
    return dict(store.connection.execute("SELECT key, owner FROM claims"))


def test_what_one_has_claimed_another_does_not_get(store: Store) -> None:
    one, other = Claims(store), Claims(store)
    assert one.take(KEYS[:2]) == {"a", "b"}
    assert other.take(KEYS) == {"c"}
    assert one.take(KEYS) == {"a", "b"}  # ours stay ours
    one.release(["a"])
    assert other.take(KEYS) == {"a", "c"}
    one.release()
    other.release()
    assert owned(store) == {}


def test_what_is_computed_is_not_claimed(store: Store) -> None:
    store.record(Job("cycles", {}, key="a"), Stored(DONE, {}))
    assert Claims(store).take(KEYS) == {"b", "c"}


def test_a_result_ends_its_claim(store: Store) -> None:
    claims = Claims(store)
    claims.take(["a"])
    store.record(Job("cycles", {}, key="a"), Stored(DONE, {}))
    assert owned(store) == {}


def claimed_elsewhere(path: Path, then: str) -> subprocess.Popen[str]:
    """Another process that claims all keys."""
    program = (
        "import sys, time\n"
        "from tests.explore.test_shared_stores import *\n"
        f"store = Store({str(path)!r})\n"
        "Claims(store).take(KEYS)\n"
        "print('claimed', flush=True)\n"
        f"{then}\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "claimed\n"
    return process


def test_claims_of_a_process_that_was_killed_are_void_at_once(store: Store) -> None:
    process = claimed_elsewhere(store.path, "time.sleep(600)")
    claims = Claims(store)
    assert claims.take(KEYS) == set()
    process.kill()
    deadline = time.monotonic() + 10
    while not claims.take(KEYS):  # not waited for: it is a zombie meanwhile
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.communicate()
    assert set(owned(store)) == set(KEYS)


def test_a_process_with_the_number_of_a_dead_one_is_another_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    Claims(store).take(KEYS)
    started = claims_module._start_of
    monkeypatch.setattr(claims_module, "_start_of", lambda pid: f"{started(pid)}0")
    assert Claims(store).take(KEYS) == set(KEYS)


def test_claims_from_another_machine_run_out(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as there:
        there.setattr(claims_module.socket, "gethostname", lambda: "elsewhere")
        Claims(store).take(KEYS)
    claims = Claims(store)
    assert claims.take(KEYS) == set()
    now = time.time()
    monkeypatch.setattr(claims_module.time, "time", lambda: now + LEASE_SECONDS - 5)
    assert claims.take(KEYS) == set()
    monkeypatch.setattr(claims_module.time, "time", lambda: now + LEASE_SECONDS + 5)
    assert claims.take(KEYS) == set(KEYS)


def test_claims_are_renewed_long_before_they_run_out(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert RENEWED_SECONDS <= LEASE_SECONDS / 3
    claims = Claims(store)
    claims.take(KEYS)
    until = "SELECT until FROM claims WHERE key = 'a'"
    (before,) = store.connection.execute(until).fetchone()
    claims.renew()
    assert store.connection.execute(until).fetchone() == (before,)  # not yet
    now, later = time.monotonic(), time.time() + RENEWED_SECONDS + 1
    monkeypatch.setattr(claims_module.time, "monotonic", lambda: now + RENEWED_SECONDS + 1)
    monkeypatch.setattr(claims_module.time, "time", lambda: later)
    claims.renew()
    assert store.connection.execute(until).fetchone()[0] > before + RENEWED_SECONDS


def another_sweep(path: Path, space: str, first: str = "") -> subprocess.Popen[str]:
    program = (
        "from pathlib import Path\n"
        "from tests.explore.sweeps import meet, space_of, swept\n"
        "if __name__ == '__main__':\n"
        f"    {first or 'pass'}\n"
        f"    tally = swept(Path({str(path)!r}), {space})\n"
        "    print(tally.computed, tally.known, flush=True)\n"
    )
    script = path.with_name("sweep.py")
    script.write_text(program)
    return subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


def test_two_sweeps_at_once_compute_no_job_twice(traces: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    space = "space_of([108], range(1, 13))"
    assert SLOW == 108
    together = f"meet(Path({str(tmp_path)!r}), 2)"  # neither begins before the other one can
    processes = [another_sweep(path, space, together) for _ in range(2)]
    counts = [tuple(map(int, process.communicate()[0].split())) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    runs = Counter(all_runs())
    assert len(runs) == 13
    assert set(runs.values()) == {1}
    assert sum(computed for computed, _ in counts) == 13
    assert all(computed + known == 13 for computed, known in counts)
    assert all(computed > 1 for computed, _ in counts)  # both had their share
    with Store(path) as store:
        assert set(store.states(runs).values()) == {DONE}
        (workers,) = store.connection.execute("SELECT COUNT(DISTINCT worker) FROM timings")
        assert workers == (2,)
        assert owned(store) == {}


def test_sweeps_that_share_points_share_results(traces: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    assert swept(path, space_of([1, 2, 3])).computed == 4
    tally = swept(path, space_of([2, 3, 4]))
    assert (tally.known, tally.computed) == (3, 1)
    with Store(path) as store:
        assert len(store.sweeps()) == 2


def test_a_sweep_goes_on_with_what_a_killed_one_was_at(traces: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    process = another_sweep(path, f"space_of([1, 2, {PATIENT}])")
    deadline = time.monotonic() + 60
    while len(all_runs()) < 4:  # it is at the last one, which does not end
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.communicate()
    with Store(path) as store:
        assert len(owned(store)) == 1
    (traces / "go").touch()
    begun = time.monotonic()
    tally = swept(path, space_of([1, 2, PATIENT]))
    assert (tally.known, tally.computed) == (3, 1)
    assert time.monotonic() - begun < LEASE_SECONDS / 2
