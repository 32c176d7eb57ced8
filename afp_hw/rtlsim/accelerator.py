"""The complete accelerator in compiled Verilog, with a memory, driven through its registers."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afp_hw.design import AcceleratorDesign
from afp_hw.design.registers import COUNTERS, REGISTERS, ErrorCode
from afp_hw.errors import MismatchError
from afp_hw.rtlsim.build import shared_object
from afp_hw.rtlsim.emitted import emitted_accelerator

_CHUNK_CYCLES = 1 << 14
"""Cycles of one call into the library, so that Ctrl-C and progress work."""

_START = 1
"""Edges from that behind which the run is ordered to that behind which its answer has come."""


@dataclass(frozen=True, eq=False)
class AcceleratorRun:
    """What a run took.

    Attributes
    ----------
    loaded, computed, stored
        int64, one per descriptor: clock edge after which the load engine had handed it on, the
        compute engine was through with it, its store was answered (one per store); the number of
        edges since the cycle that starts the run.
    counters
        The performance counters by name.
    cycles
        From start to the end of the run, as the counter says.
    error
        An :class:`.ErrorCode`; `descriptor`: how many were computed when the run ended.
    cpu_seconds
        Of this process.
    """

    loaded: NDArray[np.int64]
    computed: NDArray[np.int64]
    stored: NDArray[np.int64]
    counters: dict[str, int]
    error: ErrorCode
    descriptor: int
    cpu_seconds: float

    @property
    def cycles(self) -> int:
        """From start to the end of the run."""
        return self.counters["CYCLES"]


def accelerator_library(design: AcceleratorDesign, trace: str | None = None) -> Path:
    """The compiled Verilog of `design`, built unless the cache has it; its name tells contents.

    `trace` is ``"vcd"``, ``"fst"`` or None; errors as :class:`.ArraySimulator`.
    """
    name, verilog = emitted_accelerator(design)
    ports = f"#define DATA_WIDTH {design.data_width}\n"
    return shared_object(name, verilog, ports, trace, "accelerator.cpp")


class AcceleratorSimulator:
    """The Verilog of :func:`afp_hw.verilog.emit_accelerator`, compiled, cached and loaded.

    Parameters
    ----------
    design
        The accelerator.
    trace
        A file for waveforms, ``.vcd`` or ``.fst``; it is whole when :meth:`close` has returned.
    library
        What :func:`accelerator_library` gave for this design, without a trace: Verilog need not be
        written once more.

    Raises
    ------
    FileNotFoundError, ToolError, ValueError
        As :class:`.ArraySimulator`.
    """

    def __init__(
        self,
        design: AcceleratorDesign,
        trace: str | Path | None = None,
        library: Path | None = None,
    ) -> None:
        self.design = design
        kind = None if trace is None else Path(trace).suffix[1:].lower()
        if kind not in (None, "vcd", "fst"):
            raise ValueError(
                f"AcceleratorSimulator.trace must end in .vcd or .fst, not {str(trace)!r}"
            )
        self._library = _load(library or accelerator_library(design, kind))
        self._handle: int | None = self._library.accelerator_create()
        if trace is not None:
            self._library.accelerator_trace(self._handle, os.fsencode(trace))

    def __enter__(self) -> AcceleratorSimulator:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the accelerator; a trace is whole then."""
        if self._handle is not None:
            self._library.accelerator_destroy(self._handle)
            self._handle = None

    def run(
        self,
        memory: NDArray[np.uint8],
        *,
        descriptors: int = 0,
        count: int,
        latency: int = 64,
        input_grid: int = 0,
        most_cycles: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> AcceleratorRun:
        """Reset, start and run a network to its end; `memory` holds the output then.

        Parameters
        ----------
        memory
            uint8, contiguous: the image from its first byte, and the work area behind it.
        descriptors
            Place of the first descriptor.
        count
            Number of descriptors.
        latency
            Clock edges from a read's address to its first beat, from a burst's last beat to its
            response; at least 1.
        input_grid
            Exponent of the lsb of a dynamic input.
        most_cycles
            The run is given up behind so many. None: never.
        progress
            Called now and then with the number of cycles so far.

        Raises
        ------
        MismatchError
            It did not end within `most_cycles`, or reached beyond `memory`.
        ValueError
            `latency` is below 1, `memory` is not one block of bytes, or the simulator is closed.
        """
        if self._handle is None:
            raise ValueError("AcceleratorSimulator.run must be called before close, not after it")
        if latency < 1:
            raise ValueError(f"AcceleratorSimulator.run.latency must be at least 1, not {latency}")
        if memory.dtype != np.uint8 or not memory.flags.c_contiguous or memory.ndim != 1:
            raise ValueError(
                "AcceleratorSimulator.run.memory must be one block of uint8, "
                f"not {memory.dtype} {memory.shape}"
            )
        if not -2048 <= input_grid <= 2047:
            raise ValueError(
                f"AcceleratorSimulator.run.input_grid must be in -2048..2047, not {input_grid}"
            )
        times = np.full((3, count), -1, np.int64)
        begun = time.process_time()
        library, handle = self._library, self._handle
        library.accelerator_begin(
            handle, memory.ctypes.data, memory.size, latency, *(row.ctypes.data for row in times),
            count,
        )  # fmt: skip
        for name, value in (
            ("IMAGE_LOW", 0),
            ("IMAGE_HIGH", 0),
            ("DESCRIPTORS", descriptors),
            ("INPUT_GRID", input_grid & 0xFFF),
            ("INTERRUPT_ENABLE", 1),
            ("CONTROL", 1),
        ):
            library.accelerator_write(handle, REGISTERS[name].offset, value)
        started = library.accelerator_edge(handle)
        while not library.accelerator_advance(handle, _CHUNK_CYCLES):
            cycles = library.accelerator_edge(handle) - started
            if progress is not None:
                progress(cycles)
            if most_cycles is not None and cycles > most_cycles:
                raise MismatchError(
                    f"the run must end within {most_cycles} cycles; after so many "
                    f"{self._progress(times)}"
                )
        if library.accelerator_outside(handle):
            raise MismatchError(
                f"the run must stay within its {memory.size} bytes of memory; "
                f"{library.accelerator_outside(handle)} beats lie beyond"
            )
        counters = {name: self._read(name) for name in COUNTERS}
        error = self._read("ERROR")
        times[times >= 0] -= started - _START
        return AcceleratorRun(
            times[0],
            times[1],
            times[2][times[2] != -1],
            counters,
            ErrorCode(error & 15),
            error >> 16,
            time.process_time() - begun,
        )

    def _read(self, name: str) -> int:
        return int(self._library.accelerator_read(self._handle, REGISTERS[name].offset))

    @staticmethod
    def _progress(times: NDArray[np.int64]) -> str:
        loaded, computed, stored = ((row >= 0).sum() for row in times)
        return f"{loaded} descriptors are loaded, {computed} computed, {stored} stored"


def _load(path: Path) -> ctypes.CDLL:
    library = ctypes.CDLL(str(path))
    pointer, word, half = ctypes.c_void_p, ctypes.c_int64, ctypes.c_uint32
    library.accelerator_create.restype = pointer
    library.accelerator_destroy.argtypes = [pointer]
    library.accelerator_trace.argtypes = [pointer, ctypes.c_char_p]
    library.accelerator_begin.argtypes = [pointer, pointer, word, word, *[pointer] * 3, word]
    library.accelerator_write.argtypes = [pointer, half, half]
    library.accelerator_read.argtypes = [pointer, half]
    library.accelerator_read.restype = half
    library.accelerator_advance.argtypes = [pointer, word]
    library.accelerator_edge.argtypes = [pointer]
    library.accelerator_edge.restype = word
    library.accelerator_outside.argtypes = [pointer]
    library.accelerator_outside.restype = word
    return library
