"""Batch jobs of a sweep: what they ask for, and that they start, end and are replaced."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import dask
import pytest
from distributed import Client

from afp_hw.cli.main import main
from afp_hw.explore import batch
from afp_hw.explore.batch import cluster_of
from afp_hw.explore.store import Store

SITE = {
    "cores": 4,
    "memory": "16GB",
    "queue": "short",
    "walltime": "03:00",
    "job-script-prologue": ["module load python"],
    "job-extra-directives": ["--exclusive"],
}


def space_file(folder: Path) -> str:
    path = folder / "space.toml"
    path.write_text('metrics = ["cycles"]\nimages = 20\n[axes]\nformats = "int8"\nsize = "8x8"\n')
    return str(path)


@pytest.mark.parametrize("kind", ["slurm", "lsf", "pbs", "sge"])
def test_a_batch_job_has_a_worker_of_one_thread_on_each_core(kind: str) -> None:
    with dask.config.set({f"jobqueue.{kind}": dask.config.get(f"jobqueue.{kind}") | SITE}):
        made = cluster_of(kind, SimpleQueue())
        try:
            script = made.job_script()
            assert made.scheduler.allowed_failures == 0  # the sweep counts tries
        finally:
            made.close()
    assert "--nthreads 1 --memory-limit 3.73GiB --nworkers 4 --nanny" in script
    assert "short" in script
    assert "module load python\n" in script
    assert "--exclusive" in script


@pytest.mark.parametrize("missing", ["cores", "memory"])
def test_a_configuration_without_what_a_batch_job_must_ask_for_is_refused(missing: str) -> None:
    site = dask.config.get("jobqueue.slurm") | SITE | {missing: None}
    with (
        dask.config.set({"jobqueue.slurm": site}),
        pytest.raises(ValueError, match=rf"^jobqueue\.slurm\.{missing} must be set in "),
    ):
        cluster_of("slurm", SimpleQueue())


BATCH = """#!/bin/sh
# A batch system of one machine: runs a job at once, in a group of processes that has its number.
script=$(cat "$1")
setsid sh -c "$script" >/dev/null 2>&1 &
echo "Submitted batch job $!"
"""


@pytest.fixture
def one_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Folder with commands of a batch system; the site asks for one core."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sbatch").write_text(BATCH)
    (folder / "scancel").write_text('#!/bin/sh\nkill -- -"$1"\n')
    for command in folder.iterdir():
        command.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    site = dask.config.get("jobqueue.slurm") | {"cores": 1, "memory": "4GB"}
    with dask.config.set({"jobqueue.slurm": site}):
        yield folder


def test_a_batch_job_that_is_refused_ends_the_command(
    capsys: pytest.CaptureFixture[str], one_machine: Path, tmp_path: Path
) -> None:
    (one_machine / "sbatch").write_text("#!/bin/sh\necho 'no such\n queue' >&2; exit 1\n")
    command = ["explore", space_file(tmp_path), "--cluster", "slurm", "--workers", "2"]
    assert main(command) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == ("afp-hw: sbatch must take the job of a worker, not say: no such queue\n")


def test_a_sweep_in_batch_jobs_gives_the_same_bytes_and_leaves_none_behind(
    one_machine: Path, tmp_path: Path
) -> None:
    space = space_file(tmp_path)
    there, here = tmp_path / "there.sqlite", tmp_path / "here.sqlite"
    command = ["explore", space, "--json", "--store"]
    assert main([*command, str(there), "--cluster", "slurm", "--workers", "1"]) == 0
    assert main([*command, str(here), "-j", "1"]) == 0
    with Store(there) as one, Store(here) as other:
        assert one.content_digest() == other.content_digest()
        workers = one.connection.execute("SELECT DISTINCT worker FROM timings").fetchall()
    assert len(workers) == 1
    assert ended(int(workers[0][0].rpartition(":")[2]))


def ended(process: int) -> bool:
    """Whether it ends soon."""
    deadline = time.monotonic() + 30
    while Path(f"/proc/{process}").exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_batch_job_that_ends_is_replaced(
    one_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_LOOK_S", 0.1)
    monkeypatch.setattr(batch, "_GRACE_S", 1.0)
    made = batch.Batch("slurm", 1)
    try:
        with Client(made.cluster, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=60)
            made._looked = 0.0
            made.replace_ended()  # sees it
            (group,) = client.run(os.getpgrp).values()
            os.killpg(group, signal.SIGKILL)
            deadline = time.monotonic() + 60
            while (left := list(client.run(os.getpgrp, on_error="ignore").values())) in (
                [],
                [group],
            ):
                assert time.monotonic() < deadline
                made.replace_ended()
                time.sleep(0.1)
            assert len(left) == 1
            assert len(made.cluster.worker_spec) == 2
    finally:
        made.close()
