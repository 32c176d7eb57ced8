"""Some tiles of a layer as they stream into an array, and the edges that they pass."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.design import Design
from afp_hw.energy.job import Job
from afp_hw.energy.stream import Stream
from afp_hw.hdl import Edge, SkewBuffer
from afp_hw.schedule import tile_spacing
from afp_hw.synth.array_activity import decoded, live_codes
from afp_hw.verilog import Part

_MOST_TILES: Final = 64
_MOST_STEPS: Final = 512


def edge_part(design: Design, side: str) -> Part:
    """The edge of one side, ``"act"`` or ``"wgt"``, of an array."""
    count = design.rows if side == "act" else design.cols
    name = design.module_name(f"edge_{side}_{count}")
    return Part(name, lambda place: Edge(design, side, place))


def skew_part(count: int, width: int) -> Part:
    """A skew buffer for `count` streams of words."""
    return Part(f"skew_{count}x{width}", lambda place: SkewBuffer(count, width))


class Tiles:
    """At most 64 tiles of a layer, spread evenly, each at most 512 steps long.

    Parameters
    ----------
    act, wgt
        Codes [M, K] and [K, N], of whatever width.
    design
        Rows, columns and lanes.
    """

    def __init__(self, act: NDArray[Any], wgt: NDArray[Any], design: Design) -> None:
        self.design = design
        m, k = act.shape
        rows, cols = design.rows, design.cols
        places = [(r, c) for r in range(0, m, rows) for c in range(0, wgt.shape[1], cols)]
        count = min(_MOST_TILES, len(places))
        chosen = np.linspace(0, len(places) - 1, count).round().astype(int).tolist()
        self.places = [places[index] for index in chosen]
        self._k: int = min(int(k), _MOST_STEPS)
        padded_act = np.pad(act[:, : self._k], ((0, rows), (0, 0)))
        padded_wgt = np.pad(wgt[: self._k], ((0, 0), (0, cols)))
        self._act = np.stack([padded_act[r : r + rows].T for r, _ in self.places], axis=-1)
        self._wgt = np.stack([padded_wgt[:, c : c + cols] for _, c in self.places], axis=-1)

    def codes(self, side: str) -> NDArray[Any]:
        """Vectors of codes of one side, [K, rows or cols, tiles]."""
        return self._act if side == "act" else self._wgt

    @property
    def steps(self) -> int:
        """Reduction steps of a tile."""
        return -(-self._k // self.design.lanes)

    @property
    def spacing(self) -> int:
        """Cycles from one tile to the next."""
        return tile_spacing(self.steps, self.design.rows)

    def edge(self, side: str) -> Job:
        """Skew buffer, decoders and marks of zeros of one side; operations are cycles."""
        design = self.design
        fmt = design.acts if side == "act" else design.weights
        codes = self._stepped(side)  # [spacing, lanes of the design, count, tiles]
        count, tiles = codes.shape[2:]
        cycle = np.arange(self.spacing)
        places = fmt.width * np.arange(design.lanes)[None, :, None, None]
        packed = (codes.astype(np.int64) << places).sum(axis=1)
        inputs = {f"i_code__{place}": packed[:, place] for place in range(count)}
        if side == "act":
            inputs |= {
                "i_valid": (cycle < self.steps).astype(np.int64),
                "i_first": (cycle == 0).astype(np.int64),
                "i_last": (cycle == self.steps - 1).astype(np.int64),
            }
        outputs: dict[str, NDArray[Any]] = {}
        for place in range(count):
            late = np.roll(codes[:, :, place], place, axis=0)
            values = late if design.decode == "pe" else decoded(late, fmt)
            outputs |= {f"o__{place}__{lane}": values[:, lane] for lane in range(design.lanes)}
            if design.gate_zeros:
                marks = live_codes(late, fmt).astype(np.int64)
                weights = (1 << np.arange(design.lanes))[None, :, None]
                outputs[f"o_live__{place}"] = (marks * weights).sum(axis=1)
        return Job(edge_part(design, side), Stream(inputs, outputs, 0, self.spacing * tiles))

    def skew(self, side: str, width: int) -> Job:
        """The skew buffer alone, of codes of any width; operations are cycles."""
        codes = self._stepped(side)[:, 0].astype(np.int64)
        count, tiles = codes.shape[1:]
        inputs = {f"i__{place}": codes[:, place] for place in range(count)}
        outputs = {f"o__{place}": np.roll(codes[:, place], place, axis=0) for place in range(count)}
        return Job(skew_part(count, width), Stream(inputs, outputs, 0, self.spacing * tiles))

    def _stepped(self, side: str) -> NDArray[Any]:
        codes = self.codes(side)
        k, count, tiles = codes.shape
        lanes = self.design.lanes
        padded = np.zeros((self.spacing * lanes, count, tiles), dtype=codes.dtype)
        padded[:k] = codes
        return padded.reshape(self.spacing, lanes, count, tiles)
