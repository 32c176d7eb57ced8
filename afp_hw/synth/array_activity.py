"""Gate-level run of one cell of the array, with all cells of the array as its bit lanes.

A lane is the cell at (row, col): it sees the operands of its row and column, skewed as in the
array, and from below the finished sums that its lower neighbours pass up. Neighbours exchange only
what is known beforehand (operands one cycle later, golden sums): each lane has its own stream and
waits for no other. Of a large array some columns are taken, whole ones, because sums leave upwards.
Edge circuits (skew, decoders, initial values) are not part of the cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.errors import MismatchError
from afp_hw.formats import IntFormat, Number
from afp_hw.schedule import tile_spacing
from afp_hw.synth.activity import Activity
from afp_hw.synth.gatesim import GateSimulator, lane_bits, lane_integers
from afp_hw.synth.netlist import Netlist
from afp_hw.synth.simulator import Planes, SimulatorOf
from afp_hw.synth.stimulus import Operands, stepped

DEFAULT_CYCLES: Final = 8192
"""Cycles of a run, about: a few thousand steps give energies that change by less than 1 %."""

_MOST_ROUNDS: Final = 16
_MOST_PLACES: Final = 256


def decoded(codes: NDArray[Any], fmt: Number) -> NDArray[np.uint32]:
    """Decoded operands as they travel: ``sign, sig, shift`` from the least significant bit.

    With an exponent of two bits or more `shift` is that field, and `sig` the significand where the
    smallest exponent of normal numbers is 1: ``1.m``, or ``m.0`` for a subnormal. Otherwise `sig`
    is all bits but the sign. An integer is its code.
    """
    code = np.arange(1 << fmt.width)
    if isinstance(fmt, IntFormat):
        table = code
    elif fmt.n_exp < 2:
        magnitude = code & ((1 << fmt.magnitude_width) - 1)
        table = code >> fmt.magnitude_width | magnitude << int(fmt.signed)
    else:
        mantissa = code & ((1 << fmt.n_man) - 1)
        exponent = code >> fmt.n_man & ((1 << fmt.n_exp) - 1)
        sig = np.where(exponent > 0, mantissa | 1 << fmt.n_man, mantissa << 1)
        sign_bits, sig_bits = int(fmt.signed), fmt.max_sig.bit_length()
        table = code >> fmt.magnitude_width | sig << sign_bits | exponent << sign_bits + sig_bits
    decoded_codes: NDArray[np.uint32] = table.astype(np.uint32)[codes]
    return decoded_codes


def live_codes(codes: NDArray[Any], fmt: Number) -> NDArray[np.uint8]:
    """1 for each code that does not stand for zero."""
    magnitude = codes if isinstance(fmt, IntFormat) else codes & ((1 << fmt.magnitude_width) - 1)
    live: NDArray[np.uint8] = (magnitude != 0).astype(np.uint8)
    return live


@dataclass(frozen=True, eq=False)
class _Streams:
    """Inputs and expected outputs of all cells, each [cycles, ..., rows, cols]."""

    act: NDArray[Any]
    wgt: NDArray[Any]
    act_live: NDArray[np.uint8]
    wgt_live: NDArray[np.uint8]
    first: NDArray[np.uint8]
    last: NDArray[np.uint8]
    drain: NDArray[Any]
    drain_valid: NDArray[np.uint8]


def _skewed(values: NDArray[Any], axis_of: str, rows: int, cols: int) -> NDArray[Any]:
    """Streams of rows or columns [cycles, ..., rows or cols] as [cycles, ..., rows, cols], skewed.

    The cell at (row, col) sees what enters at the edge ``row + col`` cycles later.
    """
    late = np.add.outer(np.arange(rows), np.arange(cols))
    filled = np.concatenate([np.zeros((rows + cols, *values.shape[1:]), values.dtype), values])
    row, col = np.indices((rows, cols))
    times = np.arange(len(values))[:, None, None] + rows + cols - late
    lanes: NDArray[Any] = filled[times, ..., row if axis_of == "row" else col]
    return lanes if values.ndim == 2 else np.ascontiguousarray(np.moveaxis(lanes, -1, 1))


def _drain_chain(sums: NDArray[Any], taken: NDArray[np.bool_], rows: int) -> NDArray[Any]:
    """What each cell's drain register holds: its own sum when finished, else what is below."""
    held = np.zeros((len(taken) + 1, *taken.shape[1:]), dtype=sums.dtype)
    below = np.zeros_like(held[:, 0])
    for row in reversed(range(rows)):
        held[1:, row] = np.where(taken[:, row], sums[:, row], below[:-1])
        below = held[:, row]
    return held[:-1]


