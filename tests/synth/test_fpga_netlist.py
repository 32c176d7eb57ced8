"""Netlists of an FPGA's cells: they compute what the RTL does, and are timed as counted."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

from afp_hw.design import Design
from afp_hw.formats import AFPFormat
from afp_hw.synth.fpga import synthesize_fpga
from afp_hw.synth.fpga_devices import FAMILIES
from afp_hw.synth.fpga_harness import INSTANCE
from afp_hw.synth.fpga_place import find_placer
from afp_hw.synth.run import emit

pyosys = find_spec("pyosys")
SHARE = Path(pyosys.origin or "").parent / "share" if pyosys else Path()
CYCLES = 2000
NAMES = ("pe e2m1", "pe e3m2", "array e2m1", "requantizer e2m1", "multiplier")

MULTIPLIER = """
module multiplier(input clk, rst, input signed [7:0] a, b, input [6:0] c, d,
                  output reg signed [15:0] y, output reg [13:0] z);
  always @(posedge clk) begin
    y <= rst ? 0 : a * b;
    z <= rst ? 0 : c * d;
  end
endmodule
"""
# Random inputs with a reset now and then: both see the same, and agree in every bit from when the
# RTL knows its outputs. An accumulator has no reset, and so knows them after its first operands.
BENCH = """
module bench;
  reg clk = 0;
  reg rst = 1;
  reg [{fed}-1:0] fed = 0;
  wire [{made}-1:0] rtl_made, mapped_made;
  {top} rtl({rtl});
  mapped netlist({mapped});
  integer seed = 1, cycle, compared = 0;
  initial begin
    for (cycle = 0; cycle < {cycles}; cycle = cycle + 1) begin
      fed = {{4{{$random(seed)}}}};
      rst = cycle < 8 || $random(seed) % 64 == 0;
      #1 clk = 1;
      #1 clk = 0;
      if (^rtl_made !== 1'bx) begin
        if (rtl_made !== mapped_made) begin
          $display("cycle %0d: %b, not %b", cycle, mapped_made, rtl_made);
          $finish;
        end
        compared = compared + 1;
      end
    end
    $display("%0d equal", compared);
  end
endmodule
"""


def multiplier_block() -> str:
    """The ECP5's block without its registers, of which Yosys has no model."""
    a, b, c = ([f"{name}{bit}" for bit in reversed(range(18))] for name in "ABC")
    p = [f"P{bit}" for bit in reversed(range(36))]
    flags = ["SIGNEDA", "SIGNEDB", "SOURCEA", "SOURCEB"]
    return f"""
module MULT18X18D(input {", ".join(a + b + c + flags)}, output {", ".join(p)});
  wire signed [35:0] wide_a = {{{{18{{SIGNEDA & A17}}}}, {", ".join(a)}}};
  wire signed [35:0] wide_b = {{{{18{{SIGNEDB & B17}}}}, {", ".join(b)}}};
  assign {{{", ".join(p)}}} = wide_a * wide_b;
endmodule
"""


def models(family: str, folder: Path) -> list[str]:
    """The vendor's cells as Yosys describes them, in what Icarus Verilog reads of Verilog."""
    if family == "ice40":
        return ["-DNO_ICE40_DEFAULT_ASSIGNMENTS", str(SHARE / "ice40" / "cells_sim.v")]
    text = (SHARE / "lattice" / "common_sim.vh").read_text()
    (folder / "common_sim.vh").write_text(re.sub(r"\$error\(.*\);", "", text))
    (folder / "block.v").write_text(multiplier_block())
    sources = SHARE / "lattice"
    files = [str(sources / "cells_sim_ecp5.v"), str(folder / "block.v")]
    return ["-DNO_INCLUDES", f"-I{folder}", f"-I{sources}", *files]


def bench(top: str, netlist: Path) -> str:
    """A bench of `top` and its netlist, from the netlist's ports."""
    ports = json.loads(netlist.read_text())["modules"][top]["ports"]
    position = {"input": 0, "output": 0}
    pins: dict[str, list[str]] = {"rtl": [], "mapped": []}
    for name, port in ports.items():
        way, width = port["direction"], len(port["bits"])
        for side, connected in pins.items():
            vector = "fed" if way == "input" else f"{side}_made"
            bits = f"{vector}[{position[way]} +: {width}]"
            connected.append(f".{name}({name if name in ('clk', 'rst') else bits})")
        position[way] += width
    return BENCH.format(
        top=top,
        fed=max(128, position["input"]),
        made=position["output"],
        cycles=CYCLES,
        **{side: ", ".join(connected) for side, connected in pins.items()},
    )


def emitted(name: str) -> tuple[str, str]:
    """Verilog and top module of a design of the tests."""
    if name == "multiplier":
        return MULTIPLIER, "multiplier"
    kind, format_name = name.split()
    fmt = AFPFormat.parse(format_name)
    made = emit(kind, Design(weights=fmt, acts=fmt, k=64, rows=2, cols=1))
    return made.verilog, made.name


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs Icarus Verilog (iverilog)")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("family", FAMILIES)
def test_mapped_netlist_computes_what_the_rtl_does(
    family: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("afp_hw.synth.fpga.find_placer", lambda family: None)
    verilog, top = emitted(name)
    source = tmp_path / "source.v"
    source.write_text(verilog)
    report = synthesize_fpga([source], top, family, work_dir=tmp_path, clock_ns=10)
    assert report.dsps == (2 if name == "multiplier" else 0)
    mapped = tmp_path / "mapped.v"
    mapped.write_text(
        re.sub(rf"\bmodule {top}\b", "module mapped", (tmp_path / "netlist.v").read_text())
    )
    (tmp_path / "bench.v").write_text(bench(top, tmp_path / "netlist.json"))
    program = tmp_path / "bench"
    files = [str(tmp_path / "bench.v"), str(source), str(mapped), *models(family, tmp_path)]
    subprocess.run(
        ["iverilog", "-g2012", "-s", "bench", "-o", str(program), *files],
        check=True,
        capture_output=True,
    )
    done = subprocess.run(["vvp", str(program)], check=True, capture_output=True, text=True)
    words = done.stdout.split()
    assert words[1:] == ["equal"], done.stdout
    assert int(words[0]) > 0.95 * CYCLES


@pytest.mark.parametrize("family", FAMILIES)
def test_the_design_that_is_timed_is_the_design_that_was_counted(
    family: str, tmp_path: Path
) -> None:
    if find_placer(family) is None:
        pytest.skip(f"needs nextpnr-{family} (pip install 'afp-hw[fpga]')")
    verilog, top = emitted("pe e2m1")
    source = tmp_path / "source.v"
    source.write_text(verilog)
    report = synthesize_fpga([source], top, family, work_dir=tmp_path, clock_ns=10)
    timed = json.loads((tmp_path / "harness" / "netlist.json").read_text())["modules"]
    (harness,) = (module for module in timed.values() if int(module["attributes"].get("top", "0")))
    cells = {name: cell["type"] for name, cell in harness["cells"].items()}
    inside = Counter(kind for name, kind in cells.items() if name.startswith(f"{INSTANCE}."))
    assert dict(sorted(inside.items())) == report.cell_counts
    around = Counter(kind for name, kind in cells.items() if not name.startswith(f"{INSTANCE}."))
    ports = json.loads((tmp_path / "netlist.json").read_text())["modules"][top]["ports"]
    bits = {"input": 0, "output": 0}
    for name, port in ports.items():
        bits[port["direction"]] += len(port["bits"]) if name != "clk" else 0
    expected, width = sum(bits.values()), bits["output"]
    while width > 1:  # the tree of the parity
        width = -(-width // 4)
        expected += width
    kind = {"ecp5": "TRELLIS_FF", "ice40": "SB_DFF"}[family]
    assert around[kind] == expected
