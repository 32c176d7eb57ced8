"""Keys: what a result depends on is in them, and nothing else is."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afp_hw.design.accelerator import AcceleratorDesign
from afp_hw.explore import inputs, jobs
from afp_hw.explore.configuration import Configuration, Sums, canonical
from afp_hw.explore.metrics import GROUPS
from afp_hw.explore.planning import Planner
from afp_hw.explore.space import Space
from afp_hw.explore.space_file import parse_space
from afp_hw.schedule.accelerator import schedule_network

FACTS = {"embedded": {"sums": [576, 66297]}, "mine": {"sums": [576, 66297]}}


def point_of(space: Space) -> dict[str, Any]:
    (point,) = space.grid()
    return point


def keys(axes: str = "", top: str = "", facts: Any = None) -> dict[str, str]:
    """By group, and of the network and the point, the keys of a space of one point."""
    space = parse_space(f"{top}\n[axes]\n{axes}\n", "s")
    planner, point = Planner(space), point_of(space)
    found = {group: job.key for group, job in planner.jobs(point, facts or FACTS).items()}
    network = planner.network_job(point["network"]).key
    return found | {"network": network, "point": planner.point_key(point)}


ALL, HARDWARE = frozenset(GROUPS), frozenset({"area", "energy", "cycles"})
DEPENDING: dict[str, tuple[frozenset[str], str]] = {
    "formats": (ALL, '"e2m1"'),
    "bits": (frozenset({"accuracy", "energy", "cycles"}), "4"),
    "tune": (frozenset({"accuracy", "energy", "cycles"}), "false"),
    "rows": (HARDWARE, "8"),
    "cols": (HARDWARE, "8"),
    "lanes": (HARDWARE, "2"),
    "dataflow": (frozenset({"energy", "cycles"}), '"outputs"'),
    "registers": (HARDWARE, '["product"]'),
    "gate_zeros": (frozenset({"area", "energy"}), "false"),
    "decode": (HARDWARE, '"edge"'),
    "multiplier": (frozenset({"area", "energy"}), '"compressed"'),
    "clock_ns": (HARDWARE, "5"),
    "latency": (frozenset({"energy", "cycles"}), "100"),
    "data_width": (frozenset({"energy", "cycles"}), "64"),
}


@pytest.mark.parametrize("axis", DEPENDING)
def test_jobs_depend_on_the_axes_that_they_are_measured_at(axis: str) -> None:
    expected, value = DEPENDING[axis]
    before, after = keys(), keys(f"{axis} = {value}")
    changed = {name for name in before if before[name] != after[name]}
    assert changed == expected | {"point"}


def test_sums_of_a_network_are_in_the_keys_of_its_circuits() -> None:
    other = {"embedded": {"sums": [577, 66297]}}
    before, after = keys(), keys(facts=other)
    assert {name for name in before if before[name] != after[name]} == {"area", "energy"}


def test_test_images_are_in_the_keys_of_accuracies_alone() -> None:
    before, after = keys(), keys(top="images = 10")
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"accuracy", "network", "point"}


def test_a_rival_s_cycles_do_not_depend_on_options_of_its_element() -> None:
    before = keys('formats = "int8"')
    after = keys('formats = "int8"\nregisters = ["product"]\ndecode = "edge"')
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"area", "energy", "point"}


def test_a_schedule_does_not_depend_on_what_its_key_leaves_out() -> None:
    """Neither `gate_zeros` nor `multiplier` is in the key of cycles."""
    from afp_hw.explore.program_of import run_of

    space = parse_space('metrics = ["cycles"]\n[axes]\nformats = "int6"\nsize = "8x8"', "s")
    job = Planner(space).jobs(point_of(space), FACTS)["cycles"]
    run = run_of(job)
    found = set()
    for gate_zeros in (True, False):
        for multiplier in ("operator", "compressed"):
            axes = {
                "formats": str(Configuration.of(job.given["axes"]).carrier()),
                "size": "8x8",
                "gate_zeros": gate_zeros,
                "multiplier": multiplier,
            }
            design = Configuration.of(axes).accelerator(Sums(*FACTS["embedded"]["sums"]))
            assert isinstance(design, AcceleratorDesign)
            found.add(schedule_network(run.program.descriptors, design, 64).cycles)
    assert found == {run.account.total.cycles}


def test_what_a_job_leaves_out_has_its_default_and_is_never_the_reason_of_a_refusal() -> None:
    """A design's validity does not depend on the axes that the key of cycles has not."""
    sums = Sums(*FACTS["embedded"]["sums"])
    for name, value in (("gate_zeros", False), ("multiplier", "compressed")):
        for formats in ("e1m0", "e3m1/e3m2", "e0m3", "int4"):
            plain = {"formats": formats, "lanes": 4, "registers": ["tree"]}
            for axes in (plain, {**plain, name: value}):
                Configuration.of(axes).design(sums)
                Configuration.of(axes).accelerator(sums)


