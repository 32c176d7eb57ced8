"""A mapped floating-point PE on operands: exact, found out when it is not, saved energy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afp_hw.design.float_design import FloatDesign
from afp_hw.errors import MismatchError
from afp_hw.formats.floating import FP8_E4M3
from afp_hw.golden.floating_scalar import dot_scalar
from afp_hw.synth import (
    PeStimulus,
    Technology,
    measure_energies,
    measure_energy,
    parse_netlist,
    synthesize,
)
from afp_hw.synth.float_stimulus import FloatOperands
from afp_hw.synth.recipes import Recipe
from afp_hw.verilog import emit_float_pe

QUICK = Recipe("quick", "ripple", (), "strash; map")
DESIGNS = [
    FloatDesign(FP8_E4M3, FP8_E4M3, 2, gate_zeros=True),
    FloatDesign(FP8_E4M3, FP8_E4M3, 3, gate_zeros=True, bank_sums=True),
]


def operands(design: FloatDesign, k: int, m: int, n: int, *, zeros: float = 0.5) -> FloatOperands:
    """Random matrices, a share of the activations 0."""
    random = np.random.default_rng(k)
    act = np.abs(random.normal(size=(m, k))) * (random.random((m, k)) >= zeros)
    wgt = random.normal(size=(k, n)) * 0.03
    return FloatOperands.from_tensors("random", act, wgt, design)


@pytest.fixture(scope="module")
def technology() -> Technology:
    return Technology.sky130()


@pytest.fixture(scope="module")
def mapped(technology: Technology, tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """Text of the mapped netlist by the stages of the design."""
    found = {}
    for design in DESIGNS:
        folder = tmp_path_factory.mktemp(design.pe_name)
        source, _ = emit_float_pe(design).write(folder)
        report = synthesize(
            [source], design.pe_name, technology, QUICK, clock_ns=20.0, work_dir=folder
        )
        found[design.stages] = Path(report.netlist_json).read_text()
    return found


def run(
    text: str, technology: Technology, given: FloatOperands, measure: Any = measure_energy
) -> Any:
    netlist = parse_netlist(text, technology.cells, top=given.design.pe_name)
    latency = given.design.pe_latency
    return measure(
        "pe", netlist, given, technology=technology, clock_s=1e-8, latency_cycles=latency
    )


SIZES = [pytest.param(17, 9, 7, marks=pytest.mark.slow), (1, 4, 5), (3, 3, 1)]


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.pe_name)
@pytest.mark.parametrize(("k", "m", "n"), SIZES)
def test_every_sum_equals_golden(
    mapped: dict[int, str], technology: Technology, design: FloatDesign, k: int, m: int, n: int
) -> None:
    report = run(mapped[design.stages], technology, operands(design, k, m, n))
    turns = design.interleave
    used = m * n // turns * turns  # the remainder of a round is left out
    assert report.count == used * k
    assert report.checked == used + m * n // turns * turns  # the first round is run twice
    assert report.operations == "MAC"
    assert report.dynamic_j > 0
    assert report.leakage_j > 0


def test_sums_are_those_of_the_scalar_definition() -> None:
    given = operands(DESIGNS[0], 11, 3, 4)
    design = given.design
    expected = [
        [dot_scalar(row, column, design.acts, design.weights) for column in columns]
        for row in given.act_codes.tolist()
        for columns in [given.wgt_codes.T.tolist()]
    ]
    assert np.array_equal(given.sums() & 0xFFFFFFFF, expected)
    assert given.sums().min() < 0 < given.sums().max()


def test_other_sums_than_golden_are_found_out(
    mapped: dict[int, str], technology: Technology, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = operands(DESIGNS[0], 9, 8, 8)
    wrong = replace(given)
    right = given.sums()
    monkeypatch.setattr(
        FloatOperands, "sums", lambda self: right + (np.arange(64) == 40).reshape(8, 8)
    )
    with pytest.raises(MismatchError, match=r"for output \(5, 0\)"):
        run(mapped[2], technology, wrong)


@pytest.mark.slow
@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.pe_name)
def test_zeros_save_energy_and_glitches_cost_some(
    mapped: dict[int, str], technology: Technology, design: FloatDesign
) -> None:
    text = mapped[design.stages]
    dense, sparse = (
        run(text, technology, operands(design, 24, 8, 8, zeros=share), measure_energies)
        for share in (0.0, 0.6)
    )
    for settled, timed in (dense, sparse):
        assert timed.dynamic_j > settled.dynamic_j
        assert timed.part_j("clock") == pytest.approx(settled.part_j("clock"))
    assert sparse[1].dynamic_j < 0.7 * dense[1].dynamic_j


def test_too_few_outputs_to_take_turns_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^PeStimulus\.operands must have 2 outputs, not 1$"):
        PeStimulus(operands(DESIGNS[1], 5, 1, 1))


def test_a_floating_point_array_is_refused(mapped: dict[int, str], technology: Technology) -> None:
    given = operands(DESIGNS[0], 5, 2, 2)
    netlist = parse_netlist(mapped[2], technology.cells, top=given.design.pe_name)
    with pytest.raises(ValueError, match="must be 'pe' for floating point, not 'array'"):
        measure_energy(
            "array", netlist, given, technology=technology, clock_s=1e-8, latency_cycles=3
        )
