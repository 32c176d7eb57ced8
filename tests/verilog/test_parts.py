"""Parts of an accelerator as Verilog modules of their own: clean, and the same each time."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from amaranth.hdl import signed, unsigned

from afp_hw import AFPFormat
from afp_hw.design import Design
from afp_hw.formats import IntFormat
from afp_hw.hdl import (
    Cell,
    Edge,
    Fp32Dequantizer,
    Fp32Quantizer,
    IntRequantization,
    IntRequantizer,
    Narrower,
    PlanePacker,
    PlaneUnpacker,
    Rebiaser,
    RunningMaximum,
    WindowRequantizer,
)
from afp_hw.verilog import Part, emit_part
from sim.runner import verilator_environment

# What Yosys makes of a selection with one choice at a time are cases that overlap; and the bits of
# a tree of full adders depend on one another within a vector, without a loop.
ALLOWED = ("-Wno-CASEOVERLAP", "-Wno-UNOPTFLAT")

SIGNED = Design(AFPFormat(3, 1), AFPFormat(3, 2), rows=3, cols=2, k=64)
UNSIGNED = Design(
    AFPFormat(2, 1), AFPFormat(0, 4, signed=False), rows=2, cols=2, lanes=2, k=9, decode="edge"
)
INTEGERS = Design(IntFormat(8), IntFormat(8), rows=2, cols=2, k=64)
COMPRESSED = IntRequantization(IntFormat(8), tree="compressed")
BOOTH = IntRequantization(IntFormat(8, signed=False), registers=("magnitude", "rows", "product"))
SHIFT = IntRequantization(IntFormat(4), 20, 0, registers=("magnitude",))

PARTS = [
    *(
        Part(f"window_{design.out_envelope}_{stages}",
             lambda place, d=design, s=stages: WindowRequantizer(d, place, stages=s))
        for design in (SIGNED, UNSIGNED) for stages in (1, 2)
    ),
    *(
        Part(f"narrower_{design.out_envelope}_{stages}",
             lambda place, d=design, s=stages: Narrower(d, place, stages=s))
        for design in (SIGNED, UNSIGNED) for stages in (1, 2)
    ),
    *(
        Part(f"rebiaser_{design.out_envelope}", lambda place, d=design: Rebiaser(d, place))
        for design in (SIGNED, UNSIGNED)
    ),
    *(
        Part(f"edge_{side}_{design.weights}", lambda place, d=design, s=side: Edge(d, s, place))
        for design in (SIGNED, UNSIGNED, INTEGERS) for side in ("act", "wgt")
    ),
    *(
        Part(p.name, lambda place, p=p: IntRequantizer(p, place))
        for p in (COMPRESSED, BOOTH, SHIFT)
    ),
    Part("cell", lambda place: Cell(SIGNED, place)),
    Part("running_maximum_s32", lambda place: RunningMaximum(signed(32))),
    Part("running_maximum_u9", lambda place: RunningMaximum(unsigned(9))),
    Part("fp32_dequantizer", Fp32Dequantizer),
    Part("fp32_quantizer_8", lambda place: Fp32Quantizer(8, place)),
    Part("plane_unpacker_4x6", lambda place: PlaneUnpacker(4, 6, crossbar=True)),
    Part("plane_unpacker_4x8_fixed", lambda place: PlaneUnpacker(4, 8, crossbar=False)),
    Part("plane_packer_4x6", lambda place: PlanePacker(4, 6, crossbar=True)),
    Part("plane_packer_4x8_fixed", lambda place: PlanePacker(4, 8, crossbar=False)),
]  # fmt: skip


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_part_is_clean(part: Part, tmp_path: Path) -> None:
    emitted = emit_part(part)
    source, _ = emitted.write(tmp_path)
    command = [
        "verilator",
        "--lint-only",
        "-Wall",
        *ALLOWED,
        str(source),
        "--top-module",
        part.name,
    ]
    run = subprocess.run(
        command, env=verilator_environment(), capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_a_manifest_says_what_the_module_is() -> None:
    (part,) = [part for part in PARTS if part.name == "fp32_quantizer_8"]
    first, second = emit_part(part), emit_part(part)
    assert first == second
    assert first.manifest["kind"] == "part"
    assert first.manifest["latency_cycles"] == Fp32Quantizer.latency
    ports = {port["name"]: port["width"] for port in first.manifest["ports"]}
    assert ports["i_number"] == 32
    assert ports["o_code"] == 8
