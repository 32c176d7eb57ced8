"""The pages of ``docs/``: nothing left out, every command there is, every shown one printed so."""

import importlib
import pkgutil
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import click
import pytest
from amaranth.lib import wiring

from afp_hw import (
    design,
    embedded,
    formats,
    golden,
    hdl,
    network,
    program,
    quantize,
    rtlsim,
    schedule,
    synth,
    verilog,
)
from afp_hw.cli.main import root
from afp_hw.network.onnx_operators import OPERATORS
from tests.shown_commands import ROOT, run_shown, shown

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *PAGES]}
SHOWING = [path for path in PAGES if shown(TEXTS[path.name])]
PUBLIC = (
    formats, golden, design, quantize, network, schedule, verilog, rtlsim, program, synth, embedded,
)  # fmt: skip


def mentioned(page: str) -> list[str]:
    """Every command that a page speaks of, in a span of code or on a line of a block."""
    spans = re.findall(r"(?<!`)`(afp-hw [^`]+)`(?!`)", page)
    lines = re.findall(r"^(?: {4})?(?:\$ )?(afp-hw .+)$", page, re.MULTILINE)
    texts = [" ".join(text.split()) for text in [*spans, *lines]]
    return [text for text in texts if not re.fullmatch(r"afp-hw [a-z ]+ \d+", text)]  # a schema


def unknown(text: str) -> list[str]:
    """Words of a command that `afp-hw` would not take: subcommands and options."""
    command: click.Command = root
    context = click.Context(command)
    words = shlex.split(text)[1:]
    while isinstance(command, click.Group):
        if not words or words[0] in {"COMMAND", "-h", "--help"}:
            return []
        try:
            _, found, words = command.resolve_command(context, words)
        except click.UsageError:
            return words[:1]
        assert found is not None
        command = found
    options = {"-h", "--help"}
    for parameter in command.params:
        options |= {*parameter.opts, *parameter.secondary_opts}
    return [word for word in words if word.startswith("-") and word not in options]


def test_every_page_is_in_the_table_of_contents() -> None:
    trees = re.findall(r"```\{toctree\}\n(.*?)```", TEXTS["index.md"], re.DOTALL)
    entries = re.findall(r"^[\w-]+$", "\n".join(trees), re.MULTILINE)
    assert sorted(entries) == [path.stem for path in PAGES if path.name != "index.md"]


@pytest.mark.parametrize("name", TEXTS)
def test_every_command_and_option_spoken_of_exists(name: str) -> None:
    assert {text: words for text in mentioned(TEXTS[name]) if (words := unknown(text))} == {}


def test_words_that_a_command_does_not_take_are_found() -> None:
    assert unknown("afp-hw quantise embedded") == ["quantise"]
    assert unknown("afp-hw search embedded --budget 4.8") == ["--budget"]
    assert unknown("afp-hw plot bits embedded --formats f.json -o gen/out") == []
    assert sum(len(mentioned(text)) for text in TEXTS.values()) > 40


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_links_between_pages_lead_to_files(path: Path) -> None:
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", TEXTS[path.name])
    assert [link for link in links if not (DOCS / link).exists()] == []


def test_the_limits_name_every_operator_that_a_network_may_have() -> None:
    assert set(OPERATORS) <= set(re.findall(r"`(\w+)`", TEXTS["limits.md"]))


def test_the_tutorial_shows_commands() -> None:
    assert len(shown(TEXTS["tutorial.md"])) > 10


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", [path for path in PAGES if shown(TEXTS[path.name])], ids=lambda path: path.stem
)
def test_every_command_prints_what_its_page_shows(path: Path, tmp_path: Path) -> None:
    assert run_shown(TEXTS[path.name], tmp_path) == len(shown(TEXTS[path.name]))


def components() -> set[str]:
    """Every hardware component, by its full name."""
    found = set()
    for info in pkgutil.iter_modules(hdl.__path__, f"{hdl.__name__}."):
        for name, thing in vars(importlib.import_module(info.name)).items():
            component = isinstance(thing, type) and issubclass(thing, wiring.Component)
            if component and thing.__module__ == info.name:
                found.add(f"{info.name}.{name}")
    return found


def test_pages_build_without_a_warning_and_have_every_command_component_and_public_name(
    tmp_path: Path,
) -> None:
    command = ["-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-d", str(tmp_path / "d")]
    run = subprocess.run(
        [sys.executable, *command, str(DOCS), str(tmp_path / "html")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")

    def built(name: str) -> set[str]:
        text = (tmp_path / "html" / f"{name}.html").read_text(encoding="utf-8")
        # No address of an object, which would differ from one build to the next.
        assert not re.search(r"object at 0x|&lt;(function|factory)", text)
        return set(re.findall(r'\bid="([^"]+)"', text))

    context = click.Context(root)
    assert {f"afp-hw-{name}" for name in root.list_commands(context)} - built("commands") == set()
    assert len(components()) > 70
    assert components() - built("hardware") == set()
    # Classes and functions; constants and names of types have no docstring.
    names = {
        f"{package.__name__}.{name}"
        for package in PUBLIC
        for name in package.__all__
        if isinstance(getattr(package, name), type | FunctionType)
    }
    assert len(names) > 80
    assert names - built("python") == set()
