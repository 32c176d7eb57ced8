"""Verilog that turns adders into ripple chains, and full adders into a library's own cell.

Yosys' own choice is a prefix adder (Brent-Kung): faster, and larger than what most clocks need.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from afp_hw.synth.technology import Technology

_BOX: Final = """\
(* blackbox *)
module \\{name} ({inputs}, {outputs});
  input {inputs};
  output {outputs};
endmodule
"""

# ``$alu`` (an adder, subtracter or comparison) becomes a ripple chain of one-bit ``$fa``; so do the
# rows of carry-save trees. Positions with a constant operand stay logic, which ABC simplifies.
_RIPPLE: Final = r"""
(* techmap_celltype = "$alu" *)
module ripple_alu (A, B, CI, BI, X, Y, CO);
  parameter A_SIGNED = 0;
  parameter B_SIGNED = 0;
  parameter A_WIDTH = 1;
  parameter B_WIDTH = 1;
  parameter Y_WIDTH = 1;
  parameter _TECHMAP_CONSTMSK_A_ = 0;
  parameter _TECHMAP_CONSTMSK_B_ = 0;
  parameter _TECHMAP_CONSTMSK_CI_ = 0;
  localparam [Y_WIDTH-1:0] KNOWN = known(0);
  input [A_WIDTH-1:0] A;
  input [B_WIDTH-1:0] B;
  input CI, BI;
  output [Y_WIDTH-1:0] X, Y, CO;
  wire [Y_WIDTH-1:0] a, b;
  // An operand that is nothing but zeros may have no width at all.
  generate
    if (A_WIDTH == 0) assign a = 0;
    else \$pos #(.A_SIGNED(A_SIGNED), .A_WIDTH(A_WIDTH), .Y_WIDTH(Y_WIDTH)) pos_a (.A(A), .Y(a));
    if (B_WIDTH == 0) assign b = 0;
    else \$pos #(.A_SIGNED(B_SIGNED), .A_WIDTH(B_WIDTH), .Y_WIDTH(Y_WIDTH)) pos_b (.A(B), .Y(b));
  endgenerate
  wire [Y_WIDTH-1:0] addend = BI ? ~b : b;
  wire [Y_WIDTH:0] carry = {CO, CI};
  assign X = a ^ addend;
  function [Y_WIDTH-1:0] known;
    input unused;
    integer i;
    for (i = 0; i < Y_WIDTH; i = i + 1)
      known[i] = (i == 0 && _TECHMAP_CONSTMSK_CI_)
        || (i < A_WIDTH ? _TECHMAP_CONSTMSK_A_[i] : !A_SIGNED)
        || (i < B_WIDTH ? _TECHMAP_CONSTMSK_B_[i] : !B_SIGNED);
  endfunction
  genvar i;
  generate
    for (i = 0; i < Y_WIDTH; i = i + 1) begin : bits
      if (KNOWN[i]) begin
        assign Y[i] = X[i] ^ carry[i];
        assign CO[i] = (a[i] & addend[i]) | (carry[i] & (a[i] | addend[i]));
      end else begin
        CELL adder (PINS);
      end
    end
  endgenerate
endmodule

(* techmap_celltype = "$fa" *)
module ripple_fa (A, B, C, X, Y);
  parameter WIDTH = 1;
  parameter _TECHMAP_CONSTMSK_A_ = 0;
  parameter _TECHMAP_CONSTMSK_B_ = 0;
  parameter _TECHMAP_CONSTMSK_C_ = 0;
  localparam [WIDTH-1:0] KNOWN = _TECHMAP_CONSTMSK_A_ | _TECHMAP_CONSTMSK_B_ | _TECHMAP_CONSTMSK_C_;
  input [WIDTH-1:0] A, B, C;
  output [WIDTH-1:0] X, Y;
  genvar i;
  generate
    for (i = 0; i < WIDTH; i = i + 1) begin : bits
      if (KNOWN[i]) begin
        assign Y[i] = A[i] ^ B[i] ^ C[i];
        assign X[i] = (A[i] & B[i]) | (C[i] & (A[i] | B[i]));
      end else begin
        CELL adder (FA_PINS);
      end
    end
  endgenerate
endmodule
"""


# The module ``full_adder`` of our hardware, put in place of its instances.
_MODULE: Final = """\
(* techmap_celltype = "full_adder" *)
module full_adder (i_a, i_b, i_c, o_sum, o_carry);
  input i_a, i_b, i_c;
  output o_sum, o_carry;
{body}
endmodule
"""
_LOGIC: Final = """\
  assign o_sum = i_a ^ i_b ^ i_c;
  assign o_carry = (i_a & i_b) | (i_c & (i_a | i_b));
"""


@dataclass(frozen=True, slots=True)
class FullAdderMap:
    """Verilog for a library's full adder: the cell as a black box, and what it takes the place of.

    Parameters
    ----------
    box
        For ``read_verilog -lib``.
    adders
        For ``techmap -map``: of Yosys' ``$alu`` and ``$fa``.
    module
        The same, of our hardware's ``full_adder``.
    """

    box: str
    adders: str
    module: str


def ripple_map() -> str:
    """Text for Yosys' ``techmap -map``: ripple carry as logic, which ABC may change."""
    return (
        _RIPPLE.replace("KNOWN[i]", "1")
        .replace("CELL adder (FA_PINS);", "")
        .replace("CELL adder (PINS);", "")
    )


def logic_map() -> str:
    """Text for Yosys' ``techmap -map``: our full adders as logic, which ABC may change."""
    return _MODULE.format(body=_LOGIC)


def full_adder_map(technology: Technology) -> FullAdderMap | None:
    """Texts that put the library's full adder to use; None without one."""
    found = technology.full_adder
    if found is None:
        return None
    cell = found.cell
    first, second, third = (pin.name for pin in cell.inputs)

    def instance(a: str, b: str, c: str, total: str, carry: str) -> str:
        bound = ((first, a), (second, b), (third, c), (found.sum_pin, total))
        pins = ", ".join(f".{pin}({net})" for pin, net in (*bound, (found.carry_pin, carry)))
        return f"\\{cell.name} adder ({pins});"

    def placed(a: str, b: str, c: str, total: str, carry: str) -> str:
        if not found.inverted:
            return instance(a, b, c, total, carry)
        wires = "wire total_n, carry_n; "
        return (
            wires
            + instance(a, b, c, "total_n", "carry_n")
            + f" assign {total} = ~total_n; assign {carry} = ~carry_n;"
        )

    return FullAdderMap(
        box=_BOX.format(
            name=cell.name,
            inputs=f"{first}, {second}, {third}",
            outputs=f"{found.sum_pin}, {found.carry_pin}",
        ),
        adders=_RIPPLE.replace(
            "CELL adder (FA_PINS);", placed("A[i]", "B[i]", "C[i]", "Y[i]", "X[i]")
        ).replace("CELL adder (PINS);", placed("a[i]", "addend[i]", "carry[i]", "Y[i]", "CO[i]")),
        module=_MODULE.format(body="  " + placed("i_a", "i_b", "i_c", "o_sum", "o_carry")),
    )
