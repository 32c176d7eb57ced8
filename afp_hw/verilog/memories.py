"""The memories of an accelerator, found in its Verilog: modules, sizes, places."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_MODULE: Final = re.compile(r"^module (\S+?)\(.*?^endmodule\n", re.MULTILINE | re.DOTALL)
_INSTANCE: Final = re.compile(r"^  (\w+) (\S+) \($", re.MULTILINE)
_RAM: Final = re.compile(r"ram_(\d+)x(\d+)")


@dataclass(frozen=True, slots=True)
class Memory:
    """Memories of one size, a module.

    Attributes
    ----------
    module, words, width
        Its name, and what it holds.
    places
        Hierarchical names of its instances, sorted.
    """

    module: str
    words: int
    width: int
    places: tuple[str, ...]

    @property
    def bits(self) -> int:
        """Of all its instances."""
        return self.words * self.width * len(self.places)


def memories_of(verilog: str, top: str) -> tuple[Memory, ...]:
    """The memories below module `top`, the largest sum of bits first.

    Parameters
    ----------
    verilog
        As :class:`.Library` writes it.
    top
        Name of the module.
    """
    modules = {found[1]: _INSTANCE.findall(found[0]) for found in _MODULE.finditer(verilog)}
    places: dict[str, list[str]] = {}
    for module, place in _walk(modules, top, ""):
        places.setdefault(module, []).append(place)
    found = []
    for module, where in places.items():
        size = _RAM.fullmatch(module)
        assert size is not None  # that is how it was found
        found.append(Memory(module, int(size[1]), int(size[2]), tuple(sorted(where))))
    return tuple(sorted(found, key=lambda memory: (-memory.bits, memory.module)))


def _walk(
    modules: Mapping[str, list[tuple[str, str]]], module: str, path: str
) -> Iterator[tuple[str, str]]:
    for kind, name in modules[module]:
        if _RAM.fullmatch(kind):
            yield kind, path + name
        elif kind in modules:
            yield from _walk(modules, kind, f"{path}{name}.")


def without_memories(verilog: str) -> str:
    """The Verilog without the modules of memories: whoever has others puts them beside it."""
    return _MODULE.sub(lambda found: "" if _RAM.fullmatch(found[1]) else found[0], verilog)
