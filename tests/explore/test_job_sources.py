"""Keys of jobs: every source that a figure passes through, and every tool, is in them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from afp_hw.explore import jobs
from afp_hw.explore.jobs import Job, toolchain
from afp_hw.explore.metrics import GROUPS, METRICS


@pytest.mark.parametrize("kind", ["network", *GROUPS])
def test_a_changed_source_gives_other_keys(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Job(kind, {}).key
    digest = jobs.sources_digest
    for folder in jobs._SOURCES[kind]:
        toolchain.cache_clear()
        with monkeypatch.context() as changed:
            changed.setattr(
                jobs,
                "sources_digest",
                lambda name, without=(), *, of=folder: (
                    digest(name, without=without) + "changed" * (name == of)
                ),
            )
            assert Job(kind, {}).key != before
    version = jobs.version
    for package in jobs._TOOLS[kind]:
        toolchain.cache_clear()
        with monkeypatch.context() as changed:
            changed.setattr(
                jobs, "version", lambda name, *, of=package: version(name) + "1" * (name == of)
            )
            assert Job(kind, {}).key != before
    toolchain.cache_clear()
    assert Job(kind, {}).key == before


TRACED = """
import sys, threading
from afp_hw.explore import jobs
from afp_hw.explore.planning import Planner
from afp_hw.explore.space_file import parse_space
import afp_hw.program.compiler, afp_hw.search.network_search

kind, axes = sys.argv[1:]
space = parse_space("images = 4\\n[axes]\\nrows = 2\\ncols = 2\\n" + axes, "s")
planner, (point,) = Planner(space), space.grid()
job = planner.network_job("embedded")
if kind != "network":
    job = planner.jobs(point, {"embedded": {"sums": [576, 66297]}})[kind]
jobs._function(kind)
found = set()

def look(frame, event, argument):
    name = frame.f_code.co_filename
    if event == "call" and "/afp_hw/" in name and frame.f_code.co_name != "<module>":
        found.add(name.rpartition("/afp_hw/")[2].removesuffix(".py"))

threading.setprofile(look)
sys.setprofile(look)
jobs.run(job)
sys.setprofile(None)
print(*sorted(found))
"""

WITHOUT_FIGURES = {"files", "processor", "errors", "compare/store"}
"""Sources at the top, and that of the cache: no figure passes through them."""

SLOW = pytest.mark.slow
SHORT = 'tune = false\nformats = "e2m1"'


@pytest.mark.parametrize(
    ("kind", "axes"),
    [
        ("network", ""),
        ("cycles", SHORT),
        pytest.param("accuracy", SHORT, marks=SLOW),
        pytest.param("accuracy", 'formats = "int6"', marks=SLOW),
        pytest.param("accuracy", 'formats = "e3m1"\nbits = 4', marks=SLOW),
        pytest.param("accuracy", 'formats = "fp8e4m3"', marks=SLOW),
        pytest.param("area", 'formats = "e2m1"\nclock_ns = 50', marks=SLOW),
        pytest.param("area", 'formats = "int4"\nclock_ns = 50', marks=SLOW),
        pytest.param("area", 'formats = "bf16"\nclock_ns = 50', marks=SLOW),
        pytest.param("energy", 'formats = "e2m1"\nclock_ns = 50', marks=SLOW),
        pytest.param("energy", 'formats = "int4"\nclock_ns = 50', marks=SLOW),
    ],
)
def test_all_sources_that_a_job_runs_through_are_in_its_key(
    kind: str, axes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFP_HW_CACHE", str(tmp_path))  # nothing is looked up
    run = subprocess.run(
        [sys.executable, "-c", TRACED, kind, axes], capture_output=True, text=True, check=True
    )
    found = set(run.stdout.split()) - WITHOUT_FIGURES
    assert f"explore/{kind}_job" in found
    without = jobs._SWEEP_ONLY
    in_key = {
        source
        for source in found
        if source.rpartition("/")[0].replace("/", ".") in jobs._SOURCES[kind]
        and not (source.startswith("explore/") and source.rpartition("/")[2].startswith(without))
    }
    assert found - in_key == set()


def test_every_figure_has_its_job() -> None:
    assert {metric.group for metric in METRICS.values()} == set(GROUPS)
    with pytest.raises(ValueError, match=r"^Job\.kind must be one of network, accuracy, area, "):
        jobs.run(Job("nothing", {}, key="x"))
