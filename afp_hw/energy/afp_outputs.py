"""What an AFP array's sums pass on their way to codes, as parts with streams and golden answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from amaranth.hdl import unsigned
from numpy.typing import NDArray

from afp_hw.design import Design
from afp_hw.energy.job import Job
from afp_hw.energy.outputs import Columns
from afp_hw.energy.stream import Stream
from afp_hw.formats import AFPFormat
from afp_hw.golden import embed, requantize, waiting_words
from afp_hw.hdl import (
    Narrower,
    Rebiaser,
    RunningMaximum,
    WindowRequantizer,
    base_of,
    drop_of,
    word_width,
)
from afp_hw.verilog import Part

STAGES: Final = (1, 2)
"""Of a requantizer with static grids: more for a faster clock."""


def window_part(design: Design, stages: int) -> Part:
    """The requantizer under a column where grids are static."""
    name = f"window_{design.requantizer_name}_s{stages}"
    return Part(name, lambda place: WindowRequantizer(design, place, stages=stages))


@dataclass(frozen=True, eq=False)
class AfpSums:
    """Sums of a layer as they leave an array, and how they become codes.

    Attributes
    ----------
    acc
        [M, N], in units of the array: further left than the layer's own where its envelopes have
        more mantissa bits (numerics section 4).
    offset
        ``lsb_acc - lsb_y`` in the same units; broadcasts with `acc`.
    fmt
        The layer's output format.
    relu, clip
        As of :func:`.requantize`; the clip in the same units.
    """

    acc: NDArray[Any]
    offset: Any
    fmt: AFPFormat
    relu: bool
    clip: Any


class AfpOutputs:
    """Jobs of the parts that an AFP layer's outputs pass.

    Parameters
    ----------
    design
        Of the array.
    sums
        Of the layer.
    columns
        Which of them are run.
    """

    def __init__(self, design: Design, sums: AfpSums, columns: Columns) -> None:
        m, n = sums.acc.shape
        self._design, self._fmt, self._relu = design, sums.fmt, sums.relu
        self._columns = columns
        self._acc = columns.take(sums.acc, m, n)
        self._offset = columns.take(np.asarray(sums.offset), m, n)
        self._clip = None if sums.clip is None else columns.take(np.asarray(sums.clip), m, n)
        code = requantize(self._acc, self._offset, sums.fmt, relu=sums.relu, clip=self._clip)
        self.codes = embed(code, sums.fmt, design.out_envelope)
        """Golden codes, embedded in the envelope, [steps, lanes]."""

    def static(self) -> list[Job]:
        """The requantizer with one stage, and with two for a faster clock."""
        return [self._window(stages) for stages in STAGES]

    def _window(self, stages: int) -> Job:
        design = self._design
        drops = {
            offset: drop_of(design, offset, self._fmt.n_man)
            for offset in np.unique(self._offset).tolist()
        }
        # Limits belong to the last stage.
        limits = {
            name: np.roll(values, stages - 1, axis=0) for name, values in self._limits().items()
        }
        inputs = {
            "i_valid": self._columns.constant(1),
            "i_acc": self._acc,
            "i_drop": np.vectorize(drops.__getitem__, otypes=[np.int64])(self._offset),
            "i_narrow": self._columns.constant(design.out_envelope.n_man - self._fmt.n_man),
            **limits,
        }
        stream = self._stream(inputs, {"o_code": self.codes}, stages)
        return Job(window_part(design, stages), stream)

    def dynamic(self) -> list[list[Job]]:
        """The three parts of two passes: sums to words, the largest word; words to codes.

        Of the first there are two variants, as of :meth:`static`.
        """
        design, columns = self._design, self._columns
        envelope = design.out_envelope
        acc = self._acc if self._clip is None else np.minimum(self._acc, self._clip)
        words = waiting_words(
            acc, envelope.n_man, design.acc_width, signed=envelope.signed, relu=self._relu
        )
        width = self.word_width - envelope.signed
        magnitude = words & ((1 << width) - 1)
        first = columns.constant(0)
        first[0] = 1
        valid = {"i_valid": columns.constant(1)}
        relu = {"i_relu": columns.constant(self._relu)} if envelope.signed else {}
        bases = {
            offset: base_of(design, offset, self._fmt.n_man)
            for offset in np.unique(self._offset).tolist()
        }
        largest = self._embedded((1 << self._fmt.magnitude_width) - 1)
        both = ["i_limit"] + ["i_negative_limit"] * envelope.signed
        settings = {
            "i_base": np.vectorize(bases.__getitem__, otypes=[np.int64])(self._offset),
            "i_narrow": columns.constant(envelope.n_man - self._fmt.n_man),
            **{name: columns.constant(largest) for name in both},
        }
        of = f"{design.acc_width}_{envelope}"

        def narrower(stages: int) -> Job:
            part = Part(
                f"narrower_{of}_s{stages}", lambda place: Narrower(design, place, stages=stages)
            )
            inputs = {**valid, "i_acc": acc, **relu}
            return Job(part, self._stream(inputs, {"o_word": words}, stages))

        return [
            [narrower(1), narrower(2)],
            [
                Job(
                    Part(
                        f"running_maximum_u{width}", lambda place: RunningMaximum(unsigned(width))
                    ),
                    self._stream(
                        {**valid, "i_number": magnitude, "i_clear": first},
                        {"o_largest": np.maximum.accumulate(magnitude, axis=0)},
                        RunningMaximum.latency,
                    ),
                )
            ],
            [
                Job(
                    Part(f"rebiaser_{of}", lambda place: Rebiaser(design, place)),
                    self._stream(
                        {**valid, "i_word": words, **settings},
                        {"o_code": self.codes},
                        Rebiaser.latency,
                    ),
                )
            ],
        ]

    @property
    def word_width(self) -> int:
        """Bits of a word that waits for its grid."""
        return word_width(self._design, signed_word=self._design.out_envelope.signed)

    def _embedded(self, code: int) -> int:
        """A magnitude's code in the envelope."""
        envelope = self._design.out_envelope
        return int(embed(np.array(code), self._fmt.as_unsigned(), envelope.as_unsigned()))

    def _limits(self) -> dict[str, NDArray[Any]]:
        """Largest codes of positive and of negative sums."""
        envelope, fmt = self._design.out_envelope, self._fmt
        largest = self._embedded((1 << fmt.magnitude_width) - 1)
        limit = self._columns.constant(largest)
        if self._clip is not None:
            codes = requantize(np.maximum(self._clip, 0), self._offset, fmt.as_unsigned())
            limit = embed(codes, fmt.as_unsigned(), envelope.as_unsigned()).astype(np.int64)
        limits = {"i_limit": limit}
        if envelope.signed:
            gone = self._relu or not fmt.signed
            limits["i_negative_limit"] = self._columns.constant(0 if gone else largest)
        return limits

    def _stream(
        self, inputs: dict[str, NDArray[Any]], outputs: dict[str, NDArray[Any]], latency: int
    ) -> Stream:
        return Stream(inputs, outputs, latency, self._columns.count)
