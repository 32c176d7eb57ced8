"""The gates of an accelerator run a network: every bit and every cycle."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from afp_hw import AFPFormat
from afp_hw.design import parse_accelerator
from afp_hw.network import calibrate
from afp_hw.program import compile_network
from afp_hw.rtlsim import build
from afp_hw.rtlsim.accelerator import AcceleratorSimulator
from afp_hw.rtlsim.program_check import check_program, encoded
from afp_hw.schedule.accelerator import schedule_network
from afp_hw.synth import Technology
from afp_hw.synth.accelerator import synthesize_accelerator
from afp_hw.synth.flow import run_yosys
from afp_hw.verilog.accelerator import emit_accelerator
from tests.program.networks import Builder, lowered
from tests.verilog.test_accelerator_files import RECIPE

LATENCY = 8

# A Liberty file does not say what a clock gate does.
_CLOCK_GATE = """\
module {cell}(input CLK, input GATE, output GCLK);
  reg enable;
  always @* if (!CLK) enable = GATE;
  assign GCLK = CLK & enable;
endmodule
"""


def gates(work: Path, netlist: str, emitted_verilog: str, technology: Technology, top: str) -> str:
    """Verilog of the mapped netlist with its cells' functions, and the memories of the RTL."""
    memories = re.findall(r"^module ram_\w+\(.*?^endmodule\n", emitted_verilog, re.M | re.S)
    gate = technology.clock_gate
    assert gate is not None
    (work / "netlist.v").write_text(netlist)
    (work / "beside.v").write_text("".join(memories) + _CLOCK_GATE.format(cell=gate.name))
    script = (
        f"read_liberty -ignore_miss_func {technology.liberty_path()}",
        "read_verilog netlist.v",
        "read_verilog -overwrite beside.v",
        f"hierarchy -check -top {top}",
        "proc",
        "flatten",
        "opt_clean",
        "write_verilog -noattr gates.v",
        "write_json netlist.json",
    )
    (work / "script.ys").write_text("\n".join(script) + "\n")
    run_yosys(work)
    return (work / "gates.v").read_text()


@pytest.fixture
def settled_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A harness whose inputs are there ahead of the clock edge: a clock gate looks at them then."""
    usual = build._sources

    def sources(harness: str) -> dict[str, str]:
        found = usual(harness)
        text = found["harness.cpp"]
        assert text.count("top.clk = 1;") == 1
        found["harness.cpp"] = text.replace("top.clk = 1;", "top.eval();\ntop.clk = 1;")
        return found

    monkeypatch.setattr(build, "_sources", sources)


@pytest.mark.slow
@pytest.mark.usefixtures("settled_inputs")
def test_gates_run_a_network(tmp_path: Path) -> None:
    design = parse_accelerator(RECIPE)
    technology = Technology.sky130()
    report, netlist = synthesize_accelerator(
        design, technology, clock_ns=10.0, jobs=2, work_dir=tmp_path / "synth"
    )
    work = tmp_path / "gates"
    work.mkdir()
    text = gates(work, netlist, emit_accelerator(design).verilog, technology, report.name)
    ports = f"#define DATA_WIDTH {design.data_width}\n"
    library = build.shared_object(report.name, text, ports, None, "accelerator.cpp")

    net = Builder(3, 5, 5)
    first = net.conv(4)
    net.relu()
    net.conv(4)
    net.add(first)
    net.pool("MaxPool", (2, 2), (2, 2))
    formats = calibrate(
        net.graph(),
        net.images(),
        weights=AFPFormat(2, 1),
        acts=AFPFormat(2, 1),
        source="built",
    )
    program = compile_network(lowered(net.graph(), formats, design), design)
    schedule = schedule_network(program.descriptors, design, LATENCY)
    given = encoded(program, net.images(1)[:1])[0]
    with AcceleratorSimulator(design, library=library) as simulator:
        checked = check_program(program, simulator, schedule, given, LATENCY)
    assert checked.stored_bits > 500
    assert checked.times > 10
