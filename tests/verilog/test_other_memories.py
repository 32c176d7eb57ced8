"""Memories of others in the place of ours: what docs/accelerator.md leaves open may be anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from afp_hw import embedded
from afp_hw.design import AcceleratorDesign
from afp_hw.network import LoweredNetwork
from afp_hw.program import compile_network
from afp_hw.rtlsim.accelerator import AcceleratorSimulator
from afp_hw.rtlsim.build import shared_object
from afp_hw.rtlsim.program_check import check_program, encoded
from afp_hw.schedule.accelerator import schedule_network
from afp_hw.verilog.accelerator import emit_accelerator
from afp_hw.verilog.memories import Memory, memories_of, without_memories
from tests.program.dynamic_networks import SMALL
from tests.program.dynamic_networks import built as built_dynamic
from tests.program.test_dynamic import every_step
from tests.program.test_embedded_program import embedded as embedded_program

# What is read of the word that is written at the same edge is its complement, and memories begin
# with noise.
_HOSTILE = """\
module {module}(input clk, input rst, input i_write, input [{address}:0] i_write_address,
  input [{data}:0] i_data, input i_read, input [{address}:0] i_read_address,
  output reg [{data}:0] o_data);
  reg [{data}:0] words [{last}:0];
  integer i;
  initial for (i = 0; i <= {last}; i = i + 1) words[i] = {{{width}{{1'b1}}}} ^ i;
  always @(posedge clk) begin
    if (i_write) words[i_write_address] <= i_data;
    if (i_read)
      o_data <= i_write && i_write_address == i_read_address
        ? ~words[i_read_address] : words[i_read_address];
  end
endmodule
"""


def hostile(memory: Memory) -> str:
    return _HOSTILE.format(
        module=memory.module,
        address=(memory.words - 1).bit_length() - 1,
        data=memory.width - 1,
        last=memory.words - 1,
        width=memory.width,
    )


def library(design: AcceleratorDesign) -> Path:
    """The accelerator's Verilog around other memories, compiled."""
    emitted = emit_accelerator(design)
    memories = memories_of(emitted.verilog, emitted.name)
    assert len(memories) > 4
    text = without_memories(emitted.verilog) + "".join(map(hostile, memories))
    ports = f"#define DATA_WIDTH {design.data_width}\n"
    return shared_object(emitted.name, text, ports, None, "accelerator.cpp")


def check(network: LoweredNetwork, design: AcceleratorDesign, image: object) -> None:
    program = compile_network(network, design)
    schedule = schedule_network(program.descriptors, design, 20)
    with AcceleratorSimulator(design, library=library(design)) as simulator:
        given = encoded(program, image[None])[0]  # type: ignore[index]
        check_program(program, simulator, schedule, given, 20)


@pytest.mark.slow
def test_static_grids() -> None:
    network, design = embedded_program("accelerator4.toml")
    check(network, design, embedded.test_set()[0][0])


@pytest.mark.slow
def test_dynamic_grids() -> None:
    net = every_step()
    check(built_dynamic(net, SMALL), SMALL, net.images(1)[0])
