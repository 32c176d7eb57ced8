"""A layer compared with golden and schedule: what is equal passes, what differs is found."""

from dataclasses import replace

import numpy as np
import pytest

import afp_hw.verilog
from afp_hw.design import Design
from afp_hw.errors import MismatchError
from afp_hw.formats import AFPFormat
from afp_hw.golden import gemm, requantize, to_fix
from afp_hw.network import LayerProblem
from afp_hw.rtlsim import ArraySimulator, RequantizerSimulator, run_layer
from afp_hw.schedule import LayerSchedule
from afp_hw.verilog import emit_array

SQUARE = Design(AFPFormat.parse("e3m1"), AFPFormat.parse("ue3m2"), rows=4, cols=4, k=576)
OFFSET, CLIP = np.arange(6) - 5, 900


@pytest.fixture(scope="module")
def simulator():
    with ArraySimulator(SQUARE) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def requantizer():
    return RequantizerSimulator(SQUARE)


def problem(wgt="e3m1", act="ue3m2", k=13, seed=3):
    """A layer of 9 pixels and 6 channels, its golden results made here."""
    random = np.random.default_rng(seed)
    wgt_fmt, act_fmt = AFPFormat.parse(wgt), AFPFormat.parse(act)
    act_codes = random.integers(0, 1 << act_fmt.width, (9, k))
    wgt_codes = random.integers(0, 1 << wgt_fmt.width, (k, 6))
    bound = wgt_fmt.max_fix * act_fmt.max_fix
    init = random.integers(-bound, bound + 1, 6)
    acc = gemm(to_fix(act_codes, act_fmt), to_fix(wgt_codes, wgt_fmt), init)
    out = AFPFormat.parse("ue2m2")
    codes = requantize(acc, OFFSET, out, relu=True, clip=CLIP)
    return LayerProblem(
        name="conv",
        act_codes=act_codes,
        wgt_codes=wgt_codes,
        act_fmt=act_fmt,
        wgt_fmt=wgt_fmt,
        init=init,
        expected_acc=acc,
        expected_codes=codes,
        out_fmt=out,
        offset=OFFSET,
        relu=True,
        clip=CLIP,
    )


@pytest.mark.parametrize(
    ("wgt", "act"), [("e3m1", "ue3m2"), ("e2m1", "ue2m2"), ("e3m0", "ue2m1"), ("e0m1", "ue3m0")]
)
def test_formats_within_the_envelope_run_exactly(simulator, requantizer, wgt, act):
    layer = problem(wgt, act)
    run = run_layer(layer, SQUARE, simulator, requantizer)
    assert (run.sums, run.codes) == (54, 54)
    assert run.cycles == run.schedule.cycles == LayerSchedule(SQUARE, 9, 13, 6).cycles
    assert run.traffic.weight_bits == 3 * 13 * 6 * layer.wgt_fmt.width
    assert run.traffic.output_bits == 54 * 4


def test_the_model_alone_compares_the_embedded_operands():
    run = run_layer(problem("e2m1", "ue2m1"), SQUARE, None)
    assert (run.sums, run.codes, run.cycles, run.cpu_seconds) == (54, 0, None, None)


@pytest.mark.parametrize("compiled", [True, False])
def test_a_wrong_expected_sum_is_found(simulator, compiled):
    layer = problem()
    wrong = layer.expected_acc.copy()
    wrong[7, 2] += 1
    wrong[8, 5] -= 1
    sentence = (
        rf"^sum of layer 'conv' at row 7, column 2 must be {wrong[7, 2]}, not {wrong[7, 2] - 1} "
        r"\(2 of 54 differ\)$"
    )
    with pytest.raises(MismatchError, match=sentence):
        run_layer(replace(layer, expected_acc=wrong), SQUARE, simulator if compiled else None)


def test_a_wrong_expected_code_is_found(simulator, requantizer):
    layer = problem()
    wrong = layer.expected_codes.copy()
    wrong[0, 3] ^= 1
    with pytest.raises(MismatchError, match=r"^code of layer 'conv' at row 0, column 3 must be "):
        run_layer(replace(layer, expected_codes=wrong), SQUARE, simulator, requantizer)


def test_codes_come_from_the_verilog_of_the_requantizer(simulator, monkeypatch):
    emit = afp_hw.verilog.emit_requantizer

    def broken(design):
        emitted = emit(design)
        text = emitted.verilog.replace("assign o_code = ", "assign o_code = 1 ^ ")
        wrong = text if text != emitted.verilog else emitted.verilog.replace(" <= ", " <= 1 ^ ", 1)
        assert wrong != emitted.verilog
        return replace(emitted, verilog=wrong)

    monkeypatch.setattr(afp_hw.verilog, "emit_requantizer", broken)
    with pytest.raises(MismatchError, match=r"code of layer 'conv'|requantizer must give"):
        run_layer(problem(), SQUARE, simulator, RequantizerSimulator(SQUARE))


