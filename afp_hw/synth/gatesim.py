"""Toggle counts of every net from a bit-parallel gate-level simulation.

The mapped netlist becomes straight-line C on vectors: one bit lane is one copy of the netlist with
operands of its own. Zero delay: inputs and flip-flops change with the clock edge, the logic
settles, each net counts at most one toggle a cycle, so glitches are not seen. The clock's own
toggles are known without simulation: two a cycle; a net behind a clock gate has two in a cycle
whose end finds the gate open.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.synth.gatesim_source import simulator_source
from afp_hw.synth.netlist import Netlist
from afp_hw.synth.simulator import Planes, Simulator, aligned, pointer


class GateSimulator(Simulator):
    """The simulator without delays: a toggle is a settled value that differs from the one before.

    Parameters, errors and what to do first: :class:`.Simulator`.
    """

    def __init__(self, netlist: Netlist, lanes: int) -> None:
        super().__init__(netlist, lanes)
        self._load(simulator_source(netlist, words=self._vector), "-O1")
        states = len(netlist.net_names) + len(netlist.flip_flops)
        self._state = aligned(states * self._words)

    def _cycles(self, planes: Planes, out: Planes) -> None:
        self._library.run(
            pointer(self._state), pointer(self._count), pointer(self._mask), pointer(planes),
            pointer(out), ctypes.c_int64(len(planes)), ctypes.c_int64(self._words),
        )  # fmt: skip


def lane_bits(planes: Planes, lanes: int) -> NDArray[np.uint8]:
    """Bit planes, uint64 [..., words], as one bit a lane, uint8 [..., lanes]."""
    return np.unpackbits(np.ascontiguousarray(planes).view(np.uint8), axis=-1, bitorder="little")[
        ..., :lanes
    ]


def lane_integers(planes: Planes, lanes: int, *, signed: bool) -> NDArray[Any]:
    """The integers whose bits, least significant first, are the planes.

    Parameters
    ----------
    planes
        uint64 [..., width, words].
    lanes
        How many of the lanes to return.
    signed
        Whether the highest bit weighs ``-2**(width - 1)``.

    Returns
    -------
    ndarray
        [..., lanes], int64; Python integers (dtype object) above 63 bits.
    """
    bits = lane_bits(planes, lanes)
    width = bits.shape[-2]
    kind: Any = np.int64 if width <= 63 else object
    weights = [1 << index for index in range(width)]
    if signed:
        weights[-1] = -weights[-1]
    return np.tensordot(bits.astype(kind), np.array(weights, dtype=kind), axes=([-2], [0]))
