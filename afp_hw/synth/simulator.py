"""What gate-level simulators share: integers in as bit planes, lanes side by side, counts out.

One bit lane is one copy of the netlist with operands of its own; vectors of lanes are simulated by
compiled C, one after the other.
"""

from __future__ import annotations

import ctypes
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.synth.compile import load_library, shared_object
from afp_hw.synth.netlist import Netlist

_FLAGS: Final = ("-march=native", "-std=gnu11", "-Wno-psabi")
_WORD_BITS: Final = 64
_LARGEST_VECTOR: Final = 8

Planes = NDArray[np.uint64]


def aligned(words: int) -> Planes:
    """`words` zeros that start where the largest vector may."""
    step = _LARGEST_VECTOR * _WORD_BITS // 8
    raw = np.zeros(words + _LARGEST_VECTOR, dtype=np.uint64)
    start = -raw.ctypes.data % step // 8
    return raw[start : start + words]


def pointer(array: NDArray[Any]) -> ctypes.c_void_p:
    """Its data, for C."""
    return ctypes.c_void_p(array.ctypes.data)


def source_text(name: str, filled: Mapping[str, object]) -> str:
    """A C source of the package with its words between ``@`` filled in, and ``lanes.c``."""
    folder = files("afp_hw.synth")
    source = folder.joinpath(name).read_text(encoding="utf-8")
    for word, value in filled.items():
        source = source.replace(f"@{word}@", str(value))
    return source + folder.joinpath("lanes.c").read_text(encoding="utf-8")


def driven_ports(netlist: Netlist) -> dict[str, NDArray[np.int64]]:
    """Nets of each input port but the clock's."""
    return {port: nets for port, nets in netlist.inputs.items() if netlist.clock not in nets}


def input_nets(netlist: Netlist) -> list[int]:
    """Nets that a stimulus drives, port after port."""
    return [int(net) for nets in driven_ports(netlist).values() for net in nets]


def output_nets(netlist: Netlist) -> list[int]:
    """Nets of the outputs, port after port."""
    return [int(net) for nets in netlist.outputs.values() for net in nets]


