"""Results of a search that are slow to compute, kept as they come: an interrupted search resumes.

The file lies in the cache, under the hash of everything that the results depend on; a search with
other inputs has another file. One JSON document a line, appended; a line that a crash cut short is
ignored.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import numpy as np

from afp_hw import __version__
from afp_hw.files import cache_dir
from afp_hw.network.graph import Graph


def content_key(*parts: Any) -> str:
    """Hash of arrays, graphs and of what JSON can hold, with the version of the program."""
    digest = sha256(__version__.encode())
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype} {part.shape}".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        elif isinstance(part, Graph):
            digest.update(_graph_key(part).encode())
        else:
            digest.update(json.dumps(part, sort_keys=True).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _graph_key(graph: Graph) -> str:
    nodes: list[Any] = [graph.outputs, [(spec.name, spec.shape) for spec in graph.inputs]]
    arrays = []
    for node in graph.nodes:
        nodes.append(
            [node.name, node.op, node.inputs, node.output, repr(sorted(node.attributes.items()))]
        )
        arrays += [array for array in (node.weight, node.bias) if array is not None]
    return content_key(nodes, *arrays)


class Journal:
    """Results by name, in a file of the cache.

    Parameters
    ----------
    key
        :func:`content_key` of everything that the results depend on.

    Attributes
    ----------
    path
        The file.
    """

    def __init__(self, key: str) -> None:
        self.path = cache_dir() / "search" / f"{key[:32]}.jsonl"
        self._known: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._whole = True
        if self.path.is_file():
            text = self.path.read_text(encoding="utf-8", errors="replace")
            self._whole = text.endswith("\n") or not text
            for line in text.splitlines():
                try:
                    entry = json.loads(line)
                    self._known[entry["name"]] = entry["result"]
                except (ValueError, KeyError, TypeError):
                    continue

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def result(self, name: str, compute: Callable[[], Any]) -> Any:
        """The result called `name`: what is on file, else what `compute` gives, which is then kept.

        It must be something that JSON holds exactly: numbers, strings, lists, dictionaries.
        """
        if name not in self._known:
            found = compute()
            with self._lock:
                self._append({"name": name, "result": found})
                self._known[name] = found
        return self._known[name]

    def _append(self, entry: dict[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            start = "" if self._whole else "\n"
            file.write(start + json.dumps(entry) + "\n")
        self._whole = True
