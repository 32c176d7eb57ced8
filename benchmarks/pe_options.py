"""What each option of a processing element gains: area and energy against the defaults.

Each row changes one option of the default design, maps it with the recipes that a search screens
with, and takes the smallest product of area and energy. The table is that of ``docs/silicon.md``;
a default that does not win here has no business being one.

    benchmarks/pe_options.py [CLOCK_NS]
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from afp_hw.cli.layer_operands import matrices_for
from afp_hw.compare.evaluate import Evaluator
from afp_hw.compare.point import Point
from afp_hw.compare.space import SCREENING, segment_choices
from afp_hw.design import Design
from afp_hw.formats import parse_number
from afp_hw.synth import Technology

_LAYER = "embedded:block2.conv1"
_ELEMENTS = (("e2m1", 1), ("e3m1", 1), ("e3m2", 1), ("int8", 1), ("e3m1", 4), ("int8", 4))


def variants(design: Design) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and changed options of each row."""
    yield "default", {}
    yield "gate_zeros = false", {"gate_zeros": False}
    if not design.integers:
        yield "decode = edge", {"decode": "edge"}
        yield "registers = significand", {"registers": ("significand",)}
    yield "registers = product", {"registers": ("product",)}
    if design.lanes > 1:
        yield "registers = sum", {"registers": ("sum",)}
        yield "registers = product, sum", {"registers": ("product", "sum")}
    for widths in segment_choices(design)[1:]:
        yield f"segments = {', '.join(map(str, widths))}", {"segments": widths}
    yield "multiplier = compressed", {"multiplier": "compressed"}


def best(evaluator: Evaluator, design: Design) -> Point:
    """The point with the least product of area and energy."""
    return min(evaluator.best(design, SCREENING), key=lambda p: (not p.meets, p.measure("product")))


def main(clock_ns: float) -> None:
    """Print a Markdown table for each element."""
    evaluator = Evaluator(
        Technology.sky130(),
        clock_ns,
        matrices_for(_LAYER, None),
        jobs=len(os.sched_getaffinity(0)),
    )
    with closing(evaluator):
        for name, lanes in _ELEMENTS:
            fmt = parse_number(name)
            print(f"\n{name}, {lanes} lane{'s'[: lanes > 1]}, {clock_ns:g} ns, per MAC\n")
            print("| | µm² | fJ | with glitches | ns | area × energy |")
            print("|---|---:|---:|---:|---:|---:|")
            base = None
            for label, options in variants(Design(fmt, fmt, k=1024, lanes=lanes)):
                found = best(evaluator, Design(fmt, fmt, k=1024, lanes=lanes, **options))
                base = base or found
                ratio = found.measure("product") / base.measure("product")
                print(
                    f"| {label} | {found.area_um2:,.0f} | {found.energy.zero_delay_fj:,.0f} | "
                    f"{found.energy.glitch_fj:,.0f} | {found.mapped.delay_ns:.2f}"
                    f"{'' if found.meets else ' (late)'} | {ratio:.3f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0)
