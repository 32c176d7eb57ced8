"""From the modules of a Yosys netlist to one flat list of library cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from afp_hw.synth.cells import Cell

CONSTANT_0: Final = 0
CONSTANT_1: Final = 1


class Nets:
    """Nets under construction; two that turn out to be one are merged."""

    def __init__(self) -> None:
        self.names = ["0", "1"]
        self._root = [0, 1]

    def add(self, name: str) -> int:
        """A new net's number."""
        self.names.append(name)
        self._root.append(len(self._root))
        return len(self._root) - 1

    def find(self, net: int) -> int:
        """The net that `net` has become by mergers: the one added first."""
        while self._root[net] != net:
            self._root[net] = net = self._root[self._root[net]]
        return net

    def merge(self, a: int, b: int) -> None:
        """Make two nets one."""
        low, high = sorted((self.find(a), self.find(b)))
        self._root[high] = low


class Flattener:
    """Enters the modules of a Yosys netlist and collects the library's cells."""

    def __init__(self, modules: Mapping[str, Any], cells: Mapping[str, Cell]) -> None:
        self._modules = modules
        self._cells = cells
        self.nets = Nets()
        self.found: list[tuple[str, Cell, dict[str, int]]] = []

    def enter(self, kind: str, path: str, ports: Mapping[str, Sequence[int]]) -> dict[Any, int]:
        """Add the contents of module `kind` with `ports` bound; gives its bits' nets."""
        module = self._modules[kind]
        nets: dict[Any, int] = {"0": CONSTANT_0, "1": CONSTANT_1, "x": CONSTANT_0, "z": CONSTANT_0}
        for port, bound in ports.items():
            for bit, net in zip(module["ports"][port]["bits"], bound, strict=True):
                self.nets.merge(nets.setdefault(bit, net), net)
        for name, entry in sorted(
            module["netnames"].items(), key=lambda item: item[1]["hide_name"]
        ):
            for index, bit in enumerate(entry["bits"]):
                if bit not in nets:
                    suffix = f"[{index}]" if len(entry["bits"]) > 1 else ""
                    nets[bit] = self.nets.add(f"{path}{name}{suffix}")
        for name, entry in module["cells"].items():
            self._add(path, name, entry, nets)
        return nets

    def _add(self, path: str, name: str, entry: Any, nets: Mapping[Any, int]) -> None:
        pins = {pin: [nets[bit] for bit in bits] for pin, bits in entry["connections"].items()}
        kind = entry["type"].lstrip("\\")
        if kind in self._cells:
            known = entry["attributes"].get("hdlname", name).replace(" ", ".")
            cell = self._cells[kind]
            if cell.flip_flop is not None and (cell.flip_flop.clear or cell.flip_flop.preset):
                raise ValueError(
                    "Netlist.flip_flops must have no asynchronous reset, "
                    f"not {kind!r} ({path}{name})"
                )
            single = {pin.name: CONSTANT_0 for pin in cell.inputs}  # what nothing is connected to
            single |= {pin: bound[0] for pin, bound in pins.items() if bound}
            self.found.append((path + known, cell, single))
        elif kind in self._modules:
            self.enter(kind, f"{path}{name}.", {pin: nets for pin, nets in pins.items() if nets})
        elif kind != "$scopeinfo":
            raise ValueError(f"Netlist.cells must be of the library, not {kind!r} ({path}{name})")
