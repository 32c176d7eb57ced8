"""A configuration and a topology of SCALE-Sim, version 3.

A line of the topology has one stride, and no padding, dilation or groups. So heights and widths are
what windows reach, padding included, and a layer of several groups is one line a group, as the
array runs it. The reader of :mod:`afp_hw.program.topology` takes the same table.

Source: A. Samajdar et al., "SCALE-Sim: Systolic CNN Accelerator Simulator", arXiv:1811.02883;
``scale_config.py`` and ``topology_utils.py`` of the package scalesim 3.0.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from afp_hw.design import Design
from afp_hw.energy.memory import MemoryTable
from afp_hw.exports.notes import comment, design_note, generated
from afp_hw.exports.shapes import LayerShape
from afp_hw.program.topology import COLUMNS

_CONFIGURATION: Final = """\
[general]
run_name = {name}

[architecture_presets]
ArrayHeight = {rows}
ArrayWidth = {cols}
IfmapSramSzkB = {kib}
FilterSramSzkB = {kib}
OfmapSramSzkB = {kib}
IfmapOffset = 0
FilterOffset = 10000000
OfmapOffset = 20000000
Dataflow = os
ReadRequestBuffer = 32
WriteRequestBuffer = 32

[layout]
IfmapCustomLayout = False
IfmapSRAMBankBandwidth = {rows}
IfmapSRAMBankNum = {banks}
IfmapSRAMBankPort = 1
FilterCustomLayout = False
FilterSRAMBankBandwidth = {cols}
FilterSRAMBankNum = {banks}
FilterSRAMBankPort = 1

[sparsity]
SparsitySupport = False

[run_presets]
InterfaceBandwidth = CALC
UseRamulatorTrace = False
"""


def configuration(design: Design, memory: MemoryTable) -> str:
    """The text of ``scale.cfg``.

    Raises
    ------
    ValueError
        The design has several lanes.
    """
    if design.lanes != 1:
        raise ValueError(
            f"Design.lanes must be 1 for SCALE-Sim, whose cells do one MAC a cycle, not "
            f"{design.lanes}"
        )
    notes = [
        generated("SCALE-Sim configuration"),
        design_note(design),
        "Rows are pixels, columns are filters, sums stay where they are.",
        f"SCALE-Sim has three memories, the table of {memory.name} one of {memory.on_chip_kib} KiB "
        "for all: each is given all of it. Offsets and request buffers are those of SCALE-Sim's "
        "own examples; layouts are off; the bandwidth is what SCALE-Sim finds to be needed. An "
        "element is a byte to it, whatever its format.",
    ]
    return comment(notes) + _CONFIGURATION.format(
        name=design.array_name,
        rows=design.rows,
        cols=design.cols,
        kib=memory.on_chip_kib,
        banks=max(1, memory.on_chip_kib // memory.bank_kib),
    )


def _plain(name: str) -> str:
    """A name that keeps to its cell; ``DP`` would make a layer depthwise to SCALE-Sim."""
    return "_".join(name.replace(",", " ").split()).replace("DP", "dp")


def _lines(shape: LayerShape) -> Iterator[tuple[str, ...]]:
    down, across = shape.strides
    if down != across:
        raise ValueError(
            f"strides of {shape.name!r} must be alike for SCALE-Sim, not {down} and {across}"
        )
    if shape.dilations != (1, 1):
        raise ValueError(
            f"dilations of {shape.name!r} must be 1 for SCALE-Sim, not {shape.dilations}"
        )
    sizes = (*shape.read, *shape.kernel, shape.channels, shape.filters, down)
    for group in range(shape.groups):
        name = _plain(shape.name) if shape.groups == 1 else f"{_plain(shape.name)}:{group}"
        yield name, *map(str, sizes)


def topology(shapes: Sequence[LayerShape]) -> str:
    """The text of ``topology.csv``, one image.

    Raises
    ------
    ValueError
        A layer has two strides or a dilation, or two layers come to have one name.
    """
    lines = [line for shape in shapes for line in _lines(shape)]
    names = [line[0] for line in lines]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"layers must have names of their own, not {name!r} twice")
    titles = ("Layer name", *COLUMNS)
    return "".join(", ".join(line) + ",\n" for line in (titles, *lines))


def files(shapes: Sequence[LayerShape], design: Design, memory: MemoryTable) -> dict[str, str]:
    """Everything that SCALE-Sim runs on, by file name.

    SCALE-Sim asks for a table of layouts even where it uses none: ``layout.csv`` has no line.
    """
    return {
        "scale.cfg": configuration(design, memory),
        "topology.csv": topology(shapes),
        "layout.csv": "Layer name,\n",
    }