# Files by content


def network_files(folder: Path) -> Path:
    folder.mkdir()
    package = files("afp_hw.embedded")
    shutil.copyfile(str(package / "fashion_resnet.onnx"), folder / "m.onnx")
    shutil.copyfile(str(package / "fashion_test_1000.npz"), folder / "d.npz")
    shutil.copyfile(str(package / "fashion_calibration_256.npz"), folder / "c.npz")
    (folder / "cells.lib").write_text("library (a) {}\n")
    shutil.copyfile(str(files("afp_hw.energy") / "memories.toml"), folder / "memory.toml")
    return folder


def keys_in(folder: Path, extra: str = "") -> dict[str, str]:
    text = (
        f'memory = "memory.toml"\n[axes]\nnetwork = "mine"\ntechnology = "cells.lib"\n{extra}'
        '[networks.mine]\nmodel = "m.onnx"\ndata = "d.npz"\ncalibration = "c.npz"\nstd = 255\n'
    )
    space = parse_space(text, "s", "s", folder)
    planner, point = Planner(space), point_of(space)
    found = {group: job.key for group, job in planner.jobs(point, FACTS).items()}
    return found | {"network": planner.network_job("mine").key, "point": planner.point_key(point)}


CHANGED = {
    "m.onnx": {"accuracy", "energy", "cycles", "network", "point"},
    "d.npz": {"accuracy", "energy", "cycles", "network", "point"},
    "c.npz": {"accuracy", "energy", "cycles", "network", "point"},
    "cells.lib": {"area", "energy", "point"},
    "memory.toml": {"energy"},
}


def test_a_moved_file_gives_the_same_keys_and_a_changed_one_others(tmp_path: Path) -> None:
    here = keys_in(network_files(tmp_path / "here"))
    there = network_files(tmp_path / "there")
    assert keys_in(there) == here
    for name, expected in CHANGED.items():
        whole = (there / name).read_bytes()
        (there / name).write_bytes(whole + b" ")
        after = keys_in(there)
        assert {key for key in here if here[key] != after[key]} == expected
        (there / name).write_bytes(whole)
    assert keys_in(there) == here


def test_a_table_of_memories_is_known_by_what_it_says(tmp_path: Path) -> None:
    """The embedded one and a copy of it are the same."""
    folder = network_files(tmp_path / "here")
    space = parse_space('memory = "memory.toml"', "s", "s", folder)
    copied = Planner(space).jobs(point_of(space), FACTS)["energy"]
    assert copied.key == keys()["energy"]


# Random points

AXES = st.fixed_dictionaries(
    {"formats": st.sampled_from(["e2m1", "e3m1/e3m2", "int4", "fp16"])},
    optional={
        "bits": st.sampled_from([None, 4.0]),
        "rows": st.integers(1, 4),
        "registers": st.sampled_from([[], ["sum"]]),
        "decode": st.sampled_from(["pe", "edge"]),
    },
)


@given(AXES, st.randoms(use_true_random=False))
def test_keys_do_not_depend_on_the_order_of_axes(axes: dict[str, Any], random: Any) -> None:
    planner = Planner(parse_space("", "s"))
    point = canonical(axes)
    names = list(point)
    random.shuffle(names)
    shuffled = {name: point[name] for name in names}
    one, other = planner.jobs(point, FACTS), planner.jobs(shuffled, FACTS)
    assert {g: job.key for g, job in one.items()} == {g: job.key for g, job in other.items()}
    assert planner.point_key(point) == planner.point_key(shuffled)


@given(st.lists(AXES, min_size=2, max_size=2))
def test_other_points_have_other_keys(pair: list[dict[str, Any]]) -> None:
    planner = Planner(parse_space("", "s"))
    one, other = map(canonical, pair)
    assert (planner.point_key(one) == planner.point_key(other)) == (one == other)


def test_a_network_of_the_user_s_has_the_sums_of_its_layers(tmp_path: Path) -> None:
    from tests.network.models import residual_network

    network = residual_network(tmp_path / "n.onnx")
    images = np.zeros((2, 2, 8, 8), dtype=np.float32)
    np.savez(tmp_path / "i.npz", images=images, labels=np.zeros(2, dtype=np.int64))
    text = (
        '[axes]\nnetwork = "mine"\n[networks.mine]\n'
        f'model = "{network.name}"\ndata = "i.npz"\ncalibration = "i.npz"\n'
    )
    job = Planner(parse_space(text, "s", "s", tmp_path)).network_job("mine")
    found = jobs.run(job)
    assert found["sums"][0] == 4 * 3 * 3  # conv2
    assert found["layers"] == ["conv1", "conv2", "depthwise", "fc"]
    assert found["images"] == 2
    with (tmp_path / "i.npz").open("ab") as file:
        file.write(b" ")
    inputs._load.cache_clear()
    with pytest.raises(OSError, match="has changed since the sweep began"):
        jobs.run(job)
