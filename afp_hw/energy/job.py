"""A part and the stream that it is to be run on."""

from __future__ import annotations

from dataclasses import dataclass

from afp_hw.energy.stream import Stream
from afp_hw.verilog import Part


@dataclass(frozen=True, eq=False)
class Job:
    """One gate-level run.

    Attributes
    ----------
    part
        What is run.
    stream
        On what.
    """

    part: Part
    stream: Stream
