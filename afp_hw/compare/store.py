"""Results by the content of what produced them: a repeated measurement computes nothing."""

from __future__ import annotations

import gzip
import hashlib
import json
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from afp_hw.files import cache_dir, write_atomic

# Sources in synth that no figure here passes through.
_WITHOUT_FIGURES: Final = ("fpga", "report", "cost_table")


@cache
def sources_digest(*folders: str, without: tuple[str, ...] = ()) -> str:
    """Digest of the sources in folders of the package, but those whose names begin `without`."""
    digest = hashlib.sha256()
    for folder in folders:
        for entry in sorted(files(f"afp_hw.{folder}").iterdir(), key=lambda entry: entry.name):
            if entry.name.endswith((".py", ".c", ".v")) and not entry.name.startswith(without):
                digest.update(entry.read_bytes())
    return digest.hexdigest()


@cache
def code_digest() -> str:
    """Digest of the sources that turn Verilog into checked figures, and versions of the tools."""
    tools = [f"{name} {version(name)}" for name in ("pyosys", "numpy")]
    sources = sources_digest("synth", without=_WITHOUT_FIGURES), sources_digest("golden")
    return hashlib.sha256("\n".join([*tools, *sources]).encode()).hexdigest()


def key_of(*parts: object) -> str:
    """Key of a result: a digest of everything that it depends on, in order."""
    digest = hashlib.sha256(code_digest().encode())
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        digest.update(hashlib.sha256(data).digest())
    return digest.hexdigest()[:32]


def _path(key: str, suffix: str) -> Path:
    folder = cache_dir() / "compare" / key[:2]
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{key}{suffix}"


def load(key: str) -> dict[str, Any] | None:
    """What is stored under a key; None where there is nothing, or nothing readable."""
    try:
        stored = json.loads(_path(key, ".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return stored if isinstance(stored, dict) else None


def save(key: str, value: dict[str, Any]) -> None:
    """Store JSON under a key."""
    write_atomic(_path(key, ".json"), json.dumps(value, sort_keys=True))


def save_netlist(key: str, path: Path) -> None:
    """Store a netlist file under a key, compressed; the same bytes for the same file."""
    write_atomic(_path(key, ".net.gz"), gzip.compress(path.read_bytes(), mtime=0))


def load_netlist(key: str) -> str:
    """The text of a stored netlist.

    Raises
    ------
    OSError
        There is none.
    """
    return gzip.decompress(_path(key, ".net.gz").read_bytes()).decode()


def has_netlist(key: str) -> bool:
    """Whether a netlist is stored under a key."""
    return _path(key, ".net.gz").exists()
