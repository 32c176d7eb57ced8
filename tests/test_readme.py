"""The README's commands, run in their order, print what it shows."""

import json
import re
from pathlib import Path

import pytest

from tests.shown_commands import ROOT, afp_hw, run_shown, shown

README = (ROOT / "README.md").read_text(encoding="utf-8")

FORMATS = [
    "e2m1", "e2m2", "e2m3", "e3m0", "e3m1", "e3m2", "e4m3", "int4", "int5", "int6", "int8",
    "fp8e4m3", "bf16", "fp32",
]  # fmt: skip
"""Rows of the table at the top."""


def rows_of(columns: int) -> dict[str, list[str]]:
    """Rows of numbers of the README's tables with so many of them, by their first cell."""
    found = re.findall(rf"^\| (\w+) \|((?: (?:[\d,.]+|–) \|){{{columns}}})$", README, re.MULTILINE)
    rows = {name: cells.strip(" |").split(" | ") for name, cells in found}
    assert len(rows) == len(found)
    return rows


def number(cell: str) -> float:
    return 0.0 if cell == "–" else float(cell.replace(",", ""))


def test_the_first_lines_have_the_two_commands() -> None:
    beginning = "\n".join(README.splitlines()[:40])
    assert "make demo" in beginning
    assert "make test" in beginning
    assert "apt install" in beginning


def test_links_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(links) > 3
    assert all((ROOT / link).exists() for link in links)


def test_every_main_command_is_shown() -> None:
    printed = {command.split()[1] for command, _ in shown(README)}
    assert printed >= {
        "quantize", "search", "evaluate", "plot", "verilog", "simulate", "synth", "compare",
        "certify", "compile", "run",
    }  # fmt: skip
    # A network takes too long to be run here: its table is in docs/energy.md too.
    assert "`afp-hw energy --design gen/square16.toml`" in README


def test_ratios_are_those_of_the_numbers() -> None:
    rows = rows_of(7)
    assert list(rows) == FORMATS
    for column, ratio in ((0, 5), (4, 6)):
        whole = number(rows["int8"][column])
        for name, cells in rows.items():
            one = number(cells[column])
            # Numbers are shown to one unit, ratios to a hundredth.
            low, high = (one - 0.5) / (whole + 0.5) - 0.005, (one + 0.5) / (whole - 0.5) + 0.005
            assert low <= number(cells[ratio]) <= high, name


def test_the_energies_of_a_network_add_up() -> None:
    rows = rows_of(6)
    assert list(rows) == ["array", "edges", "requantizer", "packing", "SRAM", "DRAM", "total"]
    for total, *parts in zip(rows.pop("total"), *rows.values(), strict=True):
        assert abs(number(total) - sum(map(number, parts))) <= len(parts) / 2  # each rounded
    page = (ROOT / "docs" / "energy.md").read_text(encoding="utf-8")
    for name, cells in rows.items():
        assert f"| {name} | {' | '.join(cells)} |" in page


@pytest.mark.slow
def test_every_command_prints_what_the_readme_shows(tmp_path: Path) -> None:
    assert run_shown(README, tmp_path) > 10


@pytest.mark.slow
def test_the_table_has_what_compare_measures(tmp_path: Path) -> None:
    """Of the quickest formats; delays are OpenSTA's where it is installed, so they may differ."""
    rows = rows_of(7)
    document = json.loads(afp_hw("afp-hw compare --formats e2m1,int4 --json", tmp_path))
    keys = ("area_um2", "area_nand2", "energy_fj", "energy_glitch_fj")
    for row in document["rows"]:
        area, nand2, _delay, *energies = rows[row["format"]][:5]
        assert [area, nand2, *energies] == [f"{row[key]:,.0f}" for key in keys], row["format"]


def test_the_python_example_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
