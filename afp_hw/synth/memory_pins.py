"""Memories in a netlist of cells: boxes whose pins begin and end the paths of the logic around.

A library of standard cells has no memories, and one made of flip-flops would be larger than all the
rest. So a memory's module has, in place of its words, a pin cell on each input and each output. To
static timing these are flip-flops without area, setup or delay: what reaches a memory must be there
at the clock edge, what comes out of it comes with the edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from afp_hw.synth.cells import NOMINAL_SLEW_S, Arc, Cell, FlipFlop, Pin, Table
from afp_hw.synth.netlist import Netlist
from afp_hw.synth.technology import Technology
from afp_hw.synth.timing import FALL, RISE, Times
from afp_hw.verilog.memories import Memory

_INPUT: Final = "memory_pin_in"
_OUTPUT: Final = "memory_pin_out"
PINS: Final = (_INPUT, _OUTPUT)
"""Names of the cells."""

_BOXES: Final = f"""\
(* blackbox, keep *)
module {_INPUT}(input CLK, input D);
endmodule
(* blackbox *)
module {_OUTPUT}(input CLK, output Q);
endmodule
"""
_MODULE: Final = f"""\
(* keep_hierarchy *)
module {{module}}(input clk, input rst, input i_write, input [{{address}}:0] i_write_address,
  input [{{data}}:0] i_data, input i_read, input [{{address}}:0] i_read_address,
  output [{{data}}:0] o_data);
  {_INPUT} write(.CLK(clk), .D(i_write));
  {_INPUT} write_address [{{address}}:0] (.CLK(clk), .D(i_write_address));
  {_INPUT} data [{{data}}:0] (.CLK(clk), .D(i_data));
  {_INPUT} read(.CLK(clk), .D(i_read));
  {_INPUT} read_address [{{address}}:0] (.CLK(clk), .D(i_read_address));
  {_OUTPUT} out [{{data}}:0] (.CLK(clk), .Q(o_data));
endmodule
"""


def boxes_verilog(memories: Sequence[Memory]) -> str:
    """The memories' modules with pins alone."""
    modules = [
        _MODULE.format(
            module=memory.module,
            address=(memory.words - 1).bit_length() - 1,
            data=memory.width - 1,
        )
        for memory in memories
    ]
    return _BOXES + "".join(modules)


def _constant(seconds: float) -> Table:
    return Table((0.0,), (0.0,), ((seconds,),))


def with_memory_pins(technology: Technology, access_s: float = 0.0) -> Technology:
    """The technology with the pin cells, which synthesis does not choose.

    Parameters
    ----------
    technology
        Of the logic.
    access_s
        From the clock edge to what comes out of a memory, second.
    """
    access, none, slew = (_constant(value) for value in (access_s, 0.0, NOMINAL_SLEW_S))
    clock = Pin("CLK", 0.0, None, clock=True)
    state = FlipFlop(next_state="D", clocked_on="CLK", state="IQ", inverted="IQN")
    taken = Cell(
        _INPUT,
        area_um2=0.0,
        leakage_w=0.0,
        inputs=(clock, Pin("D", 0.0, None, clock=False)),
        outputs=(),
        flip_flop=state,
        dont_use=True,
        arcs=(Arc("CLK", "D", "setup_rising", "non_unate", none, none),),
    )
    given = Cell(
        _OUTPUT,
        area_um2=0.0,
        leakage_w=0.0,
        inputs=(clock,),
        outputs=(Pin("Q", 0.0, "IQ", clock=False),),
        flip_flop=state,
        dont_use=True,
        arcs=(Arc("CLK", "Q", "rising_edge", "non_unate", access, access, slew, slew),),
    )
    return replace(technology, cells={**technology.cells, _INPUT: taken, _OUTPUT: given})


def arrival_at_memories_s(netlist: Netlist) -> float:
    """How long behind the clock edge the last input of a memory comes, second."""
    times = Times(netlist)
    pins = [cell.nets["D"] for cell in netlist.flip_flops if cell.cell.name == _INPUT]
    return max((times.arrival[edge][net] for net in pins for edge in (RISE, FALL)), default=0.0)
