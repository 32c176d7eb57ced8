"""The table of memories: figures, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from afp_hw.energy.memory import MemoryTable

GOOD = """
name = "mine"
[system]
bank_kib = 4
on_chip_kib = 64
[[sram]]
kib = 4
access_bits = 32
access_pj = 1.6
[dram]
access_bits = 128
access_pj = 640
"""


def test_the_embedded_table_is_the_published_one() -> None:
    table = MemoryTable.embedded()
    assert "Horowitz" in table.name
    assert table.bank.bit_j == pytest.approx(20e-12 / 64)
    assert table.dram.bit_j == pytest.approx(1300e-12 / 64)


def test_a_table_of_the_users_takes_its_place(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GOOD)
    table = MemoryTable.load(tmp_path / "mine.toml")
    assert (table.name, table.bank_kib, table.on_chip_kib) == ("mine", 4, 64)
    assert table.bank.bit_j == pytest.approx(0.05e-12)
    assert table.dram.bit_j == pytest.approx(5e-12)
    assert table.as_json()["dram_pj_per_bit"] == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('name = "mine"', "", r"mine\.toml must have the key 'name'"),
        ('name = "mine"', 'name = "mine"\nrows = 1', r"mine\.toml must not have the key 'rows'"),
        ("bank_kib = 4", "bank_kib = 8", r"\[system\] bank_kib must be one of 4, not 8"),
        ("on_chip_kib = 64", "on_chip_kib = 0", r"on_chip_kib must be a whole number of at least"),
        ("access_pj = 640", "access_pj = -1", r"\[dram\] access_pj must be a number of at least 0"),
        ("access_pj = 640", "access_pj = inf", r"\[dram\] access_pj must be a number of at least"),
        ("access_bits = 32", "access_bits = 32.5", r"\[\[sram\]\] access_bits must be a whole"),
        ("[dram]", "[sdram]", r"mine\.toml must have the key 'dram'"),
        ("[system]", "[system", r"mine\.toml must be TOML, not text with the error"),
        ("[[sram]]", "[sram]", r"mine\.toml sram must be a list of tables"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(old: str, new: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        MemoryTable.parse(GOOD.replace(old, new), "mine.toml")


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"mine\.toml must be TOML in UTF-8, not binary"):
        MemoryTable.load(tmp_path / "mine.toml")
