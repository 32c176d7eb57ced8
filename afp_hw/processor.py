"""Which processor this is: what a compiler's ``-march=native`` means, and so part of cache keys."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

_TELLING = ("model name", "flags", "Features", "CPU part")


@cache
def processor_identity() -> str:
    """Text that differs between processors with different instructions.

    A cache on a shared disk may serve unequal machines.
    """
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    lines = sorted({line for line in text.splitlines() if line.startswith(_TELLING)})
    return "\n".join([platform.machine(), *lines])
