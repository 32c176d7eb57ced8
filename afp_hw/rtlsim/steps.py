"""Any generated component as a Python object: a cycle's inputs in, its outputs out."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from afp_hw.rtlsim.build import shared_object
from afp_hw.verilog.emit import Emitted


class StepSimulator:
    """The Verilog of a component with clock and reset, compiled, cached and loaded.

    Parameters
    ----------
    emitted : :class:`.Emitted`
        What :func:`afp_hw.verilog.emit_part` and its kin give.

    Raises
    ------
    FileNotFoundError
        Verilator, a C++ compiler or make is missing.
    ToolError
        One of them failed.
    """

    def __init__(self, emitted: Emitted) -> None:
        self._inputs: dict[str, int] = {}
        self._outputs: dict[str, int] = {}
        for port in emitted.manifest["ports"]:
            if port["name"] != "clk":
                kind = self._inputs if port["direction"] == "input" else self._outputs
                kind[port["name"]] = port["width"]
        header = _uses("INPUTS", self._inputs) + _uses("OUTPUTS", self._outputs)
        path = shared_object(emitted.name, emitted.verilog, header, harness="steps.cpp")
        self._run = ctypes.CDLL(str(path)).steps_run
        self._run.restype = None
        self._run.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]

    def run(self, steps: Sequence[Mapping[str, int]]) -> list[dict[str, int]]:
        """Outputs of each cycle, as they stand with its inputs and ahead of its clock edge.

        Parameters
        ----------
        steps
            For each cycle the values of input ports, ``rst`` included, as Python integers; a port
            that is not named keeps its value, 0 at first.

        Returns
        -------
        list
            Values of all output ports, not negative: bits.
        """
        held = dict.fromkeys(self._inputs, 0)
        rows = []
        for step in steps:
            held.update(step)
            rows.append(
                b"".join(
                    (value & ((1 << width) - 1)).to_bytes(8 * _words(width), "little")
                    for value, width in zip(held.values(), self._inputs.values(), strict=True)
                )
            )
        given = np.frombuffer(b"".join(rows), np.int64)
        seen = np.zeros((len(rows), sum(map(_words, self._outputs.values()))), np.int64)
        self._run(given.ctypes.data, seen.ctypes.data, len(rows))
        return [self._values(row) for row in seen]

    def _values(self, row: NDArray[np.int64]) -> dict[str, int]:
        found, at = {}, 0
        for name, width in self._outputs.items():
            words = row[at : at + _words(width)]
            found[name] = int.from_bytes(words.tobytes(), "little") & ((1 << width) - 1)
            at += len(words)
        return found


def _words(width: int) -> int:
    return -(-width // 64)


def _uses(name: str, ports: Mapping[str, int]) -> str:
    """A macro that lists ports; ``o_sum__3`` of the Verilog is ``o_sum___05F3`` in the class."""
    uses = " ".join(f"X({port.replace('__', '___05F')}, {width})" for port, width in ports.items())
    return f"#define {name}(X) {uses}\n"
