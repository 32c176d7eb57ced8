"""A generated array as a Python object: codes in, exact sums and the clock edge of each out."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.design import Design
from afp_hw.errors import MismatchError
from afp_hw.rtlsim.build import shared_object
from afp_hw.rtlsim.ports import ports_header
from afp_hw.rtlsim.words import init_words, integers, operand_codes

_CHUNK_CYCLES = 1 << 16
"""Cycles of one call into the library: a fraction of a second, so that Ctrl-C and progress work."""

_STATUS = 7


@dataclass(frozen=True, eq=False)
class Result:
    """What the array gave for one layer.

    Attributes
    ----------
    acc
        Sums ``[M, N]`` in units of ``2**(lsb_act + lsb_wgt)``; int64, or Python integers (dtype
        object) where the accumulator is wider.
    cycle
        int64 ``[M, N]``: the clock edge after which each sum was to be seen, counted from 0 at the
        edge that samples the first operand; -1 where none came.
    cycles
        Clock edges from the one that samples the first operand to the one that shows the last sum,
        both included, padding of edge tiles included.
    missing, surplus
        Sums that never left, and sums that nobody asked for: 0 in a sound array.
    collisions
        Sums that were due at the same time: 0, or the harness breaks the array's rule.
    init_missing
        A sum left before its initial value had come.
    cpu_seconds
        Of this process, in the simulation.
    """

    acc: NDArray[Any]
    cycle: NDArray[np.int64]
    cycles: int
    missing: int
    surplus: int
    collisions: int
    init_missing: bool
    cpu_seconds: float


class ArraySimulator:
    """The Verilog of :func:`afp_hw.verilog.emit_array`, compiled, cached and loaded.

    Parameters
    ----------
    design : :class:`.Design`
        The array.
    trace
        A file for waveforms, ``.vcd`` or ``.fst``; it is whole when :meth:`close` has returned.

    Raises
    ------
    FileNotFoundError
        Verilator, a C++ compiler or make is missing.
    ToolError
        One of them failed.
    ValueError
        `trace` has another suffix.
    OSError
        `trace` cannot be written.
    """

    def __init__(self, design: Design, trace: str | Path | None = None) -> None:
        from afp_hw.verilog import emit_array  # Amaranth takes a while to import

        self.design = design
        self._trace = None if trace is None else Path(trace)
        kind = None if self._trace is None else self._trace.suffix[1:].lower()
        if kind not in (None, "vcd", "fst"):
            raise ValueError(f"ArraySimulator.trace must end in .vcd or .fst, not {str(trace)!r}")
        if self._trace is not None:
            self._unfinished().touch()  # a folder that cannot be written to is found before a build
        try:
            emitted = emit_array(design)
            path = shared_object(emitted.name, emitted.verilog, ports_header(design), kind)
        except BaseException:
            if self._trace is not None:
                self._unfinished().unlink()
            raise
        self._library = _load(path)
        self._array: int | None = self._library.array_create()
        if self._trace is not None:
            self._library.array_trace(self._array, os.fsencode(self._unfinished()))

    def __enter__(self) -> ArraySimulator:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self.close(keep=kind is None or issubclass(kind, MismatchError))

    def close(self, keep: bool = True) -> None:
        """Release the array; a trace is given its name, or removed where it is not to be kept."""
        if self._array is None:
            return
        self._library.array_destroy(self._array)
        self._array = None
        if self._trace is not None:
            if keep:
                os.replace(self._unfinished(), self._trace)
            else:
                self._unfinished().unlink(missing_ok=True)

    def _unfinished(self) -> Path:
        assert self._trace is not None  # asked for only where there is one
        return self._trace.with_name(f".{self._trace.name}.{os.getpid()}")

    def run(
        self,
        act_codes: ArrayLike,
        wgt_codes: ArrayLike,
        init: ArrayLike | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Result:
        """Stream one layer through the array, tile after tile, column tiles within row tiles.

        Parameters
        ----------
        act_codes
            Codes ``[M, K]`` of ``design.acts``.
        wgt_codes
            Codes ``[K, N]`` of ``design.weights``.
        init
            Integers ``[N]`` or ``[M, N]``, at most ``design.init_bound`` in magnitude; default: 0.
        progress
            Called now and then with the reduction steps fed so far and in all.

        Raises
        ------
        TypeError
            An array is not of integers.
        ValueError
            Shapes do not agree, a code or an initial value is out of range, or K is beyond
            ``design.k``; or the simulator is closed.
        """
        if self._array is None:
            raise ValueError("ArraySimulator.run must be called before close, not after it")
        design = self.design
        act = operand_codes("act_codes", act_codes, design.acts.width)
        wgt = operand_codes("wgt_codes", wgt_codes, design.weights.width)
        if act.shape[1] != wgt.shape[0]:
            raise ValueError(
                "ArraySimulator.run.wgt_codes must have as many rows as act_codes has columns, "
                f"{act.shape[1]}, not {wgt.shape[0]}"
            )
        if act.shape[1] > design.k:
            raise ValueError(f"Design.k must be at least K = {act.shape[1]}, not {design.k}")
        rows, cols = act.shape[0], wgt.shape[1]
        words, init_row = init_words(init, (rows, cols), design)
        acc_words = -(-design.acc_width // 64)
        acc = np.zeros((rows, cols, acc_words), np.int64)
        visible = np.full((rows, cols), -1, np.int64)
        begun = time.process_time()
        self._library.array_begin(
            self._array,
            act.ctypes.data,
            wgt.ctypes.data,
            None if words is None else words.ctypes.data,
            init_row,
            acc.ctypes.data,
            visible.ctypes.data,
            rows,
            act.shape[1],
            cols,
        )
        while not self._library.array_advance(self._array, _CHUNK_CYCLES):
            if progress is not None:
                fed, in_all, *_ = self._status()
                progress(fed, in_all)
        seconds = time.process_time() - begun
        fed, in_all, cycles, missing, surplus, collisions, init_missing = self._status()
        if progress is not None:
            progress(fed, in_all)
        return Result(
            integers(acc),
            visible,
            cycles,
            missing,
            surplus,
            collisions,
            bool(init_missing),
            seconds,
        )

    def _status(self) -> list[int]:
        status = np.zeros(_STATUS, np.int64)
        self._library.array_status(self._array, status.ctypes.data)
        return [int(value) for value in status]


def _load(path: Path) -> ctypes.CDLL:
    library = ctypes.CDLL(str(path))
    pointer, word = ctypes.c_void_p, ctypes.c_int64
    library.array_create.restype = pointer
    library.array_destroy.argtypes = [pointer]
    library.array_trace.argtypes = [pointer, ctypes.c_char_p]
    library.array_begin.argtypes = [*[pointer] * 4, word, *[pointer] * 2, *[word] * 3]
    library.array_advance.argtypes = [pointer, word]
    library.array_status.argtypes = [pointer, pointer]
    return library
