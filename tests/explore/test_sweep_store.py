"""The store: what it refuses, what it survives, what it is set to."""

from __future__ import annotations

import errno
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from afp_hw.cli.main import main
from afp_hw.explore.jobs import Job
from afp_hw.explore.store import DONE, FAILED, Point, Store, Stored
from afp_hw.explore.store_file import VERSION, is_sqlite
from tests.explore.small_disks import on_a_small_disk


def job(number: int) -> Job:
    return Job("cycles", {"number": number}, key=f"{number:032x}")


def fill(store: Store, numbers: range, text: str = "") -> None:
    for number in numbers:
        store.record(job(number), Stored(DONE, {"cycles": number, "text": text}))


def sqlite_file(path: Path, *statements: str) -> bytes:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path.read_bytes()


# What is refused


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE birds (name TEXT)"],
        ["CREATE TABLE birds (name TEXT)", "PRAGMA user_version = 1"],
        ["CREATE TABLE results (key TEXT)", "PRAGMA user_version = 9"],
        ["CREATE TABLE birds (name TEXT)", "PRAGMA application_id = 5"],
        ["PRAGMA user_version = 1"],
    ],
)
def test_another_program_s_database_is_refused_and_left_alone(
    tmp_path: Path, statements: list[str]
) -> None:
    path = tmp_path / "birds.sqlite"
    before = sqlite_file(path, *statements)
    with pytest.raises(ValueError, match=r"^store must be one of afp-hw, not 'birds\.sqlite'$"):
        Store(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["birds.sqlite"]


def test_a_store_of_a_later_version_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        store.connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    sentence = (
        f"store s.sqlite must be of version {VERSION} or less, not {VERSION + 1}: a newer afp-hw "
        "wrote it"
    )
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the sentence is compared
        Store(path)
    assert str(caught.value) == sentence
    for command in (["status"], ["export"], ["pareto"]):
        assert main(["explore", *command, str(path)]) == 2
        assert capsys.readouterr().err == f"afp-hw: {sentence}\n"


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    for content in (b"a", b"notes of 1926, more than 16 bytes", b"SQLite format 3"):
        text.write_bytes(content)
        with pytest.raises(ValueError, match=r"^store must be an SQLite file, not 'notes\.txt'$"):
            Store(text)
        assert text.read_bytes() == content
        assert not is_sqlite(text)
    with pytest.raises(ValueError, match=r"^store must be an SQLite file, not "):
        Store(tmp_path)
    with pytest.raises(ValueError, match=r"^store must be a file that a sweep has written, not "):
        Store(tmp_path / "none.sqlite", create=False)
    assert not (tmp_path / "none.sqlite").exists()


def test_a_store_that_was_cut_off_is_refused_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        fill(store, range(300), "x" * 100)
    whole = path.read_bytes()
    for size in (20, 100, 4096, len(whole) // 2):
        path.write_bytes(whole[:size])
        assert main(["explore", "status", str(path)]) == 2
        sentence = capsys.readouterr().err
        assert sentence.startswith("afp-hw: store s.sqlite must be whole, not: ")
        assert sentence.count("\n") == 1


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    path.touch()
    with Store(path) as store:
        fill(store, range(2))
    with Store(path, create=False) as store:
        assert store.states([job(0).key, job(1).key, "other"]) == {
            job(0).key: DONE,
            job(1).key: DONE,
        }


# What it is set to


def remove_and_break(store: Store) -> None:
    with store.transaction():
        store.connection.execute("DELETE FROM results")
        raise KeyError


def test_the_store_is_in_write_ahead_mode_and_waits_for_the_disk(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        pragma = {
            name: store.connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "user_version", "busy_timeout")
        }
    assert pragma == {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL: a commit ends with fsync
        "user_version": VERSION,
        "busy_timeout": 60_000,
    }


def test_a_result_is_in_the_file_when_record_returns(tmp_path: Path) -> None:
    """Another process sees it, though the first one is killed without a chance to close."""
    path = tmp_path / "s.sqlite"
    program = (
        "import os, signal\n"
        "from tests.explore.test_sweep_store import *\n"
        f"store = Store({str(path)!r})\n"
        "fill(store, range(3))\n"
        "with store.transaction():\n"
        "    store.connection.execute('DELETE FROM results')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == -9
    with Store(path, create=False) as store:
        assert [key for key, _, _ in store.everything()] == [job(n).key for n in range(3)]


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        fill(store, range(1))
        before = store.content_digest()
        with pytest.raises(KeyError):
            remove_and_break(store)
        assert store.content_digest() == before
        fill(store, range(2))  # the connection goes on


def test_the_first_result_stays(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        store.record(job(1), Stored(DONE, {"cycles": 1}), seconds=1.0, worker="a")
        store.record(job(1), Stored(DONE, {"cycles": 2}), seconds=9.0, worker="b")
        assert store.results([job(1).key])[job(1).key].result == {"cycles": 1}
        assert store.seconds_by_kind() == {"cycles": {"jobs": 1, "seconds": 1.0}}


def test_failures_alone_are_forgotten(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        fill(store, range(2))
        store.record(job(2), Stored(FAILED, {"reason": "x"}), log="why")
        assert store.log(job(2).key) == "why"
        assert store.forget_failed(job(n).key for n in range(4)) == 1
        assert set(store.states(job(n).key for n in range(4))) == {job(0).key, job(1).key}
        assert store.log(job(2).key) == ""


def test_content_is_what_was_measured_and_not_when_nor_where(tmp_path: Path) -> None:
    digests = set()
    for worker, order in (("a", (0, 1)), ("b", (1, 0))):
        with Store(tmp_path / f"{worker}.sqlite") as store:
            for number in order:
                store.record(
                    job(number),
                    Stored(DONE, {"cycles": number}),
                    seconds=len(worker) + number,
                    worker=worker,
                )
            store.begin("sweep", {"space": {"name": "s"}})
            store.add_points("sweep", [Point(0, "k", {"rows": 1}, {"cycles": job(0).key})])
            digests.add(store.content_digest())
    assert len(digests) == 1
    with Store(tmp_path / "a.sqlite") as store:
        fill(store, range(2, 3))
        assert store.content_digest() not in digests


def test_the_sweep_that_was_begun_last_is_the_last_one(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        for name in ("a", "b", "a"):
            store.begin(name, {"space": {"name": name}})
        assert [identity for identity, _ in store.sweeps()] == ["b", "a"]


def test_many_processes_may_make_one_store_at_once(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    program = (
        "import sys\n"
        "from tests.explore.test_sweep_store import *\n"
        "number = int(sys.argv[1])\n"
        f"with Store({str(path)!r}) as store:\n"
        "    fill(store, range(20 * number, 20 * number + 20))\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(number)]) for number in range(4)
    ]
    assert [process.wait(60) for process in running] == [0] * 4
    with Store(path, create=False) as store:
        assert len(list(store.everything())) == 80


# A full disk


def limited(store: Store, pages: int) -> None:
    store.connection.execute(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_gives_a_sentence_loses_nothing_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        fill(store, range(3))
        before = store.content_digest()
        (pages,) = store.connection.execute("PRAGMA page_count").fetchone()
        limited(store, pages)
        with pytest.raises(OSError, match="no space left") as caught:
            fill(store, range(3, 4), "x" * 100_000)
        assert caught.value.errno == errno.ENOSPC
        assert caught.value.filename == str(path)
        assert not store.connection.in_transaction
        assert store.content_digest() == before
        limited(store, 1 << 30)
        fill(store, range(3, 4), "x" * 100_000)
        assert len(list(store.everything())) == 4


def test_a_file_system_that_is_full_gives_the_same_sentence(tmp_path: Path) -> None:
    """A real one, of 256 KiB, in a name space of its own: it is gone with the process."""
    program = (
        "from tests.explore.test_sweep_store import *\n"
        f"path = Path({str(tmp_path)!r}) / 's.sqlite'\n"
        "with Store(path) as store:\n"
        "    with pytest.raises(OSError, match='no space left') as caught:\n"
        "        fill(store, range(1000), 'x' * 10_000)\n"
        "    kept = [key for key, _, _ in store.everything()]\n"
        "assert caught.value.errno == errno.ENOSPC\n"
        "with Store(path, create=False) as store:\n"
        "    assert [key for key, _, _ in store.everything()] == kept\n"
        "    assert kept == [job(n).key for n in range(len(kept))]\n"
        "print(len(kept))\n"
    )
    command = [*on_a_small_disk(tmp_path, 256), sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 2
