"""Commands that a page shows, and what they print: taken out of its Markdown, and run."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

# What depends on the machine: its speed, whether OpenSTA is installed, and how its processor orders
# sums in floating point, by which a search weighs formats that are almost equally good; and with
# the formats what a compiled network takes.
VARYING = [
    r"[\d,]+ (k )?cycles per CPU second",
    r"^(conv1|block\d\.\w+|pool\.out|fc|total) .*(stationary|weights|outputs|side|\d).*$",
    r"^(fashion_resnet: image|cycles of waiting|bytes over the bus|utilisation|  compared) .*$",
    r"│ critical path .*(\n│ +│ .*)*",
    r"│ \d\.\d\d │",
    r"^│ \S+ +│ (–|\d\.\d) +│ \d+ +│ \d+ +│ .*$",  # a point of a front
    r"│ u?e\d+m\d+ +",
    r"computed now in \d+ s",
    r"^ +embedded: \d+ points on the front +$",
    r"^ *(accuracy|agreement|logit error|average bits|energy  ).*$",
]


def shown(page: str) -> list[tuple[str, str]]:
    """Command and output of each indented block, or fence of a console, that begins with a prompt.

    A bare fence is for what needs a tool that is optional: nobody runs it.
    """
    page = re.sub(r"^```console\n((?:.*\n)*?)```$", _indented, page, flags=re.MULTILINE)
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", page, re.MULTILINE)
    pairs = []
    for block in blocks:
        text = re.sub(r"^    ", "", block, flags=re.MULTILINE).strip("\n")
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            pairs.append((command, output.strip("\n")))
    return pairs


def _indented(fence: re.Match[str]) -> str:
    return re.sub(r"^(?=.)", "    ", fence[1], flags=re.MULTILINE)


def settled(text: str) -> list[str]:
    """Lines without what varies, and without the widths of columns, which vary with it.

    Of lines that vary as wholes one is left: a front has a row more on another processor.
    """
    for pattern in VARYING:
        text = re.sub(pattern, "...", text, flags=re.MULTILINE)
    lines = [re.sub(r" +", " ", line).strip() for line in text.strip("\n").splitlines()]
    lines = [re.sub(r"([━─])+", r"\1", line) for line in lines]
    return [
        line
        for line, before in zip(lines, ["", *lines], strict=False)
        if not line == before == "..."
    ]


def afp_hw(command: str, folder: Path) -> str:
    """What a command of a page prints, run in `folder`."""
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


def run_shown(page: str, folder: Path) -> int:
    """Run the commands of a page in their order, beside the recipes; returns how many there are.

    One that is shown without its output only has to succeed.

    Raises
    ------
    AssertionError
        A command fails, or prints something else.
    """
    (folder / "gen").mkdir()
    for recipe in [*(ROOT / "gen").glob("*.toml"), *(ROOT / "gen").glob("*.csv")]:
        shutil.copy(recipe, folder / "gen")
    commands = shown(page)
    for command, output in commands:
        printed = afp_hw(command, folder)
        assert not output or settled(printed) == settled(output), command
    return len(commands)
