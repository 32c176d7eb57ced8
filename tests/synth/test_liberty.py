"""Liberty files: what is read is what the text says, in SI units; what is no library is refused."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from afp_hw.synth.cells import Arc, FlipFlop, Table
from afp_hw.synth.liberty import Library, read_liberty

# Units on purpose unlike those of any real library: 10 ps, 10 fF, 100 mV, 1 pW, so that an energy
# of 1 is 10 fF * (0.1 V)**2 = 1e-16 J.
HEAD = """
library ("odd") { /* a comment; with { a brace */
  time_unit : "10ps"; voltage_unit : "100mV"; leakage_power_unit : "1pW";
  capacitive_load_unit (10, "ff");
  nom_voltage : 18;
  lu_table_template (delay) {
    variable_1 : input_net_transition; variable_2 : total_output_net_capacitance;
    index_1 ("1, 2"); index_2 ("1, 3");
  }
  lu_table_template (turned) {
    variable_1 : total_output_net_capacitance; variable_2 : input_net_transition;
    index_1 ("1, 3"); index_2 ("1, 2");
  }
  lu_table_template (setup) {
    variable_1 : related_pin_transition; variable_2 : constrained_pin_transition;
    index_1 ("1, 2"); index_2 ("1, 2");
  }
  power_lut_template (load) { variable_1 : total_output_net_capacitance; index_1 ("1, 3"); }
"""
NAND2 = """
  cell (NAND2) {
    area : 1.5
    pg_pin (VDD) { pg_type : primary_power; } pg_pin (VSS) { pg_type : primary_ground; }
    leakage_power () { value : 2; when : "A B"; related_pg_pin : VDD; }
    leakage_power () { value : 4; when : "!A"; related_pg_pin : VDD; }
    leakage_power () { value : 99; related_pg_pin : VDD; }
    leakage_power () { value : 50; when : "!A"; related_pg_pin : VSS; }
    pin (A) { direction : input; capacitance : 0.2; }
    pin (B) { direction : input; capacitance : 0.3;
      internal_power () { when : "A"; rise_power (scalar) { values ("3"); } }
      internal_power () { when : "!A"; power (scalar) { values ("1"); } }
    }
    pin (Y) { direction : output; function : "!(A B)"; max_capacitance : 7;
      timing () { related_pin : "A B"; timing_sense : negative_unate;
        cell_rise (delay) { values ("1, 2", \\
          "3, 4"); }
        cell_fall (turned) { values ("1, 2", "3, 4"); }
        rise_transition (delay) { index_1 ("1, 2, 4"); values ("1, 2, 3, 4, 5, 6"); }
        fall_transition (scalar) { values ("5"); }
      }
      internal_power () { related_pin : "A"; related_pg_pin : VDD;
        rise_power (load) { values ("4, 8"); } fall_power (load) { values ("0, -2"); }
      }
      internal_power () { related_pin : "B"; related_pg_pin : VDD;
        rise_power (load) { values ("8, 8"); } fall_power (load) { values ("0, 2"); }
      }
      internal_power () { related_pin : "A"; related_pg_pin : VSS;
        rise_power (load) { values ("1000, 1000"); } fall_power (load) { values ("0, 0"); }
      }
    }
  }
"""
DFF = """
  cell (DFF) { area : 5; cell_leakage_power : 6;
    ff (IQ, IQN) { clocked_on : "CK"; next_state : "D"; }
    pin (CK) { direction : input; clock : true; capacitance : 0.1; }
    pin (D) { direction : input; capacitance : 0.1;
      timing () { related_pin : CK; timing_type : setup_rising;
        rise_constraint (setup) { values ("1, 2", "3, 4"); }
        fall_constraint (setup) { values ("5, 6", "7, 8"); }
      }
      timing () { related_pin : CK; timing_type : hold_rising;
        rise_constraint (setup) { values ("1, 2", "3, 4"); }
      }
    }
    pin (Q) { direction : output; function : "IQ"; }
  }
"""
LATCH = """
  cell (LATCH) { area : 4;
    latch (IQ, IQN) { enable : "G"; data_in : "D"; }
    pin (G) { direction : input; } pin (D) { direction : input; }
    pin (Q) { direction : output; function : "IQ"; }
  }
"""
INV = """
  cell (INV) { area : 1; dont_use : true; pin (A) { direction : input; }
    pin (Y) { direction : output; function : "!A"; }
  }
"""


def library(folder: Path, text: str, name: str = "odd.lib") -> Library:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_liberty([path])


@pytest.fixture
def odd(tmp_path: Path) -> Library:
    return library(tmp_path, HEAD + NAND2 + DFF + LATCH + INV + "}\n")


def test_units_are_those_of_the_text(odd: Library) -> None:
    nand2 = odd.cells["NAND2"]
    assert odd.name == "odd"
    assert odd.voltage_v == pytest.approx(1.8)
    assert nand2.area_um2 == 1.5
    assert [pin.name for pin in nand2.inputs] == ["A", "B"]
    assert [pin.capacitance_f for pin in nand2.inputs] == pytest.approx([2e-15, 3e-15])
    assert nand2.pin("Y").max_load_f == pytest.approx(70e-15)
    assert nand2.pin("Y").function == "!(A B)"


def test_leakage_is_the_mean_of_the_states_without_the_ground_pin(odd: Library) -> None:
    assert odd.cells["NAND2"].leakage_w == pytest.approx(3e-12)
    assert odd.cells["DFF"].leakage_w == pytest.approx(6e-12)


def test_internal_energy_is_the_mean_of_edges_and_arcs(odd: Library) -> None:
    nand2 = odd.cells["NAND2"]
    # at load 1: ((4 + 0) / 2 + (8 + 0) / 2) / 2 = 3; at load 3: ((8 - 2) / 2 + (8 + 2) / 2) / 2 = 4
    for load, units in ((1, 3.0), (3, 4.0), (2, 3.5), (5, 5.0)):
        energy = nand2.internal_energy_j("Y", load * 10e-15, 1e-11)
        assert energy == pytest.approx(units * 1e-16)


def test_an_edge_without_table_costs_nothing(odd: Library) -> None:
    nand2 = odd.cells["NAND2"]
    assert nand2.input_energy_j("B") == pytest.approx((3 / 2 + 1) / 2 * 1e-16)
    assert nand2.input_energy_j("A") == 0.0
    with pytest.raises(KeyError, match="Z"):
        nand2.input_energy_j("Z")


def test_delays_keep_their_axes_in_either_order(odd: Library) -> None:
    arcs = odd.cells["NAND2"].arcs
    assert [(arc.related, arc.pin, arc.kind, arc.sense) for arc in arcs] == [
        (related, "Y", "combinational", "negative_unate") for related in "AB"
    ]
    rise, fall = arcs[0].rise, arcs[0].fall
    slew, short = arcs[0].rise_slew, arcs[0].fall_slew
    assert rise is not None
    assert fall is not None
    assert slew is not None
    assert short is not None
    assert rise.at(1e-11, 30e-15) == pytest.approx(20e-12)
    assert fall.at(1e-11, 30e-15) == pytest.approx(30e-12)
    assert slew.rows == pytest.approx((1e-11, 2e-11, 4e-11))
    assert slew.at(3e-11, 20e-15) == pytest.approx(45e-12)
    assert short.at(9e-11, 99e-15) == pytest.approx(50e-12)


def test_flip_flops_have_setup_and_no_hold(odd: Library) -> None:
    dff = odd.cells["DFF"]
    assert dff.flip_flop == FlipFlop("D", "CK", "IQ", "IQN")
    assert [pin.clock for pin in dff.inputs] == [True, False]
    rise = Table((1e-11, 2e-11), (1e-11, 2e-11), ((1e-11, 2e-11), (3e-11, 4e-11)))
    [arc] = dff.arcs
    assert isinstance(arc, Arc)
    assert (arc.related, arc.pin, arc.kind) == ("CK", "D", "setup_rising")
    assert arc.rise is not None
    assert arc.rise.at(2e-11, 1e-11) == pytest.approx(rise.at(2e-11, 1e-11))


def test_what_synthesis_cannot_use_is_marked(odd: Library, tmp_path: Path) -> None:
    assert {name for name, cell in odd.cells.items() if cell.dont_use} == {"LATCH", "INV"}
    more = read_liberty([tmp_path / "odd.lib"], dont_use=["NAND?"])
    assert {name for name, cell in more.cells.items() if not cell.dont_use} == {"DFF"}


def test_several_files_compressed_or_not_make_one_library(tmp_path: Path) -> None:
    first, second = tmp_path / "a.lib.gz", tmp_path / "b.lib"
    first.write_bytes(gzip.compress((HEAD + NAND2 + "}").encode()))
    second.write_text(HEAD.replace('"odd"', "odd_ff").replace("10ps", "1ps") + DFF + "}")
    both = read_liberty([first, second])
    assert (both.name, list(both.cells)) == ("odd", ["NAND2", "DFF"])
    rise = both.cells["DFF"].arcs[0].rise
    assert rise is not None
    assert rise.at(1e-12, 1e-12) == pytest.approx(1e-12)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "odd.lib must be a Liberty file, not one that begins ''"),
        ("}", "odd.lib must be a Liberty file, not one that begins '}'"),
        ("module top; endmodule", "not one that begins 'module top; endmodule'"),
        ("cell (X) { }", "not one that begins 'cell (X) { }'"),
        (HEAD + NAND2, "odd.lib must be a whole Liberty file, not one that breaks off in line 50"),
        (HEAD + NAND2[:400], "in line 26, inside cell 'NAND2'"),
        (HEAD + NAND2 + NAND2 + "}", "odd.lib: cell 'NAND2' must be defined once, not twice"),
        (HEAD.replace("10ps", "10 bananas") + "}", "time_unit must be a unit such as '1ns'"),
        (HEAD.replace("nom_voltage : 18;", "") + "}", "must state nom_voltage"),
        (HEAD + NAND2.replace('"3, 4"); }', '"3"); }', 1) + "}", "must have 2 x 2 values, not 3"),
        (HEAD + NAND2.replace("area : 1.5", "area : big") + "}", "cell 'NAND2' must be whole"),
        (HEAD + NAND2.replace("direction : output;", "") + "}", "cell 'NAND2' must be whole"),
        (
            HEAD.replace("input_net_transition", "temperature") + NAND2 + "}",
            "table 'delay' must be over transition times and load",
        ),
    ],
)
def test_bad_files_are_refused_in_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        library(tmp_path, text)


def test_a_damaged_gzip_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.lib.gz"
    path.write_bytes(gzip.compress((HEAD + NAND2 + "}").encode())[:-20])
    with pytest.raises(ValueError, match=r"cut\.lib\.gz must be a whole gzip file"):
        read_liberty([path])


def test_no_file_and_two_voltages_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one Liberty file"):
        read_liberty([])
    with pytest.raises(FileNotFoundError):
        read_liberty([tmp_path / "absent.lib"])
    (tmp_path / "a.lib").write_text(HEAD + NAND2 + "}")
    (tmp_path / "b.lib").write_text(HEAD.replace(": 18", ": 33") + DFF + "}")
    with pytest.raises(ValueError, match="must have one voltage"):
        read_liberty([tmp_path / "a.lib", tmp_path / "b.lib"])
