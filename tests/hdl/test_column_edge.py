"""Column edges in Amaranth's simulator: partial sums, side operands, codes and slices; golden."""

from __future__ import annotations

import random

import pytest

from afp_hw import AFPFormat
from afp_hw.design import AcceleratorDesign, Design
from afp_hw.hdl.column_edge import ColumnEdge
from tests.hdl.component_run import play
from tests.hdl.edge_events import EdgeEvents

# Weights, activations, outputs, K, largest initial value.
SHAPES = {
    "plain": ("e3m1", "e3m2", "e3m2", 1 << 10, 1 << 22),
    "wide": ("e3m2", "e4m2", "e4m6", 1 << 12, 1 << 40),
    "unsigned": ("e3m1", "ue3m2", "ue3m2", 1 << 10, 1 << 20),
    "fixed": ("e0m4", "e0m4", "e0m5", 100, 1 << 20),
    "narrow": ("e2m1", "e2m0", "e2m0", 9, 1 << 12),
}


def design_of(name: str, *, dynamic: bool = False) -> AcceleratorDesign:
    weights, acts, outs, k, init_max = SHAPES[name]
    array = Design(
        AFPFormat.parse(weights),
        AFPFormat.parse(acts),
        outs=AFPFormat.parse(outs),
        k=k,
        init_max=init_max,
    )
    return AcceleratorDesign(array, pixels=9, channel_tiles=4, dynamic=dynamic)


def check(work: EdgeEvents) -> None:
    seen = play(ColumnEdge(work.design), work.steps, ColumnEdge.latency)
    assert len(work.want) > 100
    for at, code in work.want.items():
        assert seen[at]["o_code"] == code, (at, work.steps[at])


# Outputs of a dynamic design have the envelope of its activations.
CASES = [(name, False) for name in SHAPES] + [("plain", True), ("unsigned", True)]


@pytest.mark.parametrize(("name", "dynamic"), CASES)
def test_sums_and_codes_are_those_of_the_page(name: str, dynamic: bool) -> None:
    """Additions and maxima, with and without the memory, records changing from event to event."""
    work = EdgeEvents(design_of(name, dynamic=dynamic), name)
    chosen = random.Random(name)
    for _ in range(24):
        maximum = int(chosen.random() < 0.3)
        keep, sums = int(maximum or chosen.random() < 0.8), int(chosen.random() < 0.3)
        work.phase(chosen.randint(5, 60), maximum=maximum, keep=keep, sums=sums)
    check(work)


def test_records_may_change_from_relu_to_none_and_back_with_every_sum() -> None:
    """All words of a pixel leave close behind one another, of whatever channels."""
    work = EdgeEvents(design_of("plain"), "relu")
    work.formats = work.formats[-1:]
    for _ in range(10):
        work.phase(60, maximum=0, keep=0, sums=0)
    relu = [record.relu for record in work.records.values()]
    assert True in relu
    assert False in relu
    check(work)
