"""Random work for a column edge: records, events with what belongs to them, and codes, by golden.

Sums are Python integers from the page, one event after the other.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np

from afp_hw import AFPFormat, golden
from afp_hw.design import AcceleratorDesign
from afp_hw.design.requantizing import drop_of
from afp_hw.hdl.column_edge import event_layout, record_layout, sum_slices

IDLE = 8
"""Cycles without an event, ahead of a change of settings."""


def packed(layout: Any, values: dict[str, int]) -> int:
    """A structure as one number."""
    bits = 0
    for name, field in layout:
        width = field.shape.width if hasattr(field.shape, "width") else field.width
        bits |= (values.get(name, 0) & ((1 << width) - 1)) << field.offset
    return bits


def formats(envelope: AFPFormat) -> list[AFPFormat]:
    """All that an envelope holds."""
    return [
        AFPFormat(n_exp, n_man, envelope.signed and signed)
        for n_exp in range(envelope.n_exp + 1)
        for n_man in range(envelope.n_man + 1)
        for signed in (False, True)
        if n_exp + n_man
    ]


@dataclass(frozen=True)
class Record:
    """What a channel is set to, and what that means."""

    init: int
    shift: int
    offset: int
    relu: bool
    clip: int | None
    fmt: AFPFormat


class EdgeEvents:
    """Inputs by cycle, and codes that must come with the cycle of their event.

    A phase has settings of its own, as a descriptor has; events of a phase follow one another
    closely, each with the record of another tile of columns, while the other bank is written.
    """

    def __init__(self, design: AcceleratorDesign, seed: str) -> None:
        self.design, self.chosen = design, random.Random(seed)
        array = design.array
        self.top = 1 << (array.acc_width - 1)
        self.memory: dict[int, int] = {}
        self.records: dict[tuple[int, int], Record] = {}
        self.steps: list[dict[str, int]] = []
        self.want: dict[int, int] = {}
        self.settings: dict[str, int] = {}
        self.formats = formats(array.out_envelope)
        self.fmt = self.formats[-1]

    # Inputs

    def _step(self, **values: int) -> dict[str, int]:
        """A cycle, without an event and without a record; what does not count is random."""
        chosen = self.chosen
        step = {"i_side": chosen.getrandbits(self.design.array.acts.width), "i_event": 0}
        step["i_event"] = chosen.getrandbits(30) << 1
        step |= {"i_record_write": 0, "i_record": chosen.getrandbits(64), **self.settings, **values}
        self.steps.append(step)
        return step

    def idle(self, count: int = IDLE) -> None:
        for _ in range(count):
            self._step()

    def _write(self, step: dict[str, int], bank: int, tile: int, record: Record) -> None:
        design = self.design
        array, fmt = design.array, record.fmt
        envelope = array.out_envelope
        largest = np.array((1 << fmt.magnitude_width) - 1)
        limit = int(golden.embed(largest, fmt.as_unsigned(), envelope.as_unsigned()))
        negative = 0 if record.relu or not fmt.signed else limit
        if record.clip is not None:
            code = golden.requantize(np.array([record.clip]), record.offset, fmt.as_unsigned())
            limit = int(golden.embed(code, fmt.as_unsigned(), envelope.as_unsigned())[0])
        values = {"init": record.init, "shift": record.shift, "limit": limit}
        values |= {
            "negative_limit": negative,
            "drop": drop_of(design.array, record.offset, fmt.n_man),
        }
        step["i_record_write"] = 1
        step["i_record"] = packed(record_layout(design), values)
        step["i_record_address"] = bank << (design.channel_tiles - 1).bit_length() | tile
        self.records[bank, tile] = record

    def record(self) -> Record:
        """Any, of the phase's format; its initial value leaves room for what is added."""
        chosen = self.chosen
        relu = chosen.random() < 0.5 or not self.fmt.signed
        bound = min(self.top >> 2, self.design.array.init_bound)
        init = chosen.choice((0, bound, -bound, chosen.randint(-bound, bound)))
        clip = (
            chosen.getrandbits(self.design.array.acc_width - 2) if chosen.random() < 0.3 else None
        )
        offset = chosen.randint(-self.design.array.acc_width - 3, 4)
        return Record(init, chosen.randint(0, 3), offset, relu, clip if relu else None, self.fmt)

    # Phases

    def phase(self, events: int, *, maximum: int, keep: int, sums: int) -> None:
        """Settings, records of both banks, and then events without a pause, or with some."""
        chosen, design = self.chosen, self.design
        self.idle()
        self.fmt = chosen.choice(self.formats)
        bank = chosen.getrandbits(1)
        envelope = design.array.out_envelope
        self.settings = {
            "i_maximum": maximum,
            "i_keep": keep,
            "i_sums": sums,
            "i_record_bank": bank,
            "i_narrow": envelope.n_man - self.fmt.n_man,
        }
        for tile in range(design.channel_tiles):
            self._write(self._step(), bank, tile, self.record())
        begin = len(self.steps)
        inputs: dict[int, int] = {}
        used: dict[int, int] = {}
        pause = chosen.choice((0.0, 0.0, 0.4))
        for _ in range(events):
            while chosen.random() < pause:
                self._step()
            at = len(self.steps)
            free = [a for a in range(design.pixels) if used.get(a, -9) <= at - 4]
            address = chosen.choice(free)
            used[address] = at
            starts = int(address not in self.memory or chosen.random() < 0.4)
            self._event(address, starts, bank, inputs)
            if chosen.random() < 0.3:  # the next descriptor's records
                tile = chosen.randrange(design.channel_tiles)
                self._write(self.steps[-1], 1 - bank, tile, self.record())
        self.idle()
        for cycle in range(begin, len(self.steps)):
            self.steps[cycle]["i_sum"] = inputs.get(cycle, chosen.getrandbits(12))

    def _event(self, address: int, starts: int, bank: int, inputs: dict[int, int]) -> None:
        chosen, design, settings = self.chosen, self.design, self.settings
        array = design.array
        tile = chosen.randrange(design.channel_tiles)
        record = self.records[bank, tile]
        masked = int(chosen.random() < 0.3)
        code, shift, negate, side = self._side(record)
        base = self.memory.get(address, 0)
        if starts:
            base = -self.top if settings["i_maximum"] else record.init
        if masked:
            code = side = 0
        if settings["i_maximum"]:
            total, products = (base if masked else max(base, side)), 0
        else:
            room = self.top - 1 - abs(base + side)
            most = min(room, (1 << array.pe_acc_width - 1) - 1)
            products = chosen.choice((0, most, -most, chosen.randint(-most, most)))
            if chosen.random() < 0.7:  # more of those that do not saturate
                products >>= chosen.randint(0, array.pe_acc_width)
            total = base + side + products
        at = len(self.steps)
        slice_ = chosen.randrange(sum_slices(design)) if settings["i_sums"] else 0
        emit = int(chosen.random() < 0.8)
        event = {"valid": 1, "starts": starts, "emit": emit, "slice": slice_, "address": address}
        event |= {"tile": tile, "masked": masked, "shift": shift, "negate": negate}
        self._step(i_event=packed(event_layout(design), event), i_side=code)
        inputs[at + 3] = products
        if settings["i_keep"]:
            # The next sum at this address must have room, too.
            self.memory[address] = total
            if abs(total) > self.top >> 2:
                del self.memory[address]
        if emit:
            self.want[at] = self._leaves(total, slice_, record)

    def _side(self, record: Record) -> tuple[int, int, int, int]:
        """Code in the envelope, shift, negate, and the operand that they make."""
        chosen, acts = self.chosen, self.design.array.afp_acts
        fmt = chosen.choice([each for each in formats(acts) if each.signed == acts.signed])
        stored = np.array([chosen.randrange(1 << fmt.width)])
        further = chosen.randint(0, 3)
        negate = int(chosen.random() < 0.4)
        fix = int(golden.to_fix(stored, fmt)[0]) << further + record.shift
        code = int(golden.embed(stored, fmt, acts)[0])
        return code, further + fmt.n_man, negate, -fix if negate else fix

    def _leaves(self, total: int, slice_: int, record: Record) -> int:
        envelope = self.design.array.out_envelope
        if self.settings["i_sums"]:
            whole = total & (2 * self.top - 1)
            return whole >> slice_ * envelope.width & ((1 << envelope.width) - 1)
        code = golden.requantize(
            np.array([total], object), record.offset, record.fmt, relu=record.relu, clip=record.clip
        )
        return int(golden.embed(code, record.fmt, envelope)[0])
