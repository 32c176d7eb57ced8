"""A small network through synthesis and gate level, and its energy computed another way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from afp_hw import AFPFormat, golden
from afp_hw.compare import mapping
from afp_hw.design import Design
from afp_hw.energy import bench as bench_module
from afp_hw.energy.bench import Bench
from afp_hw.energy.layer import GROUPS, cell_part
from afp_hw.energy.memory import MemoryTable
from afp_hw.energy.network import Subject, measure
from afp_hw.energy.outputs import Columns, column_order
from afp_hw.energy.scheme import Scheme
from afp_hw.energy.stream import Stream, run_stream
from afp_hw.errors import MismatchError
from afp_hw.network import calibrate, layer_problems, load_graph, lower
from afp_hw.network.grids import with_dynamic_grids
from afp_hw.synth import Technology
from afp_hw.synth.measure import measure_energies
from afp_hw.synth.recipes import RECIPES
from afp_hw.synth.stimulus import Operands
from tests.network.models import floats, residual_network

E3M1, E3M2 = AFPFormat(3, 1), AFPFormat(3, 2)
# Room for skip tensors; wider envelopes than the layers' formats.
DESIGN = Design(E3M1, E3M2, rows=2, cols=2, k=40, init_max=1 << 16)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def quick(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One recipe, results kept from test to test."""
    monkeypatch.setenv("AFP_HW_CACHE", str(cache))
    recipes = [recipe for recipe in RECIPES if recipe.name == "prefix"]
    monkeypatch.setattr(bench_module, "PART_RECIPES", recipes)


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    path = residual_network(tmp_path_factory.mktemp("model") / "net.onnx")
    graph, images = load_graph(path), floats(3, 2, 2, 8, 8)
    formats = calibrate(graph, images, weights=AFPFormat(2, 1), acts=AFPFormat(3, 1))
    room = lambda act, wgt: 1 << 13  # noqa: E731
    static = lower(graph, formats, room)
    return Subject.of(static, lower(graph, with_dynamic_grids(formats), room), images, images)


def test_every_layer_is_measured_and_adds_up(subject: Subject) -> None:
    memory = MemoryTable.embedded()
    bench = Bench(Technology.sky130(), 10.0)
    names = ["conv2", "fc"]
    schemes = (Scheme.AFP_STATIC, Scheme.AFP_DYNAMIC)
    found = measure(subject, names, DESIGN, bench, memory, schemes)
    assert [(layer.name, layer.scheme) for layer in found] == [
        (name, scheme) for name in names for scheme in schemes
    ]
    for layer in found:
        assert set(layer.parts_j) == set(GROUPS)
        assert layer.checked > 0
        assert layer.parts_j["SRAM"] == pytest.approx(layer.traffic.sram * 20e-12 / 64)
        assert layer.parts_j["DRAM"] == pytest.approx(layer.traffic.dram * 1300e-12 / 64)
    static, dynamic, last, _ = found
    # 4 x 4 pixels, 3 x 3 x 4 in, 4 out.
    assert static.macs == 16 * 36 * 4
    assert static.outputs == 64
    assert static.traffic.weight_reads == 36 * 4 * 8 * 4
    assert static.traffic.act_reads == 16 * 36 * 2 * 4
    assert dynamic.traffic.waiting_moves == 2 * 64 * (1 + DESIGN.acc_width.bit_length() + 4)
    assert dynamic.parts_j["requantizer"] > static.parts_j["requantizer"] > 0
    assert last.parts_j["requantizer"] == last.outputs == 0  # sums leave as they are


# Bits of an operand, bits of a result that waits for its grid, circuits a result passes.
SCHEMES = {
    Scheme.AFP_STATIC: (4, 0, ["window_requantizer"]),
    Scheme.AFP_DYNAMIC: (4, 10, ["narrower", "running_maximum", "rebiaser"]),
    Scheme.INT_STATIC: (8, 0, ["int_requantizer"]),
    Scheme.INT_DYNAMIC: (8, 32, ["int_requantizer", "running_maximum"]),
    Scheme.INT_FLOAT: (8, 32, ["fp32_dequantizer", "running_maximum", "fp32_quantizer"]),
    Scheme.FLOAT: (32, 0, []),
}


