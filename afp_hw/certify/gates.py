"""A mapped netlist as Verilog that a prover understands, and a comparison with another module.

Each cell is the function that its library gives; a clock gate is an enable of the flip-flops behind
it.
"""

from __future__ import annotations

from string import Template
from typing import Final

from afp_hw.design import Design
from afp_hw.synth.gatesim_source import pin_function, rendered
from afp_hw.synth.netlist import Instance, Netlist

TOP: Final = "miter"
GATES: Final = "gates"

_MITER: Final = Template("""
module miter(
  input clk, input rst, input i_valid, input i_first, input i_last,
  input [$act_top:0] i_act, input [$wgt_top:0] i_wgt,
  output same_valid, output same_sum
);
  wire valid_rtl, valid_gates;
  wire [$acc_top:0] acc_rtl, acc_gates;
  $name rtl(
    .clk(clk), .rst(rst), .i_valid(i_valid), .i_first(i_first), .i_last(i_last),
    .i_act(i_act), .i_wgt(i_wgt), .o_valid(valid_rtl), .o_acc(acc_rtl)
  );
  gates netlist(
    .clk(clk), .rst(rst), .i_valid(i_valid), .i_first(i_first), .i_last(i_last),
    .i_act(i_act), .i_wgt(i_wgt), .o_valid(valid_gates), .o_acc(acc_gates)
  );
  // A sum is known from its first step on.
  reg [$depth:1] begun;
  reg known;
  wire [$depth:0] begins = {begun, i_valid && i_first};
  always @(posedge clk) begin
    begun <= rst ? 0 : begins;
    known <= !rst && (known || begins[$depth]);
  end
  assign same_valid = valid_rtl == valid_gates;
  assign same_sum = !known || acc_rtl == acc_gates;
endmodule
""")


def _expression(instance: Instance, text: str | None, pin: str, state: int) -> str:
    """A Liberty function of the pins, and of flip-flop `state`, as Verilog."""
    function = pin_function(instance, text, pin)
    value = rendered(function, instance, lambda name: f"n[{instance.nets[name]}]", f"q[{state}]")
    return value.replace("S(0)", "1'b0").replace("S(1)", "1'b1")


def _outputs(instance: Instance, state: int) -> list[str]:
    return [
        f"  assign n[{instance.nets[pin.name]}] = "
        f"{_expression(instance, pin.function, pin.name, state)};"
        for pin in instance.cell.outputs
        if pin.name in instance.nets
    ]


def gates_verilog(netlist: Netlist) -> str:
    """The netlist as module ``gates``: a bit of ``n`` for each net, of ``q`` for each flip-flop."""
    ports = {**netlist.inputs, **netlist.outputs}
    lines = [f"module {GATES}({', '.join(ports)});"]
    for direction, side in (("input", netlist.inputs), ("output", netlist.outputs)):
        lines += [f"  {direction} [{len(nets) - 1}:0] {port};" for port, nets in side.items()]
    lines += [
        f"  wire [{len(netlist.net_names) - 1}:0] n;",
        f"  reg [{max(len(netlist.flip_flops), 1) - 1}:0] q;",
        "  assign n[0] = 1'b0, n[1] = 1'b1;",
    ]
    for port, nets in netlist.inputs.items():
        lines += [f"  assign n[{net}] = {port}[{bit}];" for bit, net in enumerate(nets)]
    for index, instance in enumerate(netlist.flip_flops):
        lines += _outputs(instance, index)
    for instance in netlist.combinational:
        lines += _outputs(instance, 0)
    lines.append("  always @(posedge clk) begin")
    for index, instance in enumerate(netlist.flip_flops):
        assert instance.cell.flip_flop is not None  # what makes it one
        state = instance.cell.flip_flop.next_state
        gate_index, enable = int(netlist.gate_of[index]), ""
        if gate_index >= 0:
            gate = netlist.clock_gates[gate_index]
            assert gate.cell.clock_gate is not None  # what makes it one
            enable = f"if (n[{gate.nets[gate.cell.clock_gate.enable]}]) "
        lines.append(f"    {enable}q[{index}] <= {_expression(instance, state, 'state', index)};")
    lines.append("  end")
    for port, nets in netlist.outputs.items():
        lines += [f"  assign {port}[{bit}] = n[{net}];" for bit, net in enumerate(nets)]
    return "\n".join([*lines, "endmodule", ""])


def miter_verilog(design: Design) -> str:
    """``miter``: the design's PE and ``gates`` on the same inputs, and whether outputs agree."""
    return _MITER.substitute(
        name=design.pe_name,
        act_top=design.lanes * design.acts.width - 1,
        wgt_top=design.lanes * design.weights.width - 1,
        acc_top=design.pe_acc_width - 1,
        depth=design.pe_latency - 1,
    )
