"""A processing element's Verilog as a Python object: codes and tags in, sums out."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.design import Design
from afp_hw.rtlsim.build import shared_object
from afp_hw.rtlsim.words import integers


@dataclass(frozen=True, eq=False)
class PeStimulus:
    """What a PE is given, clock cycle by clock cycle.

    Parameters
    ----------
    reset, valid, first, last
        bool [cycles].
    act, wgt
        Codes [cycles, lanes], uint16.
    """

    reset: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    first: NDArray[np.bool_]
    last: NDArray[np.bool_]
    act: NDArray[np.uint16]
    wgt: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.valid)


class PeSimulator:
    """The Verilog of :func:`afp_hw.verilog.emit_pe`, or other with its ports, compiled and loaded.

    Parameters
    ----------
    name
        Top module.
    verilog
        Its source.
    design : :class:`.Design`
        Gives the widths of its ports.

    Raises
    ------
    FileNotFoundError
        Verilator, a C++ compiler or make is missing.
    ToolError
        One of them failed.
    """

    def __init__(self, name: str, verilog: str, design: Design) -> None:
        self.design = design
        sizes = {
            "LANES": design.lanes,
            "ACT_WIDTH": design.acts.width,
            "WGT_WIDTH": design.weights.width,
            "ACC_WIDTH": design.pe_acc_width,
        }
        ports = "".join(f"#define {key} {value}\n" for key, value in sizes.items())
        path = shared_object(name, verilog, ports, harness="pe.cpp")
        self._run = ctypes.CDLL(str(path)).pe_run
        pointer = ctypes.c_void_p
        self._run.restype = None
        self._run.argtypes = [pointer, pointer, pointer, ctypes.c_int64, pointer, pointer]

    def run(self, stimulus: PeStimulus) -> tuple[NDArray[np.bool_], NDArray[Any]]:
        """``o_valid`` and ``o_acc`` behind each clock edge, [cycles], from power-up on."""
        cycles = len(stimulus)
        bits = (stimulus.valid, stimulus.first, stimulus.last, stimulus.reset)
        tags = np.zeros(cycles, np.uint8)
        for index, bit in enumerate(bits):
            tags |= bit.astype(np.uint8) << np.uint8(index)
        act, wgt = (
            np.ascontiguousarray(codes, np.uint16) for codes in (stimulus.act, stimulus.wgt)
        )
        valid = np.zeros(cycles, np.uint8)
        acc = np.zeros((cycles, -(-self.design.pe_acc_width // 64)), np.int64)
        self._run(
            tags.ctypes.data, act.ctypes.data, wgt.ctypes.data, cycles,
            valid.ctypes.data, acc.ctypes.data,
        )  # fmt: skip
        return valid.astype(bool), integers(acc)
