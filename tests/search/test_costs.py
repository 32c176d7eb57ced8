"""The table of hardware costs that the search weighs: file, fits, range."""

from __future__ import annotations

import json
import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from afp_hw import embedded
from afp_hw.formats import AFPFormat
from afp_hw.network import load_graph
from afp_hw.search.cost_fit import FEWEST_ROWS, area_terms, fit
from afp_hw.search.costs import PACKAGED, Cost, CostTable, layer_energy, layer_macs


def fmt(name: str) -> AFPFormat:
    return AFPFormat.parse(name)


def splits(*, signed: bool) -> list[AFPFormat]:
    """All formats of widths 2 to 8 with at most 5 exponent bits."""
    return [
        AFPFormat(n_exp, width - signed - n_exp, signed=signed)
        for width in range(2, 9)
        for n_exp in range(min(width - signed, 5) + 1)
    ]


@pytest.fixture(scope="module")
def table() -> CostTable:
    return CostTable.load()


def small(*rows: list[object], **changes: object) -> str:
    document = {
        "schema": "afp-hw costs 1",
        "conditions": {"k": 576},
        "columns": ["weights", "acts", "area_um2", "energy_fj", "delay_ns"],
        "rows": list(rows),
    }
    return json.dumps(document | changes)


ROW: list[object] = ["e2m1", "ue2m1", 1000.0, 1500.0, 2.5]


def test_the_packaged_table_covers_every_split_of_widths_2_to_8(table: CostTable) -> None:
    weights = splits(signed=True)
    acts = [*splits(signed=False), *splits(signed=True)]
    assert {pair[0] for pair in table.rows} == set(weights)
    assert {pair[1] for pair in table.rows} == set(acts)
    costs = [table.energy_fj(w, a) for w, a in product(weights, acts)]
    areas = [table.area_um2(w, a) for w, a in product(weights, acts)]
    measured = [cost.energy_fj for cost in table.rows.values()]
    # Fitted values lie where the measured ones do: nothing runs away between the rows.
    assert 0.7 * min(measured) < min(costs) < max(costs) < 1.3 * max(measured)
    assert min(areas) > 500.0
    assert all(cost.delay_ns < table.conditions["clock_ns"] for cost in table.rows.values())


def test_a_row_that_is_there_is_not_fitted(table: CostTable) -> None:
    for (weights, acts), cost in table.rows.items():
        assert table.energy_fj(weights, acts) == cost.energy_fj
        assert table.area_um2(weights, acts) == cost.area_um2
    differ = [abs(table.fits["energy_fj"](*pair) / cost.energy_fj - 1)
              for pair, cost in table.rows.items()]  # fmt: skip
    assert max(differ) > 0.01


@pytest.mark.parametrize(
    ("name", "mean", "largest", "left_out"),
    [("area_um2", 0.03, 0.11, 0.11), ("energy_fj", 0.035, 0.14, 0.155)],
)
def test_fits_are_within_their_residuals(
    table: CostTable, name: str, mean: float, largest: float, left_out: float
) -> None:
    found = table.fits[name]
    errors = [abs(found(*pair) / getattr(cost, name) - 1.0) for pair, cost in table.rows.items()]
    assert found.mean_residual == pytest.approx(np.mean(errors))
    assert found.max_residual == pytest.approx(max(errors))
    assert found.mean_residual < mean
    assert found.max_residual < largest
    assert found.max_residual < found.max_left_out < left_out


def test_left_out_is_the_residual_of_a_fit_without_the_row(table: CostTable) -> None:
    pairs = list(table.rows)
    areas = [table.rows[pair].area_um2 for pair in pairs]
    errors = []
    for index, (pair, area) in enumerate(zip(pairs, areas, strict=True)):
        rest = slice(index, index + 1)
        without = pairs[:], areas[:]
        del without[0][rest], without[1][rest]
        errors.append(abs(fit(area_terms, *without, k=576)(*pair) / area - 1.0))
    assert table.fits["area_um2"].max_left_out == pytest.approx(max(errors), rel=1e-6)


@pytest.mark.parametrize("family", ["e0m{}", "e2m{}", "e3m{}"])
def test_a_mantissa_bit_more_costs_more(table: CostTable, family: str) -> None:
    acts = fmt("ue3m3")
    grown = [fmt(family.format(n_man)) for n_man in range(1, 5)]
    for cost in (table.area_um2, table.energy_fj):
        values = [cost(weights, acts) for weights in grown]
        assert values == sorted(values)


def test_an_exponent_bit_more_costs_more(table: CostTable) -> None:
    for cost in (table.area_um2, table.energy_fj):
        values = [cost(fmt(f"e{n_exp}m2"), fmt("ue3m3")) for n_exp in range(1, 6)]
        assert values == sorted(values)


WEIGHTS = "weights must be held by one of e0m7, e1m6, e2m5, e3m4, e4m3, e5m2 and hold one of e0m1, "
ACTS = (
    "acts must be held by one of ue0m8, ue1m7, ue2m6, ue3m5, ue4m4, ue5m3 and hold one of ue0m2, "
)


