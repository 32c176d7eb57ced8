"""What a host makes of a network with dynamic grids: the grid of every tensor, and its codes.

An accelerator keeps grids to itself; they follow from what it has stored, from descriptors and from
the input's grid.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import Operation, OutputKind
from afp_hw.program.interpreter_grids import (
    Grid,
    codes_of_words,
    magnitude_bits,
    rule,
)
from afp_hw.program.program import Program, TensorPlace


def stored_grids(
    program: Program, accelerator: AcceleratorDesign, memory: bytes | bytearray, input_lsb: int
) -> dict[str, Grid]:
    """The grid of every stored tensor of codes or words behind a run, by name."""
    by_place = {
        place.layout.place: place
        for place in program.tensors.values()
        if place.layout.place is not None
    }
    grids = {0: Grid(input_lsb, input_lsb)}
    mask = (1 << magnitude_bits(accelerator)) - 1
    for d in program.descriptors:
        if not d["dynamic_end"]:
            continue
        if d["operation"] != Operation.SIDE:
            inside = grids[d["act_grid"]].lsb
        else:
            inside = min(grids[d["side_grid"]].lsb, grids[d["other_grid"]].lsb)
        place = by_place[d["out_grid"]]
        grid = Grid(inside, inside)
        if d["output"] == OutputKind.WORDS:
            assert place.layout.item is not None  # words have a format
            unit = inside + d["grid_shift"]
            largest = int((place.read(memory) & mask).max())
            grid = Grid(rule(largest, unit, place.layout.item.fmt, accelerator), unit)
        grids[d["out_grid"]] = grid
    return {by_place[number].layout.name: grid for number, grid in grids.items()}


def stored_codes(
    place: TensorPlace,
    accelerator: AcceleratorDesign,
    memory: bytes | bytearray,
    grid: Grid | None,
) -> NDArray[Any]:
    """Codes of a tensor, whatever it is stored as; sums as they are."""
    stored = place.read(memory)
    layout = place.layout
    if not layout.words:
        return stored
    if layout.item is None or grid is None:
        raise ValueError(f"tensor {layout.name!r} must have a grid to be read, not none")
    return np.asarray(codes_of_words(accelerator, stored, grid, layout.item.fmt))


def output_values(
    program: Program, accelerator: AcceleratorDesign, memory: bytes | bytearray, input_lsb: int
) -> NDArray[Any]:
    """The network's output behind a run: codes, or sums."""
    place = program.output
    if not place.layout.words:
        return place.read(memory)
    grids = stored_grids(program, accelerator, memory, input_lsb)
    return stored_codes(place, accelerator, memory, grids[place.layout.name])