@pytest.mark.parametrize(
    "schemes",
    [
        pytest.param((Scheme.INT_STATIC, Scheme.INT_DYNAMIC), id="integers"),
        pytest.param(tuple(Scheme), id="all", marks=pytest.mark.slow),
    ],
)
def test_a_total_is_what_each_operation_takes_times_how_often_it_is_done(
    subject: Subject, schemes: tuple[Scheme, ...]
) -> None:
    bench, memory = Bench(Technology.sky130(), 10.0), MemoryTable.embedded()
    found = measure(subject, ["conv2"], DESIGN, bench, memory, schemes)
    assert [layer.scheme for layer in found] == list(schemes)
    for layer in found:
        width, waiting, passed = SCHEMES[layer.scheme]
        traffic, circuits = layer.traffic, layer.parts.get("requantizer", {})
        assert layer.checked > 0
        assert (layer.macs, layer.outputs) == (16 * 36 * 4, 64 if passed else 0)
        assert all(name.startswith(want) for name, want in zip(circuits, passed, strict=True))
        # 8 rows and 2 columns of tiles; weights stay in DRAM, activations do not.
        assert traffic.weight_reads == 36 * 4 * 8 * width
        assert traffic.act_reads == 16 * 36 * 2 * width
        assert traffic.waiting_moves == 2 * 64 * waiting
        assert traffic.dram == 36 * 4 * width
        assert layer.parts_j["edges"] > 0
        assert layer.parts_j["packing"] > 0
        assert layer.total_j == pytest.approx(
            sum(layer.parts["array"].values()) * 16 * 36 * 4
            + sum(circuits.values()) * 64
            + layer.parts_j["edges"]
            + layer.parts_j["packing"]
            + traffic.sram * 20e-12 / 64
            + traffic.dram * 1300e-12 / 64
        )
    requantized = {layer.scheme: layer.parts_j["requantizer"] for layer in found}
    assert requantized[Scheme.INT_DYNAMIC] > requantized[Scheme.INT_STATIC] > 0


def test_the_array_is_what_the_cell_takes_on_the_same_operands(subject: Subject) -> None:
    memory, technology = MemoryTable.embedded(), Technology.sky130()
    bench = Bench(technology, 10.0)
    (layer,) = measure(subject, ["conv2"], DESIGN, bench, memory, (Scheme.AFP_STATIC,))
    (problem,) = layer_problems(subject.static, "conv2", subject.images)
    operands = Operands.from_problem(problem, DESIGN)
    _, timed = measure_energies(
        "array", bench.netlist(cell_part(DESIGN)), operands,
        technology=technology, clock_s=1e-8, latency_cycles=0,
    )  # fmt: skip
    assert layer.parts_j["array"] == pytest.approx(timed.dynamic_j * layer.macs)


def test_results_are_kept(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = MemoryTable.embedded()

    def measured() -> list[float]:
        bench = Bench(Technology.sky130(), 10.0)
        return [
            layer.total_j
            for layer in measure(subject, ["fc"], DESIGN, bench, memory, (Scheme.AFP_STATIC,))
        ]

    first = measured()
    monkeypatch.setattr(mapping, "synthesize", lambda *_, **__: pytest.fail("mapped again"))
    monkeypatch.setattr(bench_module, "run_stream", lambda *_, **__: pytest.fail("run again"))
    assert measured() == first


def test_a_wrong_result_at_gate_level_is_an_error(subject: Subject) -> None:
    bench = Bench(Technology.sky130(), 10.0)
    part = cell_part(DESIGN)
    netlist = bench.netlist(part)
    ports = {name: nets for name, nets in netlist.inputs.items() if name not in ("clk", "rst")}
    inputs = {name: np.zeros(3, dtype=np.int64) for name in ports}
    wrong = Stream(inputs, {"o_drain_valid": np.ones((3, 2), dtype=np.int64)}, 1, 6)
    with pytest.raises(MismatchError, match=r"o_drain_valid must be 1, not 0, for step 0 of lane"):
        run_stream(netlist, wrong)


def test_sums_leave_a_column_tile_after_tile() -> None:
    order = column_order(3, 3, DESIGN)  # 2 rows, 2 columns
    pixels_and_channels = [divmod(index, 3) for index in order.tolist()]
    assert pixels_and_channels == [
        (0, 0), (1, 0), (0, 2), (1, 2), (2, 0), (2, 2),  # column 0: tiles in order
        (0, 1), (1, 1), (2, 1),
    ]  # fmt: skip
    columns = Columns.of(3, 3, DESIGN)
    assert columns.count == 9
    assert columns.take(np.arange(9), 1, 9).ravel().tolist() == order.tolist()


def test_embedded_sums_keep_their_codes(subject: Subject) -> None:
    (problem,) = layer_problems(subject.static, "conv2", subject.images)
    left = (DESIGN.afp_acts.n_man - 1) + (DESIGN.afp_weights.n_man - 1)
    assert problem.out_fmt is not None
    codes = golden.requantize(
        problem.expected_acc << left, problem.offset - left, problem.out_fmt,
        relu=problem.relu, clip=problem.clip,
    )  # fmt: skip
    assert (codes == problem.expected_codes).all()