class Simulator(ABC):
    """Simulates `lanes` copies of one netlist and counts the toggles of its nets over all of them.

    Starts with every net and flip-flop 0, which no real circuit does: settle it with a first
    :meth:`run`, then :meth:`clear` the counts.

    Parameters
    ----------
    netlist
        What to simulate.
    lanes
        Copies, at least 1.

    Raises
    ------
    ToolError
        The C compiler failed.
    ValueError
        `lanes` out of range, or a cell without a function.
    """

    def __init__(self, netlist: Netlist, lanes: int) -> None:
        self._owner = type(self).__name__
        if not 1 <= lanes <= 1 << 24:
            raise ValueError(f"{self._owner}.lanes must be in 1..2**24, not {lanes!r}")
        self.netlist = netlist
        self.lanes = lanes
        needed = -(-lanes // _WORD_BITS)
        self._vector = min(_LARGEST_VECTOR, 1 << (needed - 1).bit_length())
        self._words = -(-needed // self._vector) * self._vector
        bits = np.arange(self._words * _WORD_BITS) < lanes
        self._mask = np.packbits(bits, bitorder="little").view(np.uint64)
        self._count = aligned(len(netlist.net_names) * self._vector)

    def _load(self, source: str, optimization: str) -> None:
        """Compile and load the C of this simulator, made with :func:`source_text`."""
        path = shared_object(source, (optimization, *_FLAGS), folder="gatesim")
        self._library = load_library(path)
        self._library.run.restype = self._library.transpose.restype = None

    @property
    def toggles(self) -> NDArray[np.int64]:
        """Toggles of each net since :meth:`clear`, all lanes, int64 [nets]; the clock's are 0."""
        nets = len(self.netlist.net_names)
        sums: NDArray[np.int64] = self._count.reshape(nets, -1).sum(axis=1).astype(np.int64)
        return sums

    @property
    def settled_toggles(self) -> NDArray[np.int64]:
        """The same without glitches: at most one of a net and cycle, between settled values."""
        return self.toggles

    def clear(self) -> None:
        """Start to count anew."""
        self._count[:] = 0

    @abstractmethod
    def _cycles(self, planes: Planes, out: Planes) -> None:
        """Simulate: input planes [cycles, inputs, words] to `out` [cycles, outputs, words]."""

    def run(self, stimulus: Mapping[str, NDArray[Any]]) -> dict[str, Planes]:
        """Simulate some cycles on from the present state.

        Parameters
        ----------
        stimulus
            For each input but the clock an array of integers (negative ones enter in two's
            complement): [cycles] for one value in all lanes, [cycles, lanes], or [cycles, fields,
            lanes] for a port that packs `fields` codes of equal width from the least significant
            bit.

        Returns
        -------
        dict of ndarray
            For each output port the settled value in each cycle as bit planes, uint64
            [cycles, width, words]: lane i is bit ``i % 64`` of word ``i // 64``.

        Raises
        ------
        ValueError
            A missing or unknown port, or an array of another shape.
        """
        ports = driven_ports(self.netlist)
        if set(stimulus) != set(ports):
            raise ValueError(
                f"{self._owner}.run must be given {sorted(ports)}, not {sorted(stimulus)}"
            )
        cycles = {len(values) for values in stimulus.values()}
        if len(cycles) != 1:
            raise ValueError(f"{self._owner}.run must be given equal cycles, not {sorted(cycles)}")
        length = cycles.pop()
        planes = np.empty((length, len(input_nets(self.netlist)), self._words), dtype=np.uint64)
        start = 0
        for port, nets in ports.items():
            self._fill(planes, start, len(nets), port, np.asarray(stimulus[port]))
            start += len(nets)
        out = np.empty((length, len(output_nets(self.netlist)), self._words), dtype=np.uint64)
        self._cycles(planes, out)
        widths = [len(nets) for nets in self.netlist.outputs.values()]
        split = np.split(out, np.cumsum(widths)[:-1], axis=1)
        return dict(zip(self.netlist.outputs, split, strict=True))

    def _fill(
        self, planes: Planes, start: int, width: int, port: str, values: NDArray[Any]
    ) -> None:
        """Write one port's bit planes, `width` of them from plane `start` on."""
        length = len(planes)
        if values.ndim == 1:
            wide: Any = np.int64 if width <= 63 else object
            bits = (values.astype(wide)[:, None] >> np.arange(width)) & 1
            planes[:, start : start + width] = np.where(bits[:, :, None] == 1, self._mask, 0)
            return
        fields = values[:, None, :] if values.ndim == 2 else values
        if fields.shape[::2] != (length, self.lanes) or width % fields.shape[1]:
            raise ValueError(
                f"{self._owner}.run must be given {port} of shape [{length}, fields of {width} "
                f"bits, {self.lanes}], not {values.shape}"
            )
        field_width = width // fields.shape[1]
        padded = self._words * _WORD_BITS
        for index in range(fields.shape[1]):
            for low in range(0, field_width, 8):
                codes = np.zeros((length, padded), dtype=np.uint8)
                codes[:, : self.lanes] = fields[:, index] >> low & 255
                self._transpose(codes, planes, start + index * field_width + low,
                                min(8, field_width - low))  # fmt: skip

    def _transpose(self, codes: NDArray[np.uint8], planes: Planes, plane: int, bits: int) -> None:
        first = ctypes.c_void_p(planes.ctypes.data + plane * planes.strides[1])
        self._library.transpose(
            pointer(codes), first, ctypes.c_int64(len(codes)), ctypes.c_int64(self._words),
            ctypes.c_int64(bits), ctypes.c_int64(planes.shape[1] * self._words),
        )  # fmt: skip


# Makes the simulator of a netlist with so many lanes.
SimulatorOf = Callable[[Netlist, int], Simulator]
