"""FuseSoC as a user runs it: another one's reader of our core files."""

import subprocess
import sys
from pathlib import Path

from sim.runner import verilator_environment


def fusesoc(*arguments: str, folder: Path) -> str:
    """What it prints, run in `folder`; it must end well."""
    run = subprocess.run(
        [sys.executable, "-m", "fusesoc.main", *arguments],
        cwd=folder,
        env=verilator_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr
