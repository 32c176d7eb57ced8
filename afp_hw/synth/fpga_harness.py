"""What stands around a design for place and route: a device has fewer pins than a design has bits.

Every input bit comes from a flip-flop of one long shift register, every output bit goes into a
flip-flop, and a pipelined tree makes the parity of all of those. So all paths of the design begin
and end in flip-flops, its inputs and outputs included, and the harness itself has one LUT at most
between two of them. nextpnr's ``--out-of-context`` would do without (ECP5 only), but times no path
from an input or to an output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

HARNESS: Final = "afp_hw_harness"
# The instance of the design: its cells' names begin with this and a dot.
INSTANCE: Final = "design"
CLOCK: Final = "clk"
_LUT_INPUTS: Final = 4


def _tree(width: int) -> list[str]:
    """Registered parity of ``level0``: a LUT and a flip-flop for each four bits, level by level."""
    lines = []
    level = 0
    while width > 1:
        groups = range(0, width, _LUT_INPUTS)
        lines.append(f"  reg [{len(groups) - 1}:0] level{level + 1};")
        lines.append("  always @(posedge clk) begin")
        for index, low in enumerate(groups):
            high = min(low + _LUT_INPUTS, width) - 1
            lines.append(f"    level{level + 1}[{index}] <= ^level{level}[{high}:{low}];")
        lines.append("  end")
        width, level = len(groups), level + 1
    return [*lines, f"  assign parity = level{level}[0];"]


def _connections(ports: Sequence[tuple[str, int]], source: str) -> list[str]:
    """Each port to its own bits of the vector `source`."""
    lines, low = [], 0
    for name, width in ports:
        lines.append(f".\\{name} ({source}[{low + width - 1}:{low}])")
        low += width
    return lines


def harness_verilog(top: str, ports: Mapping[str, Mapping[str, Any]]) -> str:
    """Verilog of the harness around a black box `top`.

    Parameters
    ----------
    top
        Name of the design's module.
    ports
        As in Yosys' JSON: ``direction`` and ``bits`` of each. The clock is the input ``clk``;
        without one the design is combinational.

    Raises
    ------
    ValueError
        A port goes both ways, or nothing comes out.
    """
    widths = {name: len(port["bits"]) for name, port in ports.items()}
    clocked = CLOCK in ports and ports[CLOCK]["direction"] == "input"
    by_direction: dict[str, list[tuple[str, int]]] = {"input": [], "output": [], "inout": []}
    for name, port in ports.items():
        if not (clocked and name == CLOCK):
            by_direction[port["direction"]].append((name, widths[name]))
    inputs, outputs = by_direction["input"], by_direction["output"]
    if by_direction["inout"]:
        name = by_direction["inout"][0][0]
        raise ValueError(f"synthesize_fpga.top must have inputs and outputs only, not inout {name}")
    if not outputs:
        raise ValueError(f"synthesize_fpga.top must have an output, not none as {top} has")
    fed = max(1, sum(width for _, width in inputs))
    made = sum(width for _, width in outputs)
    clock = [f".{CLOCK}({CLOCK})"] if clocked else []
    declared = [f"{ports[name]['direction']} [{widths[name] - 1}:0] \\{name} " for name in ports]
    pins = [*clock, *_connections(inputs, "fed"), *_connections(outputs, "made")]
    lines = [
        "(* blackbox *)",
        f"module \\{top} ({', '.join(declared)});",
        "endmodule",
        f"module {HARNESS}(input clk, input feed, output parity);",
        f"  reg [{fed - 1}:0] fed;",
        "  always @(posedge clk) fed <= {fed, feed};",
        f"  wire [{made - 1}:0] made;",
        f"  \\{top} {INSTANCE}({', '.join(pins)});",
        f"  reg [{made - 1}:0] level0;",
        "  always @(posedge clk) level0 <= made;",
        *_tree(made),
        "endmodule",
    ]
    return "\n".join(lines) + "\n"
