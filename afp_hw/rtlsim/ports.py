"""The part of the C++ harness that differs from array to array: sizes, and lists to expand."""

from __future__ import annotations

from afp_hw.design import Design


def ports_header(design: Design) -> str:
    """``ports.h`` for :file:`harness.cpp`: the sizes of the array that `design` describes.

    Port ``i_act__3`` of the Verilog is ``i_act___05F3`` in Verilator's class.
    """
    sizes = {
        "ROWS": design.rows,
        "COLS": design.cols,
        "LANES": design.lanes,
        "ACT_WIDTH": design.acts.width,
        "WGT_WIDTH": design.weights.width,
        "ACC_WIDTH": design.acc_width,
        "INIT_WIDTH": design.init_width,
    }
    lines = [f"#define {name} {value}" for name, value in sizes.items()]
    for name, count in (("FOR_ROWS", design.rows), ("FOR_COLS", design.cols)):
        uses = " ".join(f"X({index})" for index in range(count))
        lines.append(f"#define {name}(X) {uses}")
    return "\n".join(lines) + "\n"
