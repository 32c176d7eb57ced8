"""Jobs that break, die, differ or fill the disk: the others are done, and all is told."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from afp_hw.cli import explore as command
from afp_hw.cli.main import main
from afp_hw.explore import inputs, jobs
from afp_hw.explore.document import document_of
from afp_hw.explore.inputs import load_memory, memory_content
from afp_hw.explore.outcomes import BROKE, CANNOT, DIED, HALT, RAN, attempt
from afp_hw.explore.store import DONE, FAILED, REFUSED, Store
from tests.explore import trivial_jobs
from tests.explore.sweeps import executor, space_of, swept
from tests.explore.trivial_jobs import (
    BREAKS,
    DIES,
    DIFFERS,
    FULL,
    TOOL,
    all_runs,
    runs_of,
)
from tests.explore.trivial_jobs import REFUSED as CANNOT_BE_BUILT
from tests.explore.trivial_jobs import THIRD as THIRD_TIME


def rows_to_keys(path: Path) -> dict[int, str]:
    with Store(path, create=False) as store:
        identity, _ = store.sweeps()[-1]
        return {point.axes["rows"]: point.jobs["cycles"] for point in store.points(identity)}


REASONS = {
    BREAKS: ("it broke in two lines", "RuntimeError: it broke"),
    DIES: ("its process died", "its process died"),
    TOOL: ("yosys ended with exit status 7", "ERROR: it was the tool"),
}


def test_a_job_that_fails_three_times_is_kept_with_its_log_and_stops_nothing(
    traces: Path, tmp_path: Path
) -> None:
    path = tmp_path / "s.sqlite"
    tally = swept(path, space_of([1, *REASONS, 2, 3]), processes=2)
    assert (tally.points, tally.computed, tally.failed, tally.mismatch) == (6, 7, 3, "")
    keys = rows_to_keys(path)
    with Store(path, create=False) as store:
        found = store.results(keys.values())
        attempts = dict(store.connection.execute("SELECT key, attempts FROM timings"))
        logs = {rows: store.log(key) for rows, key in keys.items()}
    for rows, key in keys.items():
        tries = 3 if rows in REASONS else 1
        assert found[key].state == (FAILED if rows in REASONS else DONE)
        assert runs_of(key) == attempts[key] == tries
    for rows, (reason, log) in REASONS.items():
        assert found[keys[rows]].result["reason"] == reason
        assert log in logs[rows]
    points = {point["axes"]["rows"]: point for point in document_of(path)["points"]}
    for rows, (reason, _) in REASONS.items():
        assert (points[rows]["state"], points[rows]["reason"]) == (FAILED, f"cycles: {reason}")


def test_a_job_that_works_the_third_time_is_done(traces: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    tally = swept(path, space_of([THIRD_TIME, 1]))
    assert (tally.computed, tally.failed) == (3, 0)
    assert runs_of(rows_to_keys(path)[THIRD_TIME]) == 3


def test_what_cannot_be_built_is_tried_once(traces: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    space = space_of([CANNOT_BE_BUILT, 1])
    assert swept(path, space).refused == 1
    assert runs_of(rows_to_keys(path)[CANNOT_BE_BUILT]) == 1
    again = swept(path, space, retry_failed=True)
    assert (again.known, again.computed, again.refused) == (3, 0, 1)
    states = {point["axes"]["rows"]: point["state"] for point in document_of(path)["points"]}
    assert states == {CANNOT_BE_BUILT: REFUSED, 1: DONE}


def test_failures_are_known_until_they_are_to_be_tried_again(traces: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    space = space_of([BREAKS, 1])
    swept(path, space)
    again = swept(path, space)
    assert (again.known, again.computed, again.failed) == (3, 0, 1)
    assert runs_of(rows_to_keys(path)[BREAKS]) == 3
    retried = swept(path, space, retry_failed=True)
    assert (retried.known, retried.computed, retried.failed) == (2, 1, 1)
    assert runs_of(rows_to_keys(path)[BREAKS]) == 6


def test_two_models_that_differ_are_told_again_and_again(traces: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    space = space_of([DIFFERS, 1])
    for computed in (3, 0):
        tally = swept(path, space)
        assert (tally.computed, tally.failed) == (computed, 1)
        assert tally.mismatch == "sum 3 is 4, not 5"


def test_a_full_disk_in_a_worker_stops_with_a_sentence_and_loses_nothing(
    traces: Path, tmp_path: Path
) -> None:
    path = tmp_path / "s.sqlite"
    space = space_of([1, 2, FULL, 3])
    with pytest.raises(OSError, match=r"^a worker says: cache: No space left on device$"):
        swept(path, space)
    keys = rows_to_keys(path)
    with Store(path, create=False) as store:
        assert set(store.states(keys.values())) == {keys[1], keys[2]}  # and nothing of FULL
        claims = store.connection.execute("SELECT COUNT(*) FROM claims").fetchone()
    assert claims == (0,)
    begun = time.monotonic()
    with pytest.raises(OSError, match="No space left"):
        swept(path, space)
    assert time.monotonic() - begun < 20  # nobody waits for a claim to run out
    assert runs_of(keys[1]) == 1
    assert runs_of(keys[FULL]) == 2


def test_a_full_store_stops_the_sweep_and_goes_on_when_there_is_room(
    traces: Path, tmp_path: Path
) -> None:
    path = tmp_path / "s.sqlite"
    space = space_of(range(1, 60))
    with Store(path) as store:
        sweep = command_sweep(space, store)
        (pages,) = store.connection.execute("PRAGMA page_count").fetchone()
        store.connection.execute(f"PRAGMA max_page_count = {pages + 20}")
        with pytest.raises(OSError, match="no space left"):
            sweep.run()
        kept = {key for key, _, _ in store.everything()}
    assert 1 < len(kept) < 60
    tally = swept(path, space)
    assert tally.known == len(kept)
    assert tally.known + tally.computed == 60
    whole = tmp_path / "whole.sqlite"
    swept(whole, space)
    with Store(path) as one, Store(whole) as other:
        assert one.content_digest() == other.content_digest()


def command_sweep(space: Any, store: Store) -> Any:
    from afp_hw.explore.sweep import Sweep

    return Sweep(space, store, executor)


# Exit statuses and what is printed


@pytest.fixture
def trivial(traces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command with trivial jobs; gives a folder to work in."""
    monkeypatch.setattr(command, "_executor", lambda *_: executor)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_space(rows: list[int]) -> None:
    Path("s.toml").write_text(
        f'metrics = ["cycles"]\n[axes]\nrows = {rows}\ncols = 1\n', encoding="utf-8"
    )


