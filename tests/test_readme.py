"""The README's commands, run in their order, print what it shows."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")

FORMATS = [
    "e2m1", "e2m2", "e2m3", "e3m0", "e3m1", "e3m2", "e4m3", "int4", "int5", "int6", "int8",
    "fp8e4m3", "bf16", "fp32",
]  # fmt: skip
"""Rows of the table at the top."""

# What depends on the machine: its speed, whether OpenSTA is installed, and how its processor orders
# sums in floating point, by which a search weighs formats that are almost equally good; and with
# the formats what a compiled network takes.
VARYING = [
    r"[\d,]+ (k )?cycles per CPU second",
    r"^(conv1|block\d\.\w+|pool\.out|fc|total) .*(stationary|weights|outputs|side|\d).*$",
    r"^(fashion_resnet: image|cycles of waiting|bytes over the bus|utilisation|  compared) .*$",
    r"│ critical path .*(\n│ +│ .*)*",
    r"│ \d\.\d\d │",
    r"│ u?e\d+m\d+ +",
    r"^ *(accuracy|agreement|logit error|average bits|energy  ).*$",
]


def shown() -> list[tuple[str, str]]:
    """Command and output of each indented block that begins with a prompt."""
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", README, re.MULTILINE)
    pairs = []
    for block in blocks:
        text = re.sub(r"^    ", "", block, flags=re.MULTILINE).strip("\n")
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            pairs.append((command, output.strip("\n")))
    return pairs


def rows_of(columns: int) -> dict[str, list[str]]:
    """Rows of numbers of the README's tables with so many of them, by their first cell."""
    found = re.findall(rf"^\| (\w+) \|((?: (?:[\d,.]+|–) \|){{{columns}}})$", README, re.MULTILINE)
    rows = {name: cells.strip(" |").split(" | ") for name, cells in found}
    assert len(rows) == len(found)
    return rows


def number(cell: str) -> float:
    return 0.0 if cell == "–" else float(cell.replace(",", ""))


def settled(text: str) -> list[str]:
    """Lines without what varies and without trailing blanks."""
    for pattern in VARYING:
        text = re.sub(pattern, "...", text, flags=re.MULTILINE)
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def afp_hw(command: str, folder: Path) -> str:
    """What a command of the README prints, run in `folder`."""
    program, *arguments = shlex.split(command)
    assert program == "afp-hw"
    run = subprocess.run(
        [sys.executable, "-m", "afp_hw", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, ""), command
    return run.stdout


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
    printed = {command.split()[1] for command, _ in shown()}
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
    commands = shown()
    (tmp_path / "gen").mkdir()
    for recipe in [*(ROOT / "gen").glob("*.toml"), *(ROOT / "gen").glob("*.csv")]:
        shutil.copy(recipe, tmp_path / "gen")
    for command, output in commands:
        assert settled(afp_hw(command, tmp_path)) == settled(output), command


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
