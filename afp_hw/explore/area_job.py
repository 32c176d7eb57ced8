"""Area and delay of a point: every circuit synthesised, the smallest netlist that is in time."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from afp_hw.energy.bench import Bench
from afp_hw.explore.configuration import Configuration, Sums
from afp_hw.explore.inputs import load_technology
from afp_hw.explore.jobs import Job, Result
from afp_hw.explore.parts import GROUPS, placed_parts

STEPS: Final = 2048
"""Products of a cell in its run, about: a fourth of what `afp-hw energy` takes, for many points."""


@lru_cache(maxsize=4)
def bench_for(path: str, digest: str, clock_ns: float, lanes: int) -> Bench:
    """Cells and a clock, kept from job to job; one synthesis at a time: jobs run side by side."""
    return Bench(load_technology(path, digest), clock_ns, cycles=max(1, STEPS // lanes))


def bench_of(job: Job) -> Bench:
    """That of a job."""
    axes = job.given["axes"]
    technology = job.files["technology"], job.given["technology"]
    return bench_for(*technology, axes["clock_ns"], axes["lanes"])


def run_area(job: Job) -> Result:
    """Area and delay of one point.

    Raises
    ------
    TypeError, ValueError
        The array is refused.
    ToolError
        Yosys failed.
    """
    configuration = Configuration.of(job.given["axes"])
    bench = bench_of(job)
    areas = dict.fromkeys(GROUPS, 0.0)
    delay_ns = 0.0
    parts = []
    for placed in placed_parts(configuration, Sums(*job.given["sums"])):
        chosen = placed.choices[bench.first_in_time(placed.choices)]
        (mapped,) = bench.map([chosen])
        delay_ns = max(delay_ns, mapped.delay_ns)
        areas[placed.group] += placed.instances * mapped.area_um2
        parts.append(
            {
                "group": placed.group,
                "name": mapped.name,
                "instances": placed.instances,
                "area_um2": mapped.area_um2,
                "delay_ns": mapped.delay_ns,
                "recipe": mapped.recipe,
                "flip_flops": mapped.flip_flops,
            }
        )
    return {
        "area_um2": sum(areas.values()),
        "delay_ns": delay_ns,
        "meets_clock": delay_ns <= bench.clock_ns,
        "areas_um2": areas,
        "parts": parts,
    }
