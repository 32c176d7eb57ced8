"""Commands on a disk with little room, which no other process sees."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


def on_a_small_disk(folder: Path, kibibytes: int) -> list[str]:
    """What stands before a command, for which `folder` is then an empty disk of that size.

    Skips the test where that is not allowed.
    """
    mount = 'mount -t tmpfs -o size="$0"k none "$1" && shift && exec "$@"'
    before = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, str(kibibytes)]
    before.append(str(folder))
    try:
        tried = subprocess.run([*before, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs unshare")
    if tried.returncode:
        pytest.skip("needs the right to mount a disk in a name space of its own")
    return before
