"""An architecture of Timeloop, version 0.4, and a problem for each layer.

The array is output-stationary: sums stay in ``accumulator``, so that the loops over a window stand
innermost at ``sram``; both edges hold the vector of one step and repeat nothing. Levels have the
names of the tables of :mod:`.accelergy`, which belong to them.

Source: ``timeloopfe/v4/arch.py``, ``constraints.py`` and ``problem.py`` of
github.com/Accelergy-Project/timeloopfe.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from afp_hw.design import Design
from afp_hw.exports.accelergy import COMPONENT_NOTES, tables, word_bits
from afp_hw.exports.costs import Costs
from afp_hw.exports.notes import generated, provenance
from afp_hw.exports.shapes import LayerShape
from afp_hw.exports.yaml_text import Tagged, yaml_text

VERSION: Final = 0.4
DIMENSIONS: Final = ("N", "M", "C", "P", "Q", "R", "S")
"""Images; filters, channels; height and width of the output; of the window."""

_SPACES: Final = ("Weights", "Inputs", "Outputs")
_WINDOW: Final = ("R", "S", "C")


def _only(*kept: str) -> dict[str, list[str]]:
    """A level that holds these tensors and no other."""
    return {"keep": list(kept), "bypass": [space for space in _SPACES if space not in kept]}


def _once(*free: str) -> list[str]:
    """Loops over all dimensions but `free` have one iteration."""
    return [f"{dimension}=1" for dimension in DIMENSIONS if dimension not in free]


def _storage(name: str, kind: str, width: int, code: int, **attributes: Any) -> Tagged:
    """A memory whose words of `width` bits hold codes of `code` bits."""
    return Tagged(
        "Component",
        name=name,
        **{"class": kind},
        attributes={"width": width, "datawidth": code, "block_size": width // code, **attributes},
    )


def _register(name: str, width: int, depth: int, code: int, space: str) -> Tagged:
    """Words that hold one tensor and repeat nothing."""
    found = _storage(name, "regfile", width, code, depth=depth)
    found["constraints"] = {"dataspace": _only(space), "temporal": {"factors": _once()}}
    return found


def _fan_out(name: str, mesh: dict[str, int], *free: str) -> Tagged:
    """Copies side by side, that share the loops over `free`."""
    return Tagged(
        "Container", name=name, spatial=mesh, constraints={"spatial": {"factors": _once(*free)}}
    )


def _nodes(costs: Costs) -> list[Tagged]:
    design, code = costs.design, costs.widest
    dram_bits, bank_bits = word_bits(costs)
    sram = _storage(
        "sram", "SRAM", bank_bits, code,
        depth=costs.memory.on_chip_kib * 8192 // bank_bits,
        n_banks=costs.memory.on_chip_kib // costs.memory.bank_kib,
    )  # fmt: skip
    sram["constraints"] = {"temporal": {"permutation": list(_WINDOW)}}
    edges = [
        _register(f"{side}_edge", costs.vector_bits(side), 1, costs.formats[side].width, space)
        for side, space in (("act", "Inputs"), ("wgt", "Weights"))
    ]
    acc = design.acc_width
    return [
        Tagged(
            "Container",
            name="system",
            attributes={"global_cycle_seconds": costs.clock_ns * 1e-9},
        ),
        _storage("DRAM", "DRAM", dram_bits, code),
        Tagged("Container", name="chip"),
        sram,
        *edges,
        _fan_out("column", {"meshX": design.cols}, "M"),
        _register("out_edge", acc, design.rows, acc, "Outputs"),
        _fan_out("row", {"meshY": design.rows}, "N", "P", "Q"),
        _register("accumulator", acc, 1, acc, "Outputs"),
        *_lanes(design),
        Tagged(
            "Component",
            name="mac",
            **{"class": "mac"},
            attributes={"datawidth": max(fmt.width for fmt in costs.formats.values())},
        ),
    ]  # fmt: skip


def _lanes(design: Design) -> list[Tagged]:
    if design.lanes == 1:
        return []
    return [_fan_out("lane", {"meshX": design.lanes}, *_WINDOW)]


def architecture(costs: Costs, model: str, images: int) -> str:
    """The text of ``architecture.yaml``; `model` and `images` are what was run."""
    document = {"architecture": {"version": VERSION, "nodes": _nodes(costs)}}
    notes = [
        *provenance("Timeloop architecture", costs, model, images),
        "Energies and areas are in ERT.yaml and ART.yaml, which Timeloop takes beside this file.",
        *COMPONENT_NOTES,
        f"Memories have one width of codes here, that of the widest: {costs.widest} bits. Codes of "
        "fewer bits move and take as many.",
    ]
    return yaml_text(document, notes)


def problem(shape: LayerShape) -> str:
    """The text of a layer's problem: one image, and one group where it has several."""
    document = {
        "problem": {
            "version": VERSION,
            "shape": {
                "name": "convolution",
                "dimensions": list(DIMENSIONS),
                "coefficients": [
                    {"name": name, "default": 1}
                    for name in ("Hstride", "Wstride", "Hdilation", "Wdilation")
                ],
                "data_spaces": [
                    {"name": "Weights", "projection": [[["M"]], [["C"]], [["R"]], [["S"]]]},
                    {
                        "name": "Inputs",
                        "projection": [
                            [["N"]],
                            [["C"]],
                            [["R", "Hdilation"], ["P", "Hstride"]],
                            [["S", "Wdilation"], ["Q", "Wstride"]],
                        ],
                    },
                    {
                        "name": "Outputs",
                        "projection": [[["N"]], [["M"]], [["P"]], [["Q"]]],
                        "read_write": True,
                    },
                ],
            },
            "instance": _instance(shape),
        }
    }
    notes = [generated(f"Timeloop problem of layer {shape.name}, one image, {shape.macs} MACs")]
    if shape.groups > 1:
        notes.append(
            f"It is one of {shape.groups} groups: what Timeloop gives stands for one of them."
        )
    return yaml_text(document, notes)


def _instance(shape: LayerShape) -> dict[str, int]:
    sizes = (1, shape.filters, shape.channels, *shape.output, *shape.kernel)
    return {
        **dict(zip(DIMENSIONS, sizes, strict=True)),
        "Hstride": shape.strides[0],
        "Wstride": shape.strides[1],
        "Hdilation": shape.dilations[0],
        "Wdilation": shape.dilations[1],
    }


def file_names(shapes: Sequence[LayerShape]) -> list[str]:
    """A file for each layer, in order; names keep what every file system takes."""
    plain = [re.sub(r"[^\w.-]+", "_", shape.name).strip("._") for shape in shapes]
    return [f"problem_{index:02}_{name}.yaml" for index, name in enumerate(plain)]


def files(costs: Costs, shapes: Sequence[LayerShape], model: str, images: int) -> dict[str, str]:
    """Everything that Timeloop runs on, by file name: `shapes` are the layers of the model."""
    problems = dict(zip(file_names(shapes), map(problem, shapes), strict=True))
    architecture_text = architecture(costs, model, images)
    return {
        "architecture.yaml": architecture_text,
        **tables(costs, model, images),
        **problems,
    }
