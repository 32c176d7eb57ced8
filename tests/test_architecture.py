"""The arrows of ``docs/architecture.md``: who may import whom."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "afp_hw"

# Modules beside the folders, of the standard library alone: everyone may import them.
BASE = {"errors", "files", "probes", "processor", "tools"}

# Direct arrows; what a folder may import is these, what those may import, and the base.
ARROWS: dict[str, set[str]] = {
    "formats": set(),
    "design": {"formats"},
    "golden": {"formats"},
    "hdl": {"formats", "design"},
    "schedule": {"formats", "design"},
    "quantize": {"formats", "golden"},
    "network": {"formats", "golden", "quantize"},
    "program": {"network", "design", "schedule"},
    "search": {"network"},
    "report": {"search", "explore"},
    "embedded": {"formats"},
    "verilog": {"hdl"},
    "rtlsim": {"verilog", "program"},
    "synth": {"verilog", "rtlsim"},
    "certify": {"rtlsim", "synth"},
    "anatomy": {"synth"},
    "compare": {"synth"},
    "energy": {"compare"},
    "explore": {"energy", "search", "embedded", "program"},
    "exports": {"energy"},
}
EVERYTHING = {"cli", "__init__", "__main__"}

STANDARD_ONLY = {"formats", "design", "errors", "files", "probes", "processor", "tools"}
REFUSED = {"golden": {"amaranth"}, "hdl": {"numpy"}, "schedule": {"amaranth"}, "verilog": {"numpy"}}


def allowed(folder: str) -> set[str]:
    """Folders that `folder` may import, the arrows followed to their end."""
    reached = set(BASE) | {folder}
    waiting = {folder}
    while waiting:
        further = ARROWS.get(waiting.pop(), set()) - reached
        reached |= further
        waiting |= further
    return reached


def imports(path: Path) -> list[tuple[int, str]]:
    """Line and dotted name of each import in a file, wherever it stands; relative ones resolved."""
    package = ["afp_hw", *path.relative_to(PACKAGE).parts[:-1]]
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            if module == "afp_hw":  # a folder, or one of the names of the package itself
                names = [alias.name for alias in node.names]
                found += [
                    (node.lineno, f"afp_hw.{name}" if (PACKAGE / name).is_dir() else module)
                    for name in names
                ]
            else:
                found.append((node.lineno, module))
    return found


FILES = sorted(PACKAGE.rglob("*.py"))


def folder_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_folder_of_the_package_has_its_arrows() -> None:
    assert len(FILES) > 40
    assert {folder_of(path) for path in FILES} <= set(ARROWS) | EVERYTHING | BASE


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_import_points_back(path: Path) -> None:
    folder = folder_of(path)
    wrong = []
    for line, name in imports(path):
        top, *rest = name.split(".")
        if top == "afp_hw":
            if rest and folder not in EVERYTHING and rest[0] not in allowed(folder):
                wrong.append(f"line {line}: {folder} must not import {name}")
        elif folder in STANDARD_ONLY and top not in sys.stdlib_module_names:
            wrong.append(f"line {line}: {folder} must import the standard library only, not {name}")
        elif top in REFUSED.get(folder, ()):
            wrong.append(f"line {line}: {folder} must not import {name}")
    assert not wrong, "\n".join(wrong)


def test_an_arrow_that_points_back_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    bad = tmp_path / "golden" / "bad.py"
    bad.parent.mkdir()
    (tmp_path / "hdl").mkdir()
    bad.write_text(
        "from ..hdl import pe\nfrom afp_hw import hdl\ndef f():\n    import amaranth.lib\n"
    )
    assert imports(bad) == [(1, "afp_hw.hdl"), (2, "afp_hw.hdl"), (4, "amaranth.lib")]
    with pytest.raises(AssertionError, match=r"line 2: golden must not import afp_hw\.hdl"):
        test_no_import_points_back(bad)
