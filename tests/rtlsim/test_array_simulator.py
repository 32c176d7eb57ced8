"""The compiled Verilog: values against golden, cycles against the closed forms, tolerance 0."""

import numpy as np
import pytest

from afp_hw.design import Design
from afp_hw.formats import AFPFormat
from afp_hw.golden import gemm, to_fix
from afp_hw.rtlsim import ArraySimulator
from afp_hw.schedule import LayerSchedule

DESIGNS = {
    "square": {"weights": "e3m1", "acts": "ue3m2", "rows": 4, "cols": 4, "k": 576},
    "lanes": {
        "weights": "e3m1",
        "acts": "e2m3",
        "rows": 3,
        "cols": 5,
        "lanes": 2,
        "k": 90,
        "registers": ("significand", "product", "sum"),
        "gate_zeros": True,
        "init_max": 0,
    },
    # sums of 80 bits, initial values of 67 bits, 72 bits of codes in a port
    "wide": {"weights": "e5m2", "acts": "e5m2", "rows": 2, "cols": 3, "lanes": 9, "k": 64},
    "one cell": {"weights": "e2m1", "acts": "ue1m1", "k": 30},
}


def make(name):
    values = DESIGNS[name]
    formats = {key: AFPFormat.parse(values[key]) for key in ("weights", "acts")}
    return Design(**{**values, **formats})


@pytest.fixture(scope="module", params=list(DESIGNS))
def simulator(request):
    with ArraySimulator(make(request.param)) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def square():
    with ArraySimulator(make("square")) as simulator:
        yield simulator


def codes(random, shape, fmt):
    return random.integers(0, 1 << fmt.width, shape)


def initial(random, shape, bound):
    """Values within the bound, both of its ends among them where there is room."""
    values = [int(part * bound) for part in random.uniform(-1, 1, int(np.prod(shape)))]
    if len(values) > 2:
        values[:2] = [bound, -bound]
    kind = np.int64 if bound < 1 << 63 else object
    return np.array(values, kind).reshape(shape)


def check(simulator, act, wgt, init):
    design = simulator.design
    result = simulator.run(act, wgt, init)
    expected = gemm(to_fix(act, design.acts), to_fix(wgt, design.weights), init)
    schedule = LayerSchedule(design, act.shape[0], act.shape[1], wgt.shape[1])
    rows, cols = np.indices(expected.shape)
    assert (result.missing, result.surplus, result.collisions) == (0, 0, 0)
    assert not result.init_missing
    assert (result.acc == expected).all()
    assert (result.cycle == schedule.visible(rows, cols)).all()
    assert result.cycles == schedule.cycles
    return result


def test_reductions_around_the_limits_of_the_spacing_rule(simulator):
    """Back-to-back tiles whose sums come closest to one another; edge tiles in both directions."""
    design = simulator.design
    random = np.random.default_rng(5)
    rows = design.rows
    steps = {1, rows - 1, rows, rows + 1, 2 * rows - 2, 2 * rows - 1, 2 * rows} - {0}
    tried = 0
    for k in sorted(step * design.lanes - cut for step in steps for cut in {0, design.lanes - 1}):
        if k > design.k:
            continue
        m, n = 5 * rows + 1, 2 * design.cols + 1
        init = initial(random, (m, n), design.init_bound) if design.init_bound else None
        check(
            simulator,
            codes(random, (m, k), design.acts),
            codes(random, (k, n), design.weights),
            init,
        )
        tried += 1
    assert tried >= 2


def test_the_longest_reduction_of_largest_codes(simulator):
    design = simulator.design
    for wgt_code in ((1 << design.weights.width) - 1, (1 << design.weights.magnitude_width) - 1):
        act = np.full((1, design.k), (1 << design.acts.magnitude_width) - 1)
        wgt = np.full((design.k, 1), wgt_code)
        sign = 1 if to_fix(wgt, design.weights)[0, 0] > 0 else -1
        init = np.array([sign * design.init_bound], object) if design.init_bound else None
        result = check(simulator, act, wgt, init)
        extreme = design.k * design.max_product + design.init_bound
        assert int(result.acc[0, 0]) == sign * extreme