class _Tiles:
    """The rounds of an array on some operands, as streams."""

    def __init__(self, operands: Operands, cycles: int) -> None:
        design = operands.design
        self._rows = design.rows
        self._cols = min(design.cols, max(1, _MOST_PLACES // design.rows))
        self._operands_of = operands
        self.steps = -(-operands.act_codes.shape[1] // design.lanes)
        self.spacing = tile_spacing(self.steps, self._rows)
        m, n = operands.act_codes.shape[0], operands.wgt_codes.shape[1]
        tiles = [(r, c) for c in range(0, n, design.cols) for r in range(0, m, self._rows)]
        count = max(1, min(_MOST_ROUNDS, cycles // self.spacing, len(tiles)))
        chosen = np.linspace(0, len(tiles) - 1, count).round().astype(int).tolist()
        self.tiles = [tiles[index] for index in chosen]
        settle = 3 * self._rows + self._cols + design.pe_latency + 2
        self.warm = -(-settle // self.spacing)
        self.order = [self.tiles[index % count] for index in range(-self.warm, count)]
        self.tail = settle
        self.cycles = len(self.order) * self.spacing + self.tail

    @property
    def places(self) -> int:
        """Cells that are simulated."""
        return self._rows * self._cols

    @property
    def macs(self) -> int:
        """Products of the counted rounds, without padding."""
        m, n = self._operands_of.act_codes.shape[0], self._operands_of.wgt_codes.shape[1]
        cells = sum(int(min(self._rows, m - r) * min(self._cols, n - c)) for r, c in self.tiles)
        return cells * int(self._operands_of.act_codes.shape[1])

    def _stream(self, codes: NDArray[Any], starts: list[int], size: int) -> NDArray[Any]:
        """Codes [K, X] of the tiles that begin at `starts` as [cycles, lanes, size]."""
        padded = np.pad(codes, ((0, 0), (0, size)))
        out = np.zeros((self.cycles, self._operands_of.design.lanes, size), dtype=codes.dtype)
        for index, start in enumerate(starts):
            at = index * self.spacing
            tile = padded[:, start : start + size]
            out[at : at + self.steps] = stepped(tile, self._operands_of.design)
        return out

    def _tag(self, step: int) -> NDArray[np.uint8]:
        tag = np.zeros((self.cycles, self._rows), dtype=np.uint8)
        tag[step : len(self.order) * self.spacing : self.spacing] = 1
        return tag

    def _operands(
        self, codes: NDArray[Any], fmt: Number, axis_of: str, tagged: NDArray[np.bool_]
    ) -> NDArray[Any]:
        """Operands as the cells see them: those at the edge all, the others what was loaded."""
        design = self._operands_of.design
        values = codes if design.decode == "pe" else decoded(codes, fmt)
        edge = _skewed(values, axis_of, self._rows, self._cols)
        if not design.gate_zeros:
            return edge
        loaded = (live_codes(codes, fmt) == 1) | tagged[:, None, None]
        cycle = np.arange(len(values))[:, None, None]
        latest = np.maximum.accumulate(np.where(loaded, cycle, 0), axis=0)
        held = np.take_along_axis(values, latest, axis=0)
        inner = _skewed(held, axis_of, self._rows, self._cols)
        row, col = np.indices((self._rows, self._cols))
        return np.where((col if axis_of == "row" else row) == 0, edge, inner)

    def streams(self) -> _Streams:
        """Everything that goes into the cells and must come out of them."""
        operands, design = self._operands_of, self._operands_of.design
        rows, cols = self._rows, self._cols
        act = self._stream(
            np.ascontiguousarray(operands.act_codes.T), [r for r, _ in self.order], rows
        )
        wgt = self._stream(operands.wgt_codes, [c for _, c in self.order], cols)
        last = _skewed(self._tag(self.steps - 1), "row", rows, cols)
        taken = np.zeros_like(last)
        taken[design.pe_latency :] = last[: -design.pe_latency]
        golden = np.pad(operands.sums(), ((0, rows), (0, cols)))
        tile = np.array(self.order)[np.maximum(np.cumsum(taken, axis=0, dtype=np.int64) - 1, 0)]
        row, col = np.indices((rows, cols))
        sums = golden[tile[..., 0] + row, tile[..., 1] + col]
        tagged = (self._tag(0) | self._tag(self.steps - 1))[:, 0] == 1
        return _Streams(
            act=self._operands(act, design.acts, "row", tagged),
            wgt=self._operands(wgt, design.weights, "col", tagged),
            act_live=_skewed(live_codes(act, design.acts), "row", rows, cols),
            wgt_live=_skewed(live_codes(wgt, design.weights), "col", rows, cols),
            first=_skewed(self._tag(0), "row", rows, cols),
            last=last,
            drain=_drain_chain(sums, taken.astype(bool), rows),
            drain_valid=_drain_chain(taken, taken.astype(bool), rows),
        )


def _from_below(values: NDArray[Any]) -> NDArray[Any]:
    """Each cell's input from the cell below, [cycles, rows, cols]; the lowest gets 0."""
    below = np.zeros_like(values)
    below[:, :-1] = values[:, 1:]
    return below


def _flat(values: NDArray[Any]) -> NDArray[Any]:
    """[..., rows, cols] as [..., lanes]."""
    return values.reshape(*values.shape[:-2], -1)


def run_cell(
    netlist: Netlist,
    operands: Operands,
    *,
    simulator_of: SimulatorOf = GateSimulator,
    cycles: int = DEFAULT_CYCLES,
) -> Activity:
    """Run the array's cell with each of its places as a bit lane; check all sums.

    Parameters
    ----------
    netlist
        Mapped netlist of the cell's module.
    operands
        Of a design with the array's rows and columns.
    simulator_of
        Makes the simulator, with delays or without.
    cycles
        That tiles are taken for, one at least.

    Raises
    ------
    MismatchError
        A sum that leaves a cell is not golden's, or not in its cycle.
    """
    tiles = _Tiles(operands, cycles)
    streams, design = tiles.streams(), operands.design
    stimulus = {
        "rst": np.zeros(tiles.cycles, dtype=np.uint8),
        "i_first": _flat(streams.first),
        "i_last": _flat(streams.last),
        "i_drain": _flat(_from_below(streams.drain)),
        "i_drain_valid": _flat(_from_below(streams.drain_valid)),
    }
    for lane in range(design.lanes):
        stimulus[f"i_act__{lane}"] = _flat(streams.act[:, lane])
        stimulus[f"i_wgt__{lane}"] = _flat(streams.wgt[:, lane])
    if design.gate_zeros:
        stimulus["i_act_live"] = _flat(streams.act_live)
        stimulus["i_wgt_live"] = _flat(streams.wgt_live)
    simulator = simulator_of(netlist, tiles.places)
    bounds = [0, tiles.warm * tiles.spacing, tiles.cycles - tiles.tail, tiles.cycles]
    checked, counts = 0, (simulator.toggles, simulator.settled_toggles)
    for part, (low, high) in enumerate(pairwise(bounds)):
        simulator.clear()
        outputs = simulator.run({port: values[low:high] for port, values in stimulus.items()})
        checked += _check(netlist.top, outputs, streams, low)
        if part == 1:
            counts = simulator.toggles, simulator.settled_toggles
    counted = tiles.places * tiles.spacing * len(tiles.tiles)
    return Activity(*counts, counted, tiles.macs, checked)


def _check(top: str, outputs: dict[str, Planes], streams: _Streams, low: int) -> int:
    """Compare one part's outputs, from cycle `low` on; gives how many sums left above row 0."""
    planes = outputs["o_drain_valid"][:, 0]
    due = _flat(streams.drain_valid)[low : low + len(planes)]
    lanes, cols = due.shape[1], streams.drain.shape[2]
    _compare(
        top, "o_drain_valid", lane_bits(planes, lanes), due, np.arange(low, low + len(due)), cols
    )
    cycles = np.flatnonzero(due.any(axis=1))
    sums = _flat(streams.drain)[low:][cycles]
    found = lane_integers(outputs["o_drain"][cycles], lanes, signed=True)
    # What a drain register holds without its valid bit is nobody's business.
    _compare(top, "o_drain", np.where(due[cycles] == 1, found, sums), sums, low + cycles, cols)
    return int(due[:, :cols].sum())


def _compare(
    top: str,
    port: str,
    found: NDArray[Any],
    want: NDArray[Any],
    cycles: NDArray[np.int64],
    cols: int,
) -> None:
    wrong = np.argwhere(found != want)
    if len(wrong):
        at, lane = wrong[0].tolist()
        raise MismatchError(
            f"{top}.{port} must be {want[at, lane]}, not {found[at, lane]}, in cycle {cycles[at]} "
            f"of cell ({lane // cols}, {lane % cols}) (gate level)"
        )
