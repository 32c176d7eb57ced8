"""Cycles of one layer on an output-stationary array, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from afp_hw.design import Design
from afp_hw.formats import AFPFormat
from afp_hw.schedule.spacing import tile_spacing
from afp_hw.schedule.traffic import Traffic


def _ceil_div(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)


@dataclass(frozen=True, slots=True)
class LayerSchedule:
    """An ``[M, K] x [K, N]`` product on the array that `design` describes.

    The array is fed tile after tile: column tiles within row tiles, ``design.rows`` rows and
    ``design.cols`` columns each. A tile at the edge of the matrix occupies the whole array. Clock
    edges are counted from 0, at the one that samples the first operands; a value is visible after
    an edge. Source: ``docs/numerics.md`` section 7 for the names, :class:`afp_hw.hdl.Array` for the
    array's timing.

    Parameters
    ----------
    design : :class:`.Design`
        Rows, columns, lanes and latencies.
    m, k, n
        Sizes of the product, each at least 1.

    Raises
    ------
    TypeError, ValueError
        A size is no integer, below 1, or K is beyond ``design.k``.
    """

    design: Design
    m: int
    k: int
    n: int

    def __post_init__(self) -> None:
        for name in ("m", "k", "n"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"LayerSchedule.{name} must be an integer, not {value!r}")
            if value < 1:
                raise ValueError(f"LayerSchedule.{name} must be at least 1, not {value!r}")
        if self.k > self.design.k:
            raise ValueError(f"Design.k must be at least K = {self.k}, not {self.design.k}")

    # Tiles

    @property
    def steps(self) -> int:
        """Reduction steps of a tile: ``ceil(K / lanes)``."""
        return _ceil_div(self.k, self.design.lanes)

    @property
    def row_tiles(self) -> int:
        """``ceil(M / rows)``."""
        return _ceil_div(self.m, self.design.rows)

    @property
    def col_tiles(self) -> int:
        """``ceil(N / cols)``."""
        return _ceil_div(self.n, self.design.cols)

    @property
    def tiles(self) -> int:
        """``ceil(M / rows) * ceil(N / cols)``."""
        return self.row_tiles * self.col_tiles

    @property
    def spacing(self) -> int:
        """Cycles from one tile to the next: the steps, or more where the sums would collide."""
        return tile_spacing(self.steps, self.design.rows)

    # Cycles

    @property
    def latency(self) -> int:
        """Clock edges from the last operands of row 0, column 0 to their visible sum."""
        return self.design.pe_latency + self.design.edge_latency

    @property
    def drain_cycles(self) -> int:
        """Clock edges after the one that samples the last operands, to the last visible sum."""
        return self.design.cols - 1 + 2 * (self.design.rows - 1) + self.latency

    @property
    def cycles(self) -> int:
        """Clock edges from the first operand sampled to the last sum visible, both included."""
        return (self.tiles - 1) * self.spacing + self.steps + self.drain_cycles

    @property
    def stall_cycles(self) -> int:
        """Cycles without operands between tiles, because sums would collide."""
        return (self.tiles - 1) * (self.spacing - self.steps)

    def visible(self, m: Any, n: Any) -> Any:
        """The clock edge after which the sum of row `m`, column `n` of the product is visible.

        Takes integers, or arrays of integers that broadcast.
        """
        rows, cols = self.design.rows, self.design.cols
        tile = m // rows * self.col_tiles + n // cols
        last = tile * self.spacing + self.steps - 1
        return last + n % cols + 2 * (m % rows) + self.latency

    # Work

    @property
    def macs(self) -> int:
        """Products of the layer: ``M * K * N``."""
        return self.m * self.k * self.n

    @property
    def utilisation(self) -> float:
        """Products of the layer over those that the array could have made in `cycles`."""
        design = self.design
        return self.macs / (self.cycles * design.rows * design.cols * design.lanes)

    def seconds(self, clock_hz: float) -> float:
        """Time at a clock.

        Raises
        ------
        ValueError
            The frequency is not positive.
        """
        if not clock_hz > 0:
            raise ValueError(f"LayerSchedule.seconds.clock_hz must be positive, not {clock_hz!r}")
        return self.cycles / clock_hz

    def traffic(
        self, weights: AFPFormat, acts: AFPFormat, *, output_width: int, init_width: int = 0
    ) -> Traffic:
        """Bits over the edges of the array.

        Parameters
        ----------
        weights, acts
            Formats of the layer: its tensors move at their own widths, not at the envelopes'.
        output_width
            Bits of a result as it is kept: a code, or a whole sum.
        init_width
            Bits of an initial value; 0 where the layer has none. Every sum takes one.
        """
        weight_codes = self.k * self.n * self.row_tiles
        act_codes = self.m * self.k * self.col_tiles
        return Traffic(
            weight_bits=weight_codes * weights.width,
            act_bits=act_codes * acts.width,
            init_bits=self.m * self.n * init_width,
            output_bits=self.m * self.n * output_width,
            weight_reuse=self.macs / weight_codes,
            act_reuse=self.macs / act_codes,
            unique_weight_bits=self.k * self.n * weights.width,
            unique_act_bits=self.m * self.k * acts.width,
        )
