"""Random work for an array whose weights or outputs stay: inputs by cycle, and sums that must come.

Expected values are golden's; cycles are those that :class:`.FlowArray` promises. What a port shows
where it does not count is random.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.design import Design


def packed(codes: NDArray[np.int64], width: int) -> int:
    """Codes as one number, the first in the least significant bits."""
    return sum(int(code) << at * width for at, code in enumerate(codes.reshape(-1)))


class FlowSteps:
    """Inputs of an array, a dictionary for each cycle, and the sums that they make.

    Attributes
    ----------
    expected
        Sums by clock edge and column: what must be visible after that edge.
    at
        The first cycle that is free for what comes next.
    """

    def __init__(self, design: Design, seed: int, ws_latency: int, os_latency: int) -> None:
        self.design = design
        self.random = np.random.default_rng(seed)
        self.ws_latency, self.os_latency = ws_latency, os_latency
        self.given: dict[int, dict[str, int]] = {}
        self.expected: dict[tuple[int, int], int] = {}
        self.at = 1  # cycle 0 is a reset
        self.given[0] = {"rst": 1}

    # What is given

    def _codes(self, width: int, *shape: int) -> NDArray[np.int64]:
        """Random codes, a third of them zero, and a third of what lies side by side in all."""
        codes = self.random.integers(0, 1 << width, shape)
        codes[self.random.random(shape) < 0.3] = 0
        codes[self.random.random(shape[:1]) < 0.2] = 0
        return codes

    def _weights(self) -> NDArray[np.int64]:
        """Weights of a chunk, ``[rows * lanes, cols]``."""
        design = self.design
        return self._codes(design.weights.width, design.group, design.cols)

    def _put(self, cycle: int, **values: int) -> None:
        step = self.given.setdefault(cycle, {})
        assert not step.keys() & values.keys(), (cycle, values)
        step |= values

    def _put_weights(self, cycle: int, weights: NDArray[np.int64], row: int, last: int) -> None:
        """A row of weights: lane l of column c is code ``c*lanes + l``."""
        lanes, width = self.design.lanes, self.design.weights.width
        codes = weights[row * lanes : (row + 1) * lanes].T
        self._put(cycle, i_weights=packed(codes, width), i_wgt_valid=1, i_wgt_last=last)

    def _product(self, group: NDArray[np.int64], weights: NDArray[np.int64]) -> NDArray[Any]:
        design = self.design
        return golden.gemm(
            golden.to_fix(group.reshape(1, -1), design.afp_acts),
            golden.to_fix(weights, design.afp_weights),
        )[0]

    def _expect(self, edge: int, sums: NDArray[Any]) -> None:
        for col in range(self.design.cols):
            assert (edge + col, col) not in self.expected
            self.expected[edge + col, col] = int(sums[col])

    def _idle(self, end: int, outputs: int) -> None:
        """Fill in what was not given before cycle `end`."""
        design = self.design
        widths = {
            "i_group": design.group * design.acts.width,
            "i_first": 1,
            "i_last": 1,
            "i_weights": design.cols * design.lanes * design.weights.width,
            "i_wgt_last": 1,
        }
        for cycle in range(self.at, end):
            step = self.given.setdefault(cycle, {})
            step.setdefault("rst", 0)
            step.setdefault("i_outputs", outputs)
            step.setdefault("i_valid", 0)
            step.setdefault("i_wgt_valid", 0)
            step.setdefault("i_row", int(self.random.integers(design.rows)))
            for name, width in widths.items():
                junk = int.from_bytes(self.random.bytes(-(-width // 8)), "little")
                step.setdefault(name, junk & ((1 << width) - 1))
        self.at = end

    # Work

    def weights_stay(self, chunks: int, spacing: int, pauses: bool = False) -> None:
        """Chunks of groups, `spacing` cycles from one to the next or a few more.

        Without `pauses` all that may be close is as close as can be.
        """
        rows = self.design.rows
        chosen = self.random
        begin = self.at
        load = begin + (int(chosen.integers(4)) if pauses else 0)
        end = begin
        loaded, weights = self._load(load, pauses)
        first = loaded + (int(chosen.integers(4)) if pauses else 0)
        for chunk in range(chunks):
            following = first + spacing + (int(chosen.integers(5)) if pauses else 0)
            upcoming = None
            if chunk + 1 < chunks:
                load = first + 1 + (int(chosen.integers(3)) if pauses else 0)
                if not pauses and chunk % 2:  # as late as it may be
                    load = following - rows + 1
                loaded, upcoming = self._load(load, pauses)
                following = max(following, loaded)
            for cycle in range(first, following):
                if cycle > first and chosen.random() < 0.25:  # none: as zeros
                    self._expect(cycle + self.ws_latency - 1, np.zeros(self.design.cols, int))
                    end = cycle
                    continue
                group = self._codes(self.design.acts.width, self.design.group)
                value = packed(group, self.design.acts.width)
                self._put(cycle, i_group=value, i_valid=1, i_first=int(cycle == first))
                self._expect(cycle + self.ws_latency - 1, self._product(group, weights))
                end = cycle
            first = following
            if upcoming is not None:
                weights = upcoming
        # The mode may change in the cycle after the one in which the last sum is visible.
        self._idle(end + self.ws_latency + self.design.cols, outputs=0)

    def _load(self, cycle: int, pauses: bool) -> tuple[int, NDArray[np.int64]]:
        """Give a chunk's weights from `cycle` on; the cycle of the last row, and the weights."""
        weights = self._weights()
        for row in reversed(range(self.design.rows)):
            while pauses and self.random.random() < 0.2:
                cycle += 1
            self._put_weights(cycle, weights, row, int(row == 0))
            cycle += 1
        return cycle - 1, weights

    def outputs_stay(self, tiles: int, chunks: int, pauses: bool = False) -> None:
        """Tiles of `chunks` chunks, as close to one another as can be or with pauses."""
        design, chosen = self.design, self.random
        rows, lanes, width = design.rows, design.lanes, design.acts.width
        at, last = self.at, None
        for _ in range(tiles):
            pixels = [row for row in range(rows) if row == 0 or chosen.random() < 0.8]
            sums = np.zeros((rows, design.cols), object)
            for chunk in range(chunks):
                if pauses:
                    at += int(chosen.integers(4))
                if chunk == chunks - 1 and last is not None:
                    at = max(at, last + 2 * rows)
                weights = self._weights()
                extra = chosen.random() < 0.2
                if extra:  # a chunk without weights
                    weights[:] = 0
                for row in pixels:
                    group = self._codes(width, rows * lanes)
                    tags = {"i_first": int(chunk == 0), "i_last": int(chunk == chunks - 1)}
                    self._put(
                        at + row,
                        i_group=packed(group, width),
                        i_valid=1,
                        i_row=row,
                        **(tags if row == 0 else {}),
                    )
                    sums[row] += self._product(group, weights)
                for row in range(rows * (not extra)):
                    self._put_weights(at + row, weights, row, int(chosen.integers(2)))
                last = at
                at += rows
            for row in pixels:
                self._expect(last + self.os_latency - 1 + 2 * row, sums[row])
        assert last is not None
        self._idle(last + self.os_latency + 2 * (rows - 1) + design.cols, outputs=1)

    def reset(self, within: int) -> None:
        """Cut what has been given `within` cycles before its end; then a cycle of reset."""
        cut = max(self.at - within, 1)
        self.given = {cycle: step for cycle, step in self.given.items() if cycle < cut}
        due = cut - 1  # the mode may change with the reset
        self.expected = {key: value for key, value in self.expected.items() if key[0] < due}
        self.at = cut
        self.given[cut] = {"rst": 1}
        self._idle(cut + 1, outputs=int(self.random.integers(2)))
