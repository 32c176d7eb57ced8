"""The notebook in ``examples/`` runs, and shows what it shows on a forge."""

import copy
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from traitlets.config import Config

from tests.shown_commands import ROOT

NOTEBOOK = nbformat.read(ROOT / "examples" / "afp_in_ten_minutes.ipynb", as_version=4)


def texts(notebook: Any) -> list[list[str]]:
    """What each cell of code prints; a picture counts by its kind, as fonts may differ."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert all(output.get("name") != "stderr" for output in cell.outputs)
            found.append([output.get("text", "image/png") for output in cell.outputs])
    return found


def test_the_stored_notebook_is_valid_and_has_its_outputs() -> None:
    nbformat.validate(NOTEBOOK)
    assert all(texts(NOTEBOOK))
    assert texts(NOTEBOOK).count(["image/png"]) == 1
    assert "execution" not in str([cell.metadata for cell in NOTEBOOK.cells])


def test_every_cell_prints_what_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    # Sockets in a folder instead of open ports.
    config = Config(
        {"KernelManager": {"transport": "ipc", "connection_file": str(tmp_path / "kernel.json")}}
    )
    notebook = copy.deepcopy(NOTEBOOK)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(
        notebook, kernel_name="python3", resources=resources, config=config, timeout=300
    ).execute()
    assert texts(notebook) == texts(NOTEBOOK)
