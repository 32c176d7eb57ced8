"""Runs a program from its bytes alone, in NumPy: what ``docs/accelerator.md`` says, and no more.

Loads run as far ahead as the waits allow, so that a missing one shows: a bank that is overwritten
while it is needed, a tensor that is read before it is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import (
    DESCRIPTOR_BYTES,
    Operation,
    OutputKind,
    SideUse,
    unpack_descriptor,
)
from afp_hw.program.interpreter_buffers import Buffer
from afp_hw.program.interpreter_grids import Grids, scaled_records
from afp_hw.program.interpreter_outputs import leaving
from afp_hw.program.interpreter_sums import Products, SideOperand, tile_sums
from afp_hw.program.packing import pack_rows
from afp_hw.program.settings import record_type, tile_bytes
from afp_hw.program.waits import Done, promises

Descriptor = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Moved:
    """Bytes that a run has moved.

    Attributes
    ----------
    loaded
        By kind: ``parameter``, ``wgt``, ``act``, ``side``.
    stored
        Written to memory.
    """

    loaded: Mapping[str, int]
    stored: int


def interpret(memory: bytearray, accelerator: AcceleratorDesign, input_lsb: int = 0) -> Moved:
    """Run the program at the start of memory, in place.

    Parameters
    ----------
    memory
        The image, the input and room for the rest.
    accelerator
        What it runs on.
    input_lsb
        Register INPUT_GRID: exponent of a dynamic input.

    Raises
    ------
    AlignmentError
        Dynamic operands of an addition lie too far apart for its sums.
    ValueError
        A descriptor that does not keep to the contract, or waits too little.
    """
    return _Machine(memory, accelerator, input_lsb).run()


def read_descriptors(memory: bytes | bytearray) -> list[dict[str, int]]:
    """Descriptors from the start of memory up to the last one."""
    found: list[dict[str, int]] = []
    while not found or not found[-1]["last"]:
        at = DESCRIPTOR_BYTES * len(found)
        if at + DESCRIPTOR_BYTES > len(memory):
            raise ValueError(f"program must have a last descriptor, not {len(found)} others")
        found.append(unpack_descriptor(bytes(memory[at : at + DESCRIPTOR_BYTES])))
    return found


class _Machine:
    def __init__(self, memory: bytearray, accelerator: AcceleratorDesign, input_lsb: int) -> None:
        self._memory, self._accelerator = memory, accelerator
        self._grids = Grids(accelerator, input_lsb)
        array = accelerator.array
        self._descriptors = read_descriptors(memory)
        self._promises = promises(self._descriptors)
        self._storing = [i for i, each in enumerate(self._descriptors) if each["store"]]
        self._buffers = {
            "parameter": Buffer("records", accelerator.channel_tiles * tile_bytes(accelerator)),
            "wgt": Buffer("weights", accelerator.wgt_bytes),
            "act": Buffer("activations", accelerator.act_bytes),
            "side": Buffer("side operand", accelerator.side_bytes),
        }
        noise = np.random.default_rng(array.acc_width)
        self._out = noise.integers(0, 2, (2, accelerator.out_words, array.cols), np.uint32)
        kind: Any = object if array.acc_width > 62 else np.int64
        shape = (accelerator.pixels, array.cols)
        self._sums = noise.integers(-1, 2, shape, np.int64).astype(kind)
        self._computed = self._stored = self._bytes = 0

    def run(self) -> Moved:
        for index, each in enumerate(self._descriptors):
            early, late = ["parameter", "wgt"], ["act", "side"]
            if each["dynamic_in"]:
                early, late = ["wgt"], ["parameter", "act", "side"]
            self._proceed(self._promises[index].load)
            for kind in early:
                self._load(index, each, kind)
            self._proceed(self._promises[index].operands)
            for kind in late:
                self._load(index, each, kind)
        self._proceed(Done(len(self._descriptors), len(self._storing)))
        loaded = {kind: buffer.loaded for kind, buffer in self._buffers.items()}
        return Moved(loaded, self._bytes)

    def _proceed(self, done: Done) -> None:
        """Compute and store up to here, and no further."""
        while self._computed < done.computed:
            self._store_up_to(self._promises[self._computed].compute.stored)
            self._compute(self._computed, self._descriptors[self._computed])
            self._computed += 1
        self._store_up_to(done.stored)

    def _store_up_to(self, count: int) -> None:
        while self._stored < count:
            self._store(self._descriptors[self._storing[self._stored]])
            self._stored += 1

    # Loads

    def _load(self, index: int, each: Descriptor, kind: str) -> None:
        size = each[f"{kind}_beats"] * self._accelerator.beat_bytes
        if size == 0:
            return
        bank, begin = each[f"{kind}_bank"], each[f"{kind}_address"]
        for other in range(self._computed, index):
            if _uses(self._descriptors[other], kind) == bank:
                raise ValueError(
                    f"descriptor {index} must load {kind} bank {bank} when descriptor {other} is "
                    f"computed, not when {self._computed} are"
                )
        for store in range(self._stored, len(self._storing)):
            other = self._storing[store]
            if other >= index:
                break
            low = self._descriptors[other]["store_address"]
            high = low + self._store_bytes(self._descriptors[other])
            if begin < high and low < begin + size:
                raise ValueError(
                    f"descriptor {index} must load {kind} when store {store} has finished, not "
                    f"when {self._stored} have"
                )
        if begin % self._accelerator.beat_bytes or begin + size > len(self._memory):
            raise ValueError(
                f"descriptor {index}.{kind}_address must be that of beats within "
                f"{len(self._memory)} bytes, not {begin}"
            )
        data = bytes(self._memory[begin : begin + size])
        if kind == "parameter":
            data = scaled_records(self._accelerator, data, each, self._grids)
        self._buffers[kind].load(bank, data)

    # Computation

    def _compute(self, index: int, each: Descriptor) -> None:
        self._check_bank(index, each)
        accelerator = self._accelerator
        array = accelerator.array
        size = tile_bytes(accelerator)
        table = self._buffers["parameter"].bytes(each["parameter_bank"], each["n_tiles"] * size)
        used = array.cols * record_type(accelerator).itemsize
        rows = np.ascontiguousarray(table.reshape(-1, size)[:, :used])
        records = rows.view(record_type(accelerator))
        if each["n_tiles"] > accelerator.channel_tiles:
            raise ValueError(
                f"descriptor {index}.n_tiles must be at most {accelerator.channel_tiles}, not "
                f"{each['n_tiles']}"
            )
        products = side = None
        looked = self._grids.look(index, each)
        if each["operation"] != Operation.SIDE:
            act, wgt = self._buffers["act"], self._buffers["wgt"]
            products = Products(accelerator, each, act, wgt, looked)
        if each["side_use"] != SideUse.NONE:
            shift = records["shift"].astype(np.int64)
            side = SideOperand(accelerator, each, self._buffers["side"], shift, looked)
        for n in range(each["n_tiles"]):
            self._tile(index, each, n, records[n], products, side)
        if each["dynamic_end"]:
            self._grids.end(index, each, looked)

    def _check_bank(self, index: int, each: Descriptor) -> None:
        """Refuse writing to an output bank that may not have been stored."""
        surely = self._promises[index].compute.stored
        for store, other in enumerate(self._storing[surely:], surely):
            if other >= index:
                break
            if each["emit"] and self._descriptors[other]["out_bank"] == each["out_bank"]:
                raise ValueError(
                    f"descriptor {index} must be computed when store {store} has finished, not "
                    f"when {surely} have"
                )

    def _tile(
        self,
        index: int,
        each: Descriptor,
        n: int,
        records: NDArray[Any],
        products: Products | None,
        side: SideOperand | None,
    ) -> None:
        array = self._accelerator.array
        places = n * each["sum_n_step"] + np.arange(each["pixels"])
        keeps = each["operation"] != Operation.OUTPUTS_STATIONARY
        if (keeps or each["accumulate"]) and int(places[-1]) >= len(self._sums):
            raise ValueError(
                f"descriptor {index}.pixels must be within {len(self._sums)} words of the "
                f"accumulator memory, not {int(places[-1]) + 1}"
            )
        shape = (each["pixels"], array.cols)
        lowest = -(1 << array.acc_width - 1)
        if each["accumulate"]:
            base = self._sums[places]
        elif each["side_use"] == SideUse.MAX:
            base = np.full(shape, lowest, self._sums.dtype)
        else:
            base = np.broadcast_to(records["init"].astype(self._sums.dtype), shape)
        sums = tile_sums(each, n, base, products, side)
        if int(sums.min()) < lowest or int(sums.max()) >= -lowest:
            raise ValueError(
                f"descriptor {index} must have sums of {array.acc_width} bits, not "
                f"{int(sums.min())}..{int(sums.max())}"
            )
        if keeps:
            self._sums[places] = sums
        if each["emit"]:
            first = each["out_start"] + n * each["out_n_step"]
            words = first + np.arange(each["pixels"]) * each["out_x_step"]
            for part, codes in enumerate(leaving(each, self._accelerator, sums, records)):
                self._out[each["out_bank"], words + part] = codes
                if each["output"] == OutputKind.WORDS:
                    self._grids.see(codes)

    # Stores

    def _store_bytes(self, each: Descriptor) -> int:
        return each["store_rows"] * each["store_row_beats"] * self._accelerator.beat_bytes

    def _store(self, each: Descriptor) -> None:
        rows, words = each["store_rows"], each["store_row_words"]
        codes = self._out[each["out_bank"], : rows * words].reshape(rows, -1)
        row_bytes = each["store_row_beats"] * self._accelerator.beat_bytes
        data = pack_rows(codes, each["out_bits"], row_bytes).tobytes()
        begin = each["store_address"]
        if begin + len(data) > len(self._memory):
            raise ValueError(
                f"descriptor.store_address must leave {len(data)} of {len(self._memory)} bytes, "
                f"not {begin}"
            )
        self._memory[begin : begin + len(data)] = data
        self._bytes += len(data)


def _uses(each: Descriptor, kind: str) -> int | None:
    """Bank of this kind that a descriptor computes with."""
    used = {
        "parameter": bool(each["emit"] or each["side_use"] or not each["accumulate"]),
        "wgt": each["operation"] != Operation.SIDE,
        "act": each["operation"] != Operation.SIDE,
        "side": each["side_use"] != SideUse.NONE,
    }
    return each[f"{kind}_bank"] if used[kind] else None