def test_what_the_requantizer_cannot_make_is_refused(simulator, requantizer):
    layer = problem()
    with pytest.raises(ValueError, match=r"^Design.outs must hold e3m2 of layer 'conv', not ue3m2"):
        run_layer(replace(layer, out_fmt=AFPFormat(3, 2)), SQUARE, simulator, requantizer)
    far = replace(layer, offset=np.full(6, 9000))
    with pytest.raises(
        ValueError, match=r"offset of layer 'conv' must be in -8192..8191, not 9000"
    ):
        run_layer(far, SQUARE, simulator, requantizer)


@pytest.mark.parametrize("acts", ["e3m2", "e5m2"])
def test_the_compiled_requantizer_is_golden(acts):
    design = Design(AFPFormat.parse("e5m2"), AFPFormat.parse(acts), k=50)
    simulator = RequantizerSimulator(design)
    random = np.random.default_rng(1)
    largest = (1 << (design.acc_width - 1)) - 1
    values = [0, 1, -1, largest, -largest - 1]
    values += [
        int(v) << int(s)
        for v, s in zip(random.integers(-99, 99, 115), random.integers(0, 30, 115), strict=True)
    ]
    acc = np.array(values, object).reshape(-1, 6)
    offset = random.integers(-design.acc_width, 3, 6)
    for fmt in (AFPFormat(3, 2), AFPFormat(2, 0), AFPFormat(3, 2, signed=False)):
        for clip in (None, 700):
            got = simulator.run(acc, offset, fmt, clip=clip)
            np.testing.assert_array_equal(got, requantize(acc, offset, fmt, clip=clip))


def test_one_wrong_cycle_is_found(simulator, monkeypatch):
    visible = LayerSchedule.visible

    def late(self, m, n):
        return visible(self, m, n) + ((m == 4) & (n == 1))

    monkeypatch.setattr(LayerSchedule, "visible", late)
    expected = (
        r"^clock edge of the sum of layer 'conv' at row 4, column 1 must be \d+, not \d+ \(1 of"
    )
    with pytest.raises(MismatchError, match=expected):
        run_layer(problem(), SQUARE, simulator)


def test_a_wrong_total_of_cycles_is_found(simulator, monkeypatch):
    cycles = LayerSchedule.cycles.fget
    monkeypatch.setattr(LayerSchedule, "cycles", property(lambda self: cycles(self) + 1))
    with pytest.raises(MismatchError, match=r"^cycles of layer 'conv' must be \d+, not \d+$"):
        run_layer(problem(), SQUARE, simulator)


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (
            {"registers": ("product",)},
            r"^clock edge of the sum of layer 'conv' at row 0, column 0 must be 13, not 14",
        ),
        (
            {"weights": AFPFormat.parse("e2m2")},
            r"^sum of layer 'conv' at row \d, column \d must be ",
        ),
    ],
)
def test_verilog_that_is_not_the_design_is_found(monkeypatch, other, sentence):
    """The hardware is exchanged for one with the same ports; schedule and golden stay."""
    tiny = replace(SQUARE, rows=2, cols=2, k=16)
    monkeypatch.setattr(
        afp_hw.verilog, "emit_array", lambda design: emit_array(replace(design, **other))
    )
    with ArraySimulator(tiny) as wrong, pytest.raises(MismatchError, match=sentence):
        run_layer(problem(k=11), tiny, wrong)


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        (problem("e3m2"), "Design.weights must hold e3m2 of layer 'conv', not e3m1"),
        (problem(act="e3m2"), "Design.acts must hold e3m2 of layer 'conv', not ue3m2"),
        (problem(k=577), "Design.k must be at least 577 for layer 'conv', not 576"),
    ],
)
def test_a_layer_that_does_not_fit_is_refused_with_both_numbers(layer, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        run_layer(layer, SQUARE, None)


def test_an_initial_value_beyond_the_design_is_refused_in_the_array_s_units():
    # e2m1 and ue2m1 leave no bit of the weights' mantissa and one of the activations' unused
    layer = problem("e2m1", "ue2m1")
    small = replace(SQUARE, init_max=3)
    needed = 2 * int(np.abs(layer.init).max())
    sentence = rf"^Design\.init_max must be at least {needed} for layer 'conv', not 3$"
    with pytest.raises(ValueError, match=sentence):
        run_layer(layer, small, None)
