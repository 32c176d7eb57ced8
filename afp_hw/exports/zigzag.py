"""An accelerator, a mapping and a workload of ZigZag, version 3.

An access of a memory costs what the widest port moves in a cycle, and counts by the bits that it
moves, as ``afp-hw energy`` counts. Source: ``zigzag/parser/accelerator_validator.py``,
``mapping_validator.py``, ``workload_validator.py`` and ``cost_model/cost_model.py`` of the package
zigzag-dse 3.9.1; L. Mei et al., "ZigZag", IEEE Transactions on Computers 2021.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from afp_hw.exports.costs import Costs
from afp_hw.exports.notes import generated, provenance
from afp_hw.exports.shapes import LayerShape
from afp_hw.exports.yaml_text import rounded, yaml_text
from afp_hw.network import LoweredNetwork

_EQUATION: Final = "O[b][g][k][oy][ox]+=W[g][k][c][fy][fx]*I[b][g][c][iy][ix]"
_LINKS: Final = {"O": "O", "W": "I2", "I": "I1"}


def _port(name: str, kind: str, bits: int, *allocation: str, least: int = 0) -> dict[str, Any]:
    return {
        "name": name,
        "type": kind,
        "bandwidth_min": least or bits,
        "bandwidth_max": bits,
        "allocation": list(allocation),
    }


def _memory(
    size: int, read_j: float, write_j: float, area_um2: float, **more: Any
) -> dict[str, Any]:
    return {
        "size": size,
        "r_cost": rounded(read_j * 1e12),
        "w_cost": rounded(write_j * 1e12),
        "area": rounded(area_um2),
        "latency": 1,
        "auto_cost_extraction": False,
        **more,
    }


def _register(costs: Costs, side: str) -> dict[str, Any]:
    """What a row, or a column, takes from an edge in one step."""
    operand, across = ("I1", "D2") if side == "act" else ("I2", "D1")
    count = costs.design.rows if side == "act" else costs.design.cols
    # A register holds any code that the array takes, of other layers too.
    bits = (costs.design.acts if side == "act" else costs.design.weights).width
    each = count * costs.design.lanes
    return _memory(
        bits,
        costs.feed_j(side) / each,
        costs.unpack_j(side) / each,
        sum(part.area_um2 for part in costs.edge_parts(side)) / each,
        operands=[operand],
        ports=[
            _port("r_port_1", "read", bits, f"{operand}, tl"),
            _port("w_port_1", "write", bits, f"{operand}, fh"),
        ],
        served_dimensions=[across],
    )


def _sums(
    costs: Costs, words: int, bits: int, write_j: float, area_um2: float, served: list[str]
) -> dict[str, Any]:
    """Words of an accumulator's width, moved `bits` a cycle; a result is written from below."""
    return _memory(
        words * costs.design.acc_width, 0.0, write_j, area_um2,
        operands=["O"],
        ports=[
            _port("r_port_1", "read", bits, "O, tl"),
            _port("r_port_2", "read", bits, "O, th"),
            _port("w_port_1", "write", bits, "O, fh"),
            _port("w_port_2", "write", bits, "O, fl"),
        ],
        served_dimensions=served,
    )  # fmt: skip


def _memories(costs: Costs) -> dict[str, Any]:
    design, table = costs.design, costs.memory
    lanes = ["D3"] if design.lanes > 1 else []
    every = ["D1", "D2", *lanes]
    step = max(costs.vector_bits("act"), costs.vector_bits("wgt"))
    bank, dram = table.bank.bit_j * step, table.dram.bit_j * table.dram.access_bits
    reads = ("I1, tl", "I2, tl", "O, tl", "O, th")
    writes = ("I1, fh", "I2, fh", "O, fh", "O, fl")
    area = sum(part.area_um2 for part in costs.column_parts)
    acc = design.acc_width
    # ZigZag counts accesses by bits: a finished result is one only if a port has its width.
    code = acc if costs.output is None else costs.output.width
    return {
        "accumulator": _sums(costs, 1, acc, 0.0, 0.0, lanes),
        "act_edge": _register(costs, "act"),
        "wgt_edge": _register(costs, "wgt"),
        "out_edge": _sums(costs, design.rows, code, costs.output_j, area, ["D1", *lanes]),
        "sram": _memory(
            table.on_chip_kib * 8192, bank, bank, 0.0,
            operands=["I1", "I2", "O"],
            ports=[
                _port("r_port_1", "read", step, reads[0], least=1),
                _port("r_port_2", "read", step, reads[1], least=1),
                _port("r_port_3", "read", step, *reads[2:], least=1),
                _port("w_port_1", "write", step, *writes, least=1),
            ],
            served_dimensions=every,
        ),
        "dram": _memory(
            1 << 40, dram, dram, 0.0,
            operands=["I1", "I2", "O"],
            ports=[
                _port(
                    "rw_port_1", "read_write", table.dram.access_bits, *reads, *writes, least=1
                )
            ],
            served_dimensions=every,
        ),
    }  # fmt: skip