@pytest.mark.parametrize(
    ("weights", "acts", "sentence"),
    [
        ("e6m1", "ue3m2", f"{WEIGHTS}e1m0, not e6m1 (afp-hw costs adds rows)"),
        ("e4m4", "ue3m2", f"{WEIGHTS}e1m0, not e4m4 (afp-hw costs adds rows)"),
        ("e3m2", "ue4m5", f"{ACTS}ue1m1, ue2m0, not ue4m5 (afp-hw costs adds rows)"),
        ("e3m2", "ue0m1", f"{ACTS}ue1m1, ue2m0, not ue0m1 (afp-hw costs adds rows)"),
        (
            "ue3m2",
            "ue3m2",
            "weights must be signed, not ue3m2: no row is unsigned (afp-hw costs adds rows)",
        ),
    ],
)
def test_nothing_is_extrapolated(table: CostTable, weights: str, acts: str, sentence: str) -> None:
    for cost in (table.area_um2, table.energy_fj):
        with pytest.raises(ValueError, match=f"^{re.escape(f'costs_sky130.json: {sentence}')}$"):
            cost(fmt(weights), fmt(acts))


def test_a_row_more_widens_the_range_to_what_it_holds(table: CostTable) -> None:
    wider = table.with_row((fmt("e4m5"), fmt("ue3m3")), Cost(6200.0, 8600.0, 6.0))
    narrow = table.energy_fj(fmt("e4m3"), fmt("ue3m3"))
    assert wider.energy_fj(fmt("e4m4"), fmt("ue3m3")) > narrow
    with pytest.raises(ValueError, match=r"weights must be held by one of .*e4m5.*, not e5m4"):
        wider.energy_fj(fmt("e5m4"), fmt("ue3m3"))


def test_few_rows_have_their_own_costs_and_no_fit() -> None:
    table = CostTable.parse(small(ROW, ["e3m1", "ue3m1", 2000.0, 3000.0, 3.5]), "mine.json")
    assert table.energy_fj(fmt("e2m1"), fmt("ue2m1")) == 1500.0
    with pytest.raises(
        ValueError, match=rf"^mine\.json\.rows must be at least {FEWEST_ROWS} for a fit, not 2$"
    ):
        table.energy_fj(fmt("e2m1"), fmt("ue3m1"))


def test_text_of_a_table_reads_back_and_does_not_depend_on_the_order(table: CostTable) -> None:
    text = table.json_text()
    again = CostTable.parse(text)
    assert (again.rows, again.conditions) == (table.rows, table.conditions)
    backwards = CostTable(table.conditions, dict(reversed(table.rows.items())))
    assert backwards.json_text() == text
    assert (Path(__file__).parents[2] / "afp_hw/search" / PACKAGED).read_text("utf-8") == text
    first = CostTable({"k": 1}, {}).with_row((fmt("e1m1"), fmt("ue1m1")), Cost(1.0, 2.0, 3.0))
    assert CostTable.parse(CostTable({"k": 1}, {}).json_text()).rows == {}
    assert CostTable.parse(first.json_text()).rows == first.rows


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", r"must be JSON, not text with the error"),
        ("[1]", r"\.schema must be 'afp-hw costs 1', not \[1\]"),
        (small(schema="other"), r"\.schema must be 'afp-hw costs 1', not 'other'"),
        (small(rows={}), r"\.rows must be a list, not \{\}"),
        (small(conditions={}), r"\.conditions\.k must be a positive integer, not None"),
        (small(columns=["weights"]), r"\.columns must be \['weights', .*\], not \['weights'\]"),
        (small(ROW[:4]), r"\.rows\[0\] must be a list of 5, not "),
        (small(["e9x", *ROW[1:]]), r"\.rows\[0\] must begin with two formats: AFPFormat must be"),
        (small([3, *ROW[1:]]), r"\.rows\[0\] must begin with two formats: "),
        (small([*ROW[:3], -1.0, 2.5]), r"\.rows\[0\]\.energy_fj must be a positive number, not -1"),
        (small([*ROW[:3], float("nan"), 2.5]), r"energy_fj must be a positive number, not nan"),
        (small([*ROW[:3], True, 2.5]), r"energy_fj must be a positive number, not True"),
        (small(ROW, ROW), r"\.rows must hold a pair once, not \['e2m1', 'ue2m1'\] again"),
    ],
)
def test_a_bad_file_is_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"^bad\.json.*{sentence}") as error:
        CostTable.load(path)
    assert "\n" not in str(error.value)


def test_a_binary_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"^bad\.json must be JSON in UTF-8, not binary$"):
        CostTable.load(path)


def test_energy_of_a_layer_is_its_products(table: CostTable) -> None:
    graph = load_graph(embedded.model_path())
    macs = layer_macs(graph)
    assert list(macs) == [layer.name for layer in graph.layers()]
    for layer in graph.layers():
        shape = graph.shapes[layer.output]
        assert layer.weight is not None
        if layer.op == "Linear":
            assert macs[layer.name] == layer.weight.size
        else:
            assert macs[layer.name] == shape[1] * shape[2] * layer.weight.size
    weights, acts = fmt("e3m1"), fmt("ue3m2")
    name = next(iter(macs))
    assert layer_energy(table, macs[name], weights, acts) == pytest.approx(
        macs[name] * table.energy_fj(weights, acts)
    )
