"""The embedded technology, and those of real Liberty files where these are present."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from afp_hw.synth.cells import Cell
from afp_hw.synth.liberty_write import liberty_text
from afp_hw.synth.table import cells_of, table_text
from afp_hw.synth.technology import Technology

PDK = Path(__file__).parents[3] / "shared" / "pdk"
SKY130 = PDK / "sky130_fd_sc_hd__tt_025C_1v80.lib.gz"
ASAP7 = [PDK / f"asap7_{part}_RVT_TT.lib.gz" for part in ("SIMPLE", "SEQ", "INVBUF")]
HD = "sky130_fd_sc_hd__"


def needs(*paths: Path) -> pytest.MarkDecorator:
    missing = [path.name for path in paths if not path.exists()]
    return pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)} in ../shared/pdk")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFP_HW_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def embedded() -> Technology:
    return Technology.sky130()


@pytest.fixture(scope="module")
def full() -> Technology:
    return Technology.from_liberty([SKY130])


def assert_same(found: Cell, expected: Cell, tolerance: float) -> None:
    """Names and logic equal, figures close."""
    assert (found.name, found.flip_flop) == (expected.name, expected.flip_flop)
    assert found.area_um2 == pytest.approx(expected.area_um2, rel=tolerance)
    assert found.leakage_w == pytest.approx(expected.leakage_w, rel=tolerance)
    for pin, known in zip(
        (*found.inputs, *found.outputs), (*expected.inputs, *expected.outputs), strict=True
    ):
        assert (pin.name, pin.function, pin.clock) == (known.name, known.function, known.clock)
        assert pin.capacitance_f == pytest.approx(known.capacitance_f, rel=tolerance)
    for arc, true in zip(found.arcs, expected.arcs, strict=True):
        assert (arc.related, arc.pin, arc.kind, arc.sense) == (
            true.related,
            true.pin,
            true.kind,
            true.sense,
        )


def test_embedded_figures_are_those_that_the_library_states(embedded: Technology) -> None:
    nand2 = embedded.cells[HD + "nand2_1"]
    assert embedded.voltage_v == 1.8
    assert embedded.nand2_area_um2 == nand2.area_um2 == 3.7536
    assert nand2.leakage_w == pytest.approx(2.118e-12)
    assert [pin.capacitance_f for pin in nand2.inputs] == pytest.approx([2.315e-15, 2.324e-15])
    dfxtp = embedded.flip_flop
    assert dfxtp is not None
    assert dfxtp.name == HD + "dfxtp_1"
    # between the library's points at 23 and 53 ps, (22.60 + 17.70) / 2 and (22.34 + 17.41) / 2 fJ
    assert dfxtp.input_energy_j("CLK") == pytest.approx(19.9e-15, rel=5e-3)


def test_embedded_table_names_its_source_and_has_what_synthesis_needs(embedded: Technology) -> None:
    table = json.loads((files("afp_hw.synth") / "sky130.json").read_text())
    assert "Apache" in table["source"]
    assert "tt_025C_1v80" in table["source"]
    embedded.check()
    assert 25 <= len(embedded.cells) <= 35
    assert embedded.full_adder is not None
    adder = embedded.full_adder
    assert (adder.sum_pin, adder.carry_pin, adder.inverted) == ("SUM", "COUT", False)
    assert 0.2e-9 < embedded.flip_flop_delay_s < 0.6e-9


def test_cells_are_found_by_function(embedded: Technology) -> None:
    for functions, name in (
        (["!a"], "inv_1"),
        (["!(a | b)"], "nor2_1"),
        (["a ^ b"], "xor2_1"),
        (["!(a & b | c)"], "a21oi_1"),
        (["a&b | a&c | b&c"], "maj3_1"),
        (["a & !s | b & s"], "mux2_1"),
    ):
        cell = embedded.cell_of(*functions)
        assert cell is not None
        assert cell.name == HD + name
    assert embedded.cell_of("a ^ b ^ c ^ d") is None


def test_written_liberty_reads_back(embedded: Technology) -> None:
    path = embedded.liberty_path()
    assert path == embedded.liberty_path()
    assert path.read_text() == embedded.liberty == Technology.sky130().liberty
    back = Technology.from_liberty([path])
    assert list(back.cells) == list(embedded.cells)
    for name, cell in embedded.cells.items():
        assert_same(back.cells[name], cell, 1e-5)
        for pin in cell.outputs:
            for load in (0.0, 2e-15, 5e-14):
                assert back.cells[name].internal_energy_j(pin.name, load, 5e-11) == pytest.approx(
                    cell.internal_energy_j(pin.name, load, 5e-11), rel=1e-4
                )
        for arc, found in zip(cell.arcs, back.cells[name].arcs, strict=True):
            assert (arc.rise is None) == (found.rise is None)
            if arc.rise is not None and found.rise is not None:
                assert found.rise.at(6e-11, 3e-15) == pytest.approx(arc.rise.at(6e-11, 3e-15))


@pytest.mark.parametrize(
    ("dropped", "what"),
    [("dfxtp_1", "a plain flip-flop"), ("inv", "an inverter"), ("nand2", "a NAND2")],
)
def test_a_library_without_essential_cells_is_refused(
    embedded: Technology, tmp_path: Path, dropped: str, what: str
) -> None:
    left = [cell for name, cell in embedded.cells.items() if HD + dropped not in name]
    (tmp_path / "poor.lib").write_text(liberty_text("poor", 1.8, left, "a test"))
    with pytest.raises(ValueError, match=f"library 'poor' must have {what}"):
        Technology.from_liberty([tmp_path / "poor.lib"])


@pytest.mark.parametrize("missing", ["internal_power", "timing"])
def test_a_library_without_tables_is_refused(
    embedded: Technology, tmp_path: Path, missing: str
) -> None:
    text = embedded.liberty.replace(f"{missing} ()", "minimum_period ()")
    (tmp_path / "bare.lib").write_text(text)
    with pytest.raises(ValueError, match=f"must have {missing} tables"):
        Technology.from_liberty([tmp_path / "bare.lib"])


def test_a_restriction_to_unknown_cells_is_refused(embedded: Technology) -> None:
    with pytest.raises(ValueError, match=r"must name cells of .*, not \['nand9'\]"):
        embedded.restricted(["nand9", HD + "nand2_1"])


def test_an_unwritable_cache_is_refused(
    embedded: Technology, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("AFP_HW_CACHE", str(tmp_path / "file"))
    with pytest.raises(ValueError, match="must be a writable folder"):
        embedded.liberty_path()


@needs(SKY130)
def test_embedded_table_is_what_the_script_extracts(embedded: Technology, full: Technology) -> None:
    text = (files("afp_hw.synth") / "sky130.json").read_text()
    table = json.loads(text)
    head = {key: table[key] for key in ("name", "description", "source", "voltage_v")}
    cells = [full.cells[name] for name in embedded.cells]
    assert table_text(cells, table["slews_ps"], table["loads_ff"], **head) == text
    for cell, name in zip(cells, cells_of(table), strict=True):
        assert_same(embedded.cells[name], cell, 1e-3)


@needs(SKY130)
def test_full_library_is_read_whole(full: Technology) -> None:
    assert len(full.cells) == 428
    assert full.nand2_area_um2 == 3.7536
    assert not any("lpflow" in cell.name or "dlx" in cell.name for cell in full.usable)
    fah = full.cells[HD + "fah_1"]
    assert [pin.name for pin in fah.outputs] == ["COUT", "SUM"]
    mean = sum(value for value in (0.0002796, 3.005879e-05, 0.0079423, 0.0002199)) / 4
    assert full.cells[HD + "nand2_1"].leakage_w == pytest.approx(mean * 1e-9)


@needs(*ASAP7)
def test_three_files_of_asap7_make_one_technology() -> None:
    asap7 = Technology.from_liberty(ASAP7)
    assert asap7.name == "asap7sc7p5t"
    assert asap7.voltage_v == 0.7
    dff = asap7.flip_flop
    assert dff is not None
    assert dff.flip_flop is not None
    assert (dff.name, dff.flip_flop.next_state, dff.outputs[0].function) == (
        "DFFHQNx1_ASAP7_75t_R",
        "!D",
        "IQN",
    )
    # 192.231 to 260.532 pW, eight states, through VDD only
    assert dff.leakage_w == pytest.approx(229.737e-12, rel=1e-4)
    assert 1e-16 < dff.input_energy_j("CLK") < 1e-15