def accelerator(costs: Costs, model: str, images: int) -> str:
    """The text of ``accelerator.yaml``; `model` and `images` are what was run."""
    design = costs.design
    lanes = design.lanes > 1
    document = {
        "name": design.array_name,
        "memories": _memories(costs),
        "operational_array": {
            "unit_energy": rounded(costs.mac_j * 1e12),
            "unit_area": rounded(costs.cell.area_um2 / design.lanes),
            "dimensions": ["D1", "D2", *(["D3"] if lanes else [])],
            "sizes": [design.rows, design.cols, *([design.lanes] if lanes else [])],
            "systolic_dimensions": ["D1", "D2"],
        },
    }
    step = max(costs.vector_bits("act"), costs.vector_bits("wgt"))
    notes = [
        *provenance("ZigZag accelerator, pJ and um^2", costs, model, images),
        "D1: rows, pixels. D2: columns, filters." + (" D3: lanes, channels." if lanes else ""),
        "unit_energy: one product and its addition, accumulator and operand registers included; "
        "accumulator has no cost of its own, therefore.",
        "act_edge, wgt_edge: a code that enters a row or a column. w_cost is its share of the "
        "unpacker, r_cost of skew, decoders and marks of zeros.",
        "out_edge: one behind each column. w_cost is one result, requantized and packed; a sum "
        "that is not finished would count as several.",
        f"sram: a port moves at most {step} bits in a cycle, the larger of the vectors that enter "
        "the array; its cost is that of as many bits. dram: one access a cycle, and a size that no "
        "network reaches. Neither is of a measurement, nor is a latency of 1.",
    ]
    return yaml_text(document, notes)


def mapping(costs: Costs) -> str:
    """The text of ``mapping.yaml``: pixels of a row of the output on rows, filters on columns."""
    design = costs.design
    spatial = {"D1": [f"OX, {design.rows}"], "D2": [f"K, {design.cols}"]}
    if design.lanes > 1:
        spatial["D3"] = [f"C, {design.lanes}"]
    document = [{"name": "default", "spatial_mapping": spatial, "memory_operand_links": _LINKS}]
    notes = [
        generated(f"ZigZag mapping for {design.array_name}"),
        "The array itself takes pixels row by row of the whole output; ZigZag's loops do not run "
        "from one row into the next.",
    ]
    return yaml_text(document, notes)


def _layer(index: int, shape: LayerShape, lowered: LoweredNetwork, acc_width: int) -> Any:
    step = lowered.gemm(shape.name)
    after = step.requantize
    (high, wide), (top, left, bottom, right) = shape.stored, shape.pads
    loops = {
        "B": 1,
        "K": shape.filters,
        "G": shape.groups,
        "OX": shape.output[1],
        "OY": shape.output[0],
        "C": shape.channels,
        "FX": shape.kernel[1],
        "FY": shape.kernel[0],
    }
    return {
        "id": index,
        "name": shape.name,
        "operator_type": "Conv",
        "equation": _EQUATION,
        "dimension_relations": [
            f"ix={shape.strides[1]}*ox+{shape.dilations[1]}*fx",
            f"iy={shape.strides[0]}*oy+{shape.dilations[0]}*fy",
        ],
        "loop_dims": list(loops),
        "loop_sizes": list(loops.values()),
        "operand_precision": {
            "W": step.wgt.fmt.width,
            "I": step.act.fmt.width,
            "O": acc_width,
            "O_final": acc_width if after is None else after.target.fmt.width,
        },
        # Each stands alone: an input that no layer makes is taken from the topmost memory.
        "operand_source": {"W": index, "I": index},
        "pr_loop_dims": ["IX", "IY"],
        "pr_loop_sizes": [wide, high],
        "padding": [[left, right], [top, bottom]],
    }


def workload(shapes: Sequence[LayerShape], lowered: LoweredNetwork, acc_width: int) -> str:
    """The text of ``workload.yaml``: all layers, one image, each with its own widths."""
    document = [_layer(index, shape, lowered, acc_width) for index, shape in enumerate(shapes)]
    total = sum(shape.macs for shape in shapes)
    notes = [
        generated(f"ZigZag workload of {lowered.graph.name}, one image, {total} MACs"),
        "Layers with weights alone, a linear one as a convolution of one pixel. Each stands alone: "
        "its input comes from memory.",
    ]
    return yaml_text(document, notes)


def files(
    costs: Costs,
    shapes: Sequence[LayerShape],
    lowered: LoweredNetwork,
    model: str,
    images: int,
) -> dict[str, str]:
    """Everything that ZigZag runs on, by file name."""
    return {
        "accelerator.yaml": accelerator(costs, model, images),
        "mapping.yaml": mapping(costs),
        "workload.yaml": workload(shapes, lowered, costs.design.acc_width),
    }