@pytest.mark.parametrize(
    ("rows", "status", "sentence"),
    [
        ([1, CANNOT_BE_BUILT], 0, ""),
        ([1, BREAKS], 3, "afp-hw: 1 jobs failed: afp-hw explore status s.sqlite has their logs\n"),
        ([1, DIFFERS], 1, "afp-hw: two models differ: sum 3 is 4, not 5\n"),
        ([1, FULL], 2, "afp-hw: a worker says: cache: No space left on device\n"),
    ],
)
def test_the_exit_status_says_what_happened(
    trivial: Path,
    capsys: pytest.CaptureFixture[str],
    rows: list[int],
    status: int,
    sentence: str,
) -> None:
    write_space(rows)
    assert main(["explore", "s.toml"]) == status
    err = capsys.readouterr().err
    assert err.endswith(sentence)
    assert "Traceback" not in err
    if status != 2:  # all is known now, and is told again
        assert main(["explore", "run", "s.toml", "--json"]) == status
        captured = capsys.readouterr()
        assert captured.err == sentence
        assert json.loads(captured.out)["computed"] == 0


def test_status_names_failures_and_refusals(
    trivial: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_space([1, 2, BREAKS, CANNOT_BE_BUILT])
    main(["explore", "s.toml"])
    capsys.readouterr()
    assert main(["explore", "status", "s.sqlite"]) == 0
    text = capsys.readouterr().out
    assert "s (grid): 4 points: 2 done, 1 failed, 1 refused" in text
    assert "1 x cycles: it broke in two lines" in text
    assert "1 x cycles: Design.rows must be smaller, not 105" in text
    assert "RuntimeError: it broke" in text
    assert "5 results, " in text
    assert main(["explore", "status", "s.sqlite", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["results"] == 5
    assert found["sweeps"][0]["states"] == {"done": 2, "failed": 1, "refused": 1}
    (failure,) = found["failures"]
    assert failure["kind"] == "cycles"
    assert "RuntimeError: it broke" in failure["log"]


# One try


def test_what_comes_of_one_try(traces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from afp_hw.explore import outcomes

    monkeypatch.setattr(outcomes, "run", trivial_jobs.measured)
    states = {
        1: RAN,
        BREAKS: BROKE,
        DIFFERS: BROKE,
        TOOL: BROKE,
        CANNOT_BE_BUILT: CANNOT,
        FULL: HALT,
    }
    for rows, state in states.items():
        job = jobs.Job("cycles", {"axes": {"rows": rows, "cols": 1}})
        outcome = attempt(job)
        assert (outcome.key, outcome.state) == (job.key, state)
        assert outcome.worker.endswith(f":{os.getpid()}")
        assert outcome.mismatch == (rows == DIFFERS)
        assert "\n" not in outcome.reason
        assert bool(outcome.log) == (state in (BROKE, HALT))


def test_a_worker_that_dies_while_it_waits_is_replaced(traces: Path) -> None:
    pool = executor(1)
    try:
        job = jobs.Job("cycles", {"axes": {"rows": 1, "cols": 1}})
        for _ in range(2):
            pool.submit(job)
            outcomes = []
            while not outcomes:
                outcomes = list(pool.finished(5))
            assert outcomes[0].state == RAN
            pid = int(outcomes[0].worker.rpartition(":")[2])
            os.kill(pid, signal.SIGKILL)
            time.sleep(0.5)
        assert len(all_runs()) == 2
    finally:
        pool.close()


def test_a_death_is_an_outcome(traces: Path) -> None:
    pool = executor(1)
    try:
        pool.submit(jobs.Job("cycles", {"axes": {"rows": DIES, "cols": 1}}))
        assert pool.room == 0
        outcomes: list[Any] = []
        while not outcomes:
            outcomes = list(pool.finished(5))
        assert (outcomes[0].state, outcomes[0].reason) == (DIED, "its process died")
        assert pool.room == 1
    finally:
        pool.close()


def test_a_file_that_changed_meanwhile_is_no_fault_of_the_point(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_bytes((Path(inputs.__file__).parents[1] / "energy" / "memories.toml").read_bytes())
    digest = memory_content(path)
    assert digest == memory_content(None)
    load_memory(str(path), digest)
    path.write_text(path.read_text() + "\n# later\n")
    assert memory_content(path) != digest
    with pytest.raises(OSError, match="has changed since the sweep began") as caught:
        load_memory(str(path), digest)
    assert caught.value.filename == str(path)
