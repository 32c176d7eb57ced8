"""Cycles of whole layers against the simulated drain chain, and the figures of simple cases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afp_hw.design import Design
from afp_hw.formats import AFPFormat
from afp_hw.schedule import LayerSchedule
from tests.schedule.drain_chain import column

E3M1, UE3M2 = AFPFormat.parse("e3m1"), AFPFormat.parse("ue3m2")


def design(rows, cols, lanes=1, k=4608, **options):
    return Design(E3M1, UE3M2, rows=rows, cols=cols, lanes=lanes, k=k, **options)


def brute_force(schedule):
    """Visible edges by (m, n), and the cycle count, from the drain chain; tiles start greedily."""
    rows, cols = schedule.design.rows, schedule.design.cols
    steps = -(-schedule.k // schedule.design.lanes)
    places = [(m, n) for m in range(0, schedule.m, rows) for n in range(0, schedule.n, cols)]
    lasts = [steps - 1]
    while len(lasts) < len(places):
        distance = steps
        while not (distance >= 2 * rows - 1 or (distance % 2 == 1 and distance >= rows)):
            distance += 1
        lasts.append(lasts[-1] + distance)
    # operand registers, then `registers`, accumulator, drain register, and the edge's own register
    latency = 1 + len(schedule.design.registers) + 1 + (1 if schedule.design.init_max else 0)
    visible = {}
    final = 0
    for col in range(cols):
        for (tile, row), edge in column(rows, lasts, latency, col).items():
            final = max(final, edge)
            visible[places[tile][0] + row, places[tile][1] + col] = edge
    return visible, final + 1


shapes = st.builds(
    LayerSchedule,
    st.builds(
        design,
        st.integers(1, 6),
        st.integers(1, 5),
        st.integers(1, 3),
        registers=st.sampled_from([(), ("product",), ("significand", "sum"), ("product", "sum")]),
        init_max=st.sampled_from([None, 0]),
    ),
    st.integers(1, 20),
    st.integers(1, 40),
    st.integers(1, 16),
)


@given(shapes)
def test_every_result_and_the_total_are_those_of_the_simulated_chain(schedule):
    visible, cycles = brute_force(schedule)
    assert schedule.cycles == cycles
    for m in range(schedule.m):
        for n in range(schedule.n):
            assert schedule.visible(m, n) == visible[m, n]


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 8])
def test_reductions_around_the_limits_of_the_rule(rows):
    for k in {1, rows - 1, rows, rows + 1, 2 * rows - 2, 2 * rows - 1, 2 * rows} - {0}:
        schedule = LayerSchedule(design(rows, 3), 4 * rows + 1, k, 7)
        visible, cycles = brute_force(schedule)
        assert schedule.cycles == cycles
        assert all(
            schedule.visible(m, n) == visible[m, n] for m in range(schedule.m) for n in range(7)
        )


def test_one_tile_takes_fill_reduction_and_drain():
    # 16 x 16, no register, initial values: 3 edges of latency behind the last operand
    schedule = LayerSchedule(design(16, 16), 16, 144, 16)
    assert (schedule.tiles, schedule.steps, schedule.spacing) == (1, 144, 144)
    assert schedule.visible(0, 0) == 143 + 3
    assert schedule.cycles == 144 + 15 + 30 + 3


def test_tiles_follow_without_a_bubble():
    schedule = LayerSchedule(design(16, 16), 1024, 144, 64)
    assert schedule.cycles == 256 * 144 + 15 + 30 + 3
    assert schedule.stall_cycles == 0
    assert schedule.utilisation == pytest.approx(0.9987, abs=1e-4)


def test_edge_tiles_occupy_the_whole_array():
    full, edge = (LayerSchedule(design(16, 16), m, 144, n) for m, n in ((32, 32), (17, 17)))
    assert edge.cycles == full.cycles
    assert edge.macs < full.macs


def test_a_short_reduction_is_padded():
    assert LayerSchedule(design(16, 16), 64, 27, 16).stall_cycles == 0
    assert LayerSchedule(design(16, 16), 64, 26, 16).stall_cycles == 3
    assert LayerSchedule(design(16, 16), 64, 1, 16).spacing == 17


def test_lanes_divide_the_steps_and_round_up():
    assert LayerSchedule(design(4, 4, lanes=4), 4, 13, 4).steps == 4


def test_traffic_is_counted_at_the_layers_own_widths():
    schedule = LayerSchedule(design(16, 16), 33, 27, 17)
    traffic = schedule.traffic(
        AFPFormat.parse("e2m1"), AFPFormat.parse("ue2m2"), output_width=4, init_width=18
    )
    # 3 row tiles, 2 column tiles
    assert traffic.weight_bits == 27 * 17 * 3 * 4
    assert traffic.act_bits == 33 * 27 * 2 * 4
    assert traffic.output_bits == 33 * 17 * 4
    assert traffic.init_bits == 33 * 17 * 18
    assert traffic.total_bits == 5508 + 7128 + 2244 + 10098
    assert (traffic.weight_reuse, traffic.act_reuse) == (33 / 3, 17 / 2)
    assert (traffic.unique_weight_bits, traffic.unique_act_bits) == (27 * 17 * 4, 33 * 27 * 4)


def test_seconds_at_a_clock():
    assert LayerSchedule(design(1, 1), 1, 10, 1).seconds(1e9) == pytest.approx(13e-9)


@pytest.mark.parametrize("clock", [0.0, -1.0, float("nan")])
def test_a_clock_that_is_not_positive_is_refused(clock):
    with pytest.raises(ValueError, match=r"clock_hz must be positive, not "):
        LayerSchedule(design(1, 1), 1, 10, 1).seconds(clock)


@pytest.mark.parametrize("sizes", [(0, 1, 1), (1, 0, 1), (1, 1, -1)])
def test_empty_layers_are_refused(sizes):
    with pytest.raises(ValueError, match=r"LayerSchedule\.[mkn] must be at least 1, not "):
        LayerSchedule(design(1, 1), *sizes)


def test_sizes_must_be_integers():
    with pytest.raises(TypeError, match=r"LayerSchedule\.m must be an integer, not 1\.0"):
        LayerSchedule(design(1, 1), 1.0, 1, 1)


def test_a_reduction_beyond_the_design_is_refused_with_both_numbers():
    with pytest.raises(ValueError, match=r"Design\.k must be at least K = 65, not 64"):
        LayerSchedule(design(2, 2, k=64), 1, 65, 1)
