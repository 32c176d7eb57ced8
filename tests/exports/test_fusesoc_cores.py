"""Cores of a processing element, an array and a requantizer, read and run by FuseSoC itself."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import afp_hw
from afp_hw.cli.main import main
from afp_hw.design.recipe import parse_recipe
from tests.fusesoc_command import fusesoc

RECIPE = '[design]\nweights = "{fmt}"\nacts = "{fmt}"\nrows = 2\ncols = 2\nk = 64\n'
DESIGN = parse_recipe(RECIPE.format(fmt="e2m1"))
CORES = {
    "pe": DESIGN.pe_name,
    "array": DESIGN.array_name,
    "requantizer": DESIGN.requantizer_name,
}


def export(folder: Path, fmt: str = "e2m1") -> Path:
    recipe = folder / "small.toml"
    recipe.write_text(RECIPE.format(fmt=fmt))
    out = folder / "cores"
    assert main(["export", "fusesoc", "--design", str(recipe), "-o", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def cores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tmp_path_factory.mktemp("cores"))


def test_every_piece_has_its_verilog_manifest_and_core(cores: Path) -> None:
    names = sorted(path.name for path in cores.iterdir())
    assert names == sorted(f"{n}.{end}" for n in CORES.values() for end in ("core", "json", "v"))


@pytest.mark.parametrize("kind", CORES)
def test_fusesoc_reads_a_core(kind: str, cores: Path, tmp_path: Path) -> None:
    name = f"afp-hw:{kind}:{CORES[kind]}"
    shown = fusesoc("--cores-root", str(cores), "core", "show", name, folder=tmp_path)
    assert f"{name}:{afp_hw.__version__}" in shown
    for target in ("default", "lint", "synth"):
        assert re.search(rf"^{target} ", shown, re.MULTILINE)
    assert "driver" not in shown


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize("kind", CORES)
def test_fusesoc_lints_its_verilog(kind: str, cores: Path, tmp_path: Path) -> None:
    name = f"afp-hw:{kind}:{CORES[kind]}"
    fusesoc("--cores-root", str(cores), "run", "--target", "lint", name, folder=tmp_path)


def test_integers_come_without_a_requantizer(tmp_path: Path) -> None:
    kinds = {path.name.partition("_")[0] for path in export(tmp_path, "int4").iterdir()}
    assert kinds == {"pe", "array"}
