"""Where trivial jobs leave their traces."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.explore.trivial_jobs import FOLDER


@pytest.fixture
def traces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that trivial jobs of this process and its workers write to."""
    folder = tmp_path / "traces"
    folder.mkdir()
    monkeypatch.setenv(FOLDER, str(folder))
    return folder
