"""One small processing element, synthesised once, with its netlists and its document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from afp_hw.cli.main import main
from afp_hw.synth import Technology

DESIGN = ["--weights", "e3m1", "--acts", "ue3m2", "--k", "144"]
RUN = ["--recipe", "prefix", "--jobs", "1"]


@pytest.fixture(scope="session")
def technology() -> Technology:
    return Technology.sky130()


@pytest.fixture(scope="session")
def anatomy_text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What ``afp-hw synth pe`` writes for the embedded network's largest layer."""
    folder = tmp_path_factory.mktemp("anatomy")
    assert main(["synth", "pe", *DESIGN, *RUN, "-o", str(folder)]) == 0
    return Path(folder, "pe_e3m1_ue3m2_k144.anatomy.json").read_text()


@pytest.fixture(scope="session")
def anatomy(anatomy_text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(anatomy_text)
    return found
