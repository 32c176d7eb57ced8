"""An accelerator in cells and on an FPGA: memories apart, area by part, counts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from afp_hw.cli.main import main
from afp_hw.design import parse_accelerator
from afp_hw.hdl.packed_buffer import PackedBuffer
from afp_hw.synth import RECIPES, Technology
from afp_hw.synth.accelerator import part_of
from afp_hw.synth.accelerator_report import AcceleratorReport
from afp_hw.synth.flow import map_verilog
from afp_hw.synth.fpga import synthesize_fpga
from afp_hw.synth.memory_pins import arrival_at_memories_s, boxes_verilog, with_memory_pins
from afp_hw.synth.netlist import read_netlist
from afp_hw.synth.timing import clock_period_s
from afp_hw.verilog import Part, emit_part
from afp_hw.verilog.accelerator import emit_accelerator
from afp_hw.verilog.memories import Memory, memories_of, without_memories
from tests.verilog.test_accelerator_files import NAME, RECIPE

# A memory between logic: exclusive ors of its address before it and of its data behind it.
AROUND = """\
module around(input clk, input rst, input [3:0] address, input [2:0] data, output reg parity);
  wire [2:0] read;
  ram_16x3 memory(.clk(clk), .rst(rst), .i_write(^address), .i_write_address(address),
    .i_data(data), .i_read(1'b1), .i_read_address(address), .o_data(read));
  always @(posedge clk) parity <= ^read;
endmodule
"""
RAM = Memory("ram_16x3", 16, 3, ("memory",))


def test_paths_end_and_begin_at_a_memory(tmp_path: Path) -> None:
    (tmp_path / "around.v").write_text(AROUND)
    (tmp_path / "memories.v").write_text(boxes_verilog([RAM]))
    technology = Technology.sky130()
    sources = [tmp_path / "around.v", tmp_path / "memories.v"]
    work = map_verilog(
        sources, "around", technology, RECIPES[0], clock_ns=10.0, work_dir=tmp_path / "work"
    )

    def read(access_s: float) -> Any:
        cells = with_memory_pins(technology, access_s).cells
        return read_netlist(work / "netlist.json", cells, top="around")

    netlist = read(0.0)
    pins = [cell.cell.name for cell in netlist.cells if cell.cell.name.startswith("memory_pin")]
    assert (pins.count("memory_pin_in"), pins.count("memory_pin_out")) == (1 + 4 + 3 + 1 + 4, 3)
    assert {cell.cell.name for cell in netlist.flip_flops} > set(pins)
    # Two exclusive ors either way: in front of the memory, and behind it with the setup.
    into = arrival_at_memories_s(netlist)
    assert 0.1e-9 < into < 1e-9
    behind = clock_period_s(read(5e-9)) - 5e-9
    assert 0.1e-9 < behind < 1e-9
    assert clock_period_s(netlist) == pytest.approx(max(into, behind))
    area = sum(cell.cell.area_um2 for cell in netlist.cells)
    boxes = [cell.cell.area_um2 for cell in netlist.cells if cell.cell.name in pins]
    assert sum(boxes) == 0
    assert area == pytest.approx(netlist.area_um2)


def test_memories_are_found_with_their_places() -> None:
    part = Part("buffers", lambda place: PackedBuffer(64, 128, 512, place))
    text = emit_part(part).verilog
    (memory,) = memories_of(text, "buffers")
    assert memory == Memory("ram_32x64", 32, 64, ("even_0", "even_1", "odd_0", "odd_1"))
    assert memory.bits == 2 * 8 * 512
    rest = without_memories(text)
    assert "module ram" not in rest
    assert rest.count("ram_32x64 ") == 4
    assert len(re.findall(r"^module ", text, re.MULTILINE)) == 2


@pytest.mark.parametrize("kind", ["ecp5"])
def test_a_memory_becomes_block_ram(kind: str, tmp_path: Path) -> None:
    """As wide as a bus, with enables; nothing of it is flip-flops or LUTs."""
    part = Part("buffers", lambda place: PackedBuffer(64, 64, 4096, place))
    source, _ = emit_part(part).write(tmp_path)
    report = synthesize_fpga([source], "buffers", kind, work_dir=tmp_path / "w", clock_ns=10.0)
    assert report.brams == 4
    assert "TRELLIS_DPR16X4" not in report.cell_counts


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("load.$auto$ff.cc:337:slice$1", "load"),
        ("core.edge_11.requantizer.window.x", "edge"),
        ("core.array.cell_3_4.mac.x", "array"),
        ("core.$auto$1", "core"),
        ("$auto$1", "top"),
        ("count_cycles_0", "top"),
    ],
)
def test_a_cell_belongs_to_a_part(path: str, part: str) -> None:
    assert part_of(path) == part


def test_a_report_has_every_figure() -> None:
    report = AcceleratorReport(
        name="it",
        technology="a library",
        nand2_um2=4.0,
        clock_ns=10.0,
        recipes=("one", "two"),
        recipe="two",
        area_um2=1000.0,
        cells=90,
        flip_flops=30,
        delay_ns=12.5,
        into_memories_ns=1.0,
        out_of_memories_ns=2.0,
        parts_um2={"array": 900.0, "deskew": 300.0},
        memories=(RAM,),
    )
    text = report.markdown()
    for words in (
        "1,000 µm² (250 NAND2 equivalents)",
        "90, of them 30 flip-flops",
        "12.500 ns (from the library's tables, no wires), does not meet the clock of 10 ns",
        "| array | 900 | 75.0% | 225 |",
        "| total | 1,200 | 100.0% | 300 |",
        "| ram_16x3 | 16 | 3 | 1 | 48 |",
        "- Area is that of the logic",
    ):
        assert words in text
    found = json.loads(report.json_text())
    assert found["memory_bits"] == 48
    assert found["area_nand2"] == 250.0


@pytest.mark.slow
def test_the_command_synthesises_an_accelerator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, out = tmp_path / "small.toml", tmp_path / "out"
    recipe.write_text(RECIPE)
    assert main(["synth", "accelerator", "--design", str(recipe), "--json", "-o", str(out)]) == 0
    text = capsys.readouterr().out
    found = json.loads(text)
    assert (found["name"], found["recipes"]) == (NAME, ["ripple-balanced"])
    assert (out / f"{NAME}.synth.json").read_text() == text
    assert f"# {NAME}\n" in (out / f"{NAME}.synth.md").read_text()
    emitted = emit_accelerator(parse_accelerator(RECIPE))
    memories = memories_of(emitted.verilog, NAME)
    assert [(m["module"], m["count"]) for m in found["memories"]] == [
        (memory.module, len(memory.places)) for memory in memories
    ]
    assert found["memory_bits"] == sum(memory.bits for memory in memories)
    # Two banks of each buffer; a word of sums for each pixel and column; records of two banks.
    design = parse_accelerator(RECIPE)
    banks = 16 * (design.act_bytes + design.wgt_bytes + design.side_bytes)
    array = design.array
    banks += 2 * design.out_words * array.cols * array.out_envelope.width
    banks += design.pixels * array.cols * array.acc_width
    banks += 2 * design.channel_tiles * array.cols * design.record_width
    assert found["memory_bits"] == banks
    assert 0 < found["into_memories_ns"] <= found["delay_ns"]
    assert 0 < found["out_of_memories_ns"] <= found["delay_ns"]
    parts = {part["part"]: part["area_um2"] for part in found["parts"]}
    assert {"array", "edge", "feed", "side", "load", "sequencer", "registers"} <= set(parts)
    assert found["area_um2"] < sum(parts.values()) < 1.5 * found["area_um2"]
    netlist = (out / f"{NAME}.mapped.v").read_text()
    assert netlist.count("\nmodule ") == 1
    for memory in memories:
        assert len(re.findall(rf"^  {memory.module} ", netlist, re.MULTILINE)) == len(memory.places)


@pytest.mark.slow
def test_all_buffers_become_block_ram(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Activations, weights, side operand, output and sums; records are small."""
    recipe = Path(__file__).parents[2] / "gen" / "accelerator4.toml"
    arguments = ["--design", str(recipe), "--fpga", "ecp5", "--json", "-o", str(tmp_path)]
    assert main(["synth", "accelerator", *arguments]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["brams"] == 23
    netlist = (tmp_path / f"{found['name']}.fpga.v").read_text()
    blocks = re.findall(r"^  DP16KD #\(\n(?:    .*\n)*  \) \\?(\S+) +\($", netlist, re.MULTILINE)
    assert len(blocks) == 23
    for memory in ("feed.buffer", "weights.buffer", "side.buffer", "out.words", "edge_0.sums"):
        assert any(memory in block for block in blocks), memory


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "an accelerator must be a recipe: --design FILE, not flags"),
        (["--operands", "random"], "--operands must not be of an accelerator"),
        (["--proven"], "--proven must not be of an accelerator"),
        (["--optimise", "area"], "--optimise must not be of an accelerator"),
        (["--clock-ns", "-1"], "--clock-ns must be positive, not -1.0"),
        (["--recipe", "none"], "--recipe must be one of"),
        (["--fpga", "ecp5", "--jobs", "1"], "--fpga must stand alone, not beside --jobs"),
    ],
)
def test_bad_input_is_one_sentence(
    flags: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "small.toml"
    recipe.write_text(RECIPE)
    design = ["--design", str(recipe)] if flags else []
    assert main(["synth", "accelerator", *design, *flags]) == 2
    text = capsys.readouterr().err
    assert message in text
    assert text.count("\n") == 1
