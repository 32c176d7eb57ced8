"""What an installation contains: every folder is a package, every data file is listed."""

import fnmatch
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "afp_hw"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_folder_is_a_package_with_a_docstring() -> None:
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert len(folders) > 8
    for folder in folders:
        assert (folder / "__init__.py").read_text().startswith('"""'), folder


def test_data_files_are_installed() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    data = [
        path
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"} and path.name != ".gitignore"
    ]
    assert {"py.typed", "fashion_resnet.onnx", "harness.cpp"} <= {path.name for path in data}
    for path in data:
        assert any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns), path
        assert (path.parent / "__init__.py").is_file(), f"{path} would not be installed"


def test_every_dependency_has_its_reason_and_bounds() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    dependencies = [line for line in lines if re.match(r'\s+"[\w-]+>=', line)]
    assert len(dependencies) > 15
    for line in dependencies:
        assert re.search(r'>=[\d.]+,<[\d.]+",\s+# \w', line), line


def test_all_is_all() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    match = re.fullmatch(r"afp-hw\[(.*)\]", extras["all"][0])
    assert match
    assert set(match[1].split(",")) == set(extras) - {"all", "fpga"}
