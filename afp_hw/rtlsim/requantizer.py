"""A generated requantizer as a Python object: sums in, codes out."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.design import Design
from afp_hw.errors import MismatchError
from afp_hw.formats import AFPFormat
from afp_hw.rtlsim.build import shared_object
from afp_hw.rtlsim.words import words_of

_OFFSETS = range(-(1 << 13), 1 << 13)


class RequantizerSimulator:
    """The Verilog of :func:`afp_hw.verilog.emit_requantizer`, compiled, cached and loaded.

    Parameters
    ----------
    design : :class:`.Design`
        Gives the width of the sums and the envelope of the codes.

    Raises
    ------
    FileNotFoundError
        Verilator, a C++ compiler or make is missing.
    ToolError
        One of them failed.
    """

    def __init__(self, design: Design) -> None:
        from afp_hw.verilog import emit_requantizer  # Amaranth takes a while to import

        self.design = design
        emitted = emit_requantizer(design)
        ports = f"#define ACC_WIDTH {design.acc_width}\n"
        path = shared_object(emitted.name, emitted.verilog, ports, harness="requantizer.cpp")
        self._run = ctypes.CDLL(str(path)).requantizer_run
        pointer, word = ctypes.c_void_p, ctypes.c_int64
        self._run.restype = word
        self._run.argtypes = [*[pointer] * 3, *[ctypes.c_int] * 3, word, word, pointer]

    def require_fit(self, name: str, offset: ArrayLike, fmt: AFPFormat) -> None:
        """Refuse a layer whose codes this requantizer cannot make.

        Raises
        ------
        ValueError
            The envelope does not hold `fmt`, or an offset has more than 14 bits.
        """
        envelope = self.design.out_envelope
        if not envelope.holds(fmt):
            raise ValueError(f"Design.outs must hold {fmt} of layer {name!r}, not {envelope}")
        for value in (int(np.min(offset)), int(np.max(offset))):
            if value not in _OFFSETS:
                raise ValueError(
                    f"offset of layer {name!r} must be in {_OFFSETS[0]}..{_OFFSETS[-1]}, "
                    f"not {value}"
                )

    def run(
        self,
        acc: NDArray[Any],
        offset: ArrayLike,
        fmt: AFPFormat,
        *,
        relu: bool = False,
        clip: ArrayLike | None = None,
    ) -> NDArray[np.uint16]:
        """Codes ``[M, N]`` of sums.

        Parameters
        ----------
        acc
            Integers ``[M, N]`` of at most ``design.acc_width`` bits.
        offset
            ``lsb_acc - lsb_y``, one or ``[N]``, that :meth:`require_fit` has passed.
        fmt
            Format of the codes, within the envelope. An unsigned one is its own ReLU.
        relu, clip
            As the hardware takes them; clip one or ``[N]``, not negative, None for none.

        Raises
        ------
        MismatchError
            Another number of codes came than of sums went in.
        """
        rows, cols = acc.shape
        largest = (1 << (self.design.acc_width - 1)) - 1
        limits = np.broadcast_to(np.asarray(largest if clip is None else clip, object), (cols,))
        limits = np.minimum(limits, largest)
        offsets = np.ascontiguousarray(np.broadcast_to(offset, (cols,)), np.int16)
        sums = words_of(acc, self.design.acc_width)
        clips = words_of(limits, self.design.acc_width - 1)
        codes = np.zeros((rows, cols), np.uint16)
        came = self._run(
            sums.ctypes.data,
            clips.ctypes.data,
            offsets.ctypes.data,
            fmt.n_exp,
            fmt.n_man,
            int(relu or not fmt.signed),
            rows,
            cols,
            codes.ctypes.data,
        )
        if came != codes.size:
            raise MismatchError(f"the requantizer must give {codes.size} codes, not {came}")
        return codes