def test_random_shapes(simulator):
    design = simulator.design
    random = np.random.default_rng(6)
    for _ in range(12):
        m, k, n = (int(random.integers(1, high)) for high in (20, min(design.k, 50) + 1, 14))
        shape = (n,) if random.random() < 0.5 else (m, n)
        init = initial(random, shape, design.init_bound) if design.init_bound else None
        check(
            simulator,
            codes(random, (m, k), design.acts),
            codes(random, (k, n), design.weights),
            init,
        )


def test_without_initial_values_zeros_are_streamed(square):
    random = np.random.default_rng(7)
    act = codes(random, (9, 11), square.design.acts)
    wgt = codes(random, (11, 9), square.design.weights)
    check(square, act, wgt, None)


def test_sums_are_int64_where_they_fit_and_python_integers_beyond():
    for name, kind in (("square", np.int64), ("wide", object)):
        with ArraySimulator(make(name)) as simulator:
            assert simulator.run([[1]], [[1]]).acc.dtype == kind


def test_progress_ends_at_the_whole(square):
    heard = []
    square.run(
        np.ones((8, 10), int), np.ones((10, 8), int), progress=lambda *now: heard.append(now)
    )
    assert heard[-1] == (40, 40)


def test_a_long_layer_is_run_in_pieces(square):
    """More cycles than one call into the library makes: the state carries over exactly."""
    random = np.random.default_rng(8)
    heard = []
    act = codes(random, (5000, 150), square.design.acts)
    wgt = codes(random, (150, 4), square.design.weights)
    result = square.run(act, wgt, progress=lambda *now: heard.append(now))
    assert len(heard) > 2
    assert heard == sorted(heard)
    expected = gemm(to_fix(act, square.design.acts), to_fix(wgt, square.design.weights))
    assert (result.acc == expected).all()


@pytest.mark.parametrize(
    ("act", "wgt", "init", "error", "sentence"),
    [
        ([[32]], [[1]], None, ValueError, r"act_codes must be codes in 0\.\.31, not 32"),
        ([[1]], [[-1]], None, ValueError, r"wgt_codes must be codes in 0\.\.31, not -1"),
        ([[1.0]], [[1]], None, TypeError, r"act_codes must be of integers, not float64"),
        ([1], [[1]], None, ValueError, r"act_codes must be a matrix with elements"),
        ([[1, 1]], [[1]], None, ValueError, r"as many rows as act_codes has columns, 2, not 1"),
        (
            [[1] * 577],
            [[1]] * 577,
            None,
            ValueError,
            r"Design\.k must be at least K = 577, not 576",
        ),
        ([[1]], [[1]], [[1], [1]], ValueError, r"init must have the shape \(1,\) or \(1, 1\)"),
        ([[1]], [[1]], [1.5], TypeError, r"init must be of integers, not float64"),
        ([[1]], [[1]], [1 << 40], ValueError, rf"init_max must be at least {1 << 40}, not "),
    ],
)
def test_bad_operands_are_refused(square, act, wgt, init, error, sentence):
    with pytest.raises(error, match=sentence):
        square.run(act, wgt, init)


def test_an_array_without_initial_values_takes_zeros_only():
    with ArraySimulator(make("lanes")) as simulator:
        assert simulator.run([[1]], [[1]], [0]).missing == 0
        with pytest.raises(ValueError, match=r"Design\.init_max must be at least 3, not 0"):
            simulator.run([[1]], [[1]], [-3])


def test_a_closed_simulator_is_refused():
    simulator = ArraySimulator(make("square"))
    simulator.close()
    simulator.close()
    with pytest.raises(ValueError, match=r"must be called before close"):
        simulator.run([[1]], [[1]])
