"""What a processing element must do, as Verilog for a prover; written from numerics section 5.

The module ``formal`` holds the hardware and, beside it, the definition: fields of the codes,
products as sign, significands and shifts, an accumulator of its own that is too wide to wrap, and
the most that so many products could have come to. One output says what is assumed, each of the
others is a property that must be 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import Template
from typing import Final

from afp_hw.design import Design
from afp_hw.formats import AFPFormat, IntFormat, Number

TOP: Final = "formal"

_AFP: Final = Template("""
  function [$high:0] sig_$name(input [$top:0] code);
    sig_$name = $exp == 0 ? $man : $hidden + $man;
  endfunction
  function [$shift_top:0] shift_$name(input [$top:0] code);
    shift_$name = $exp > 1 ? $exp - 1 : 0;
  endfunction
  function sign_$name(input [$top:0] code);
    sign_$name = $sign;
  endfunction
""")

_MODULE: Final = Template("""
module formal(
  input clk, input rst, input i_valid, input i_first, input i_last,
  input [$act_top:0] i_act, input [$wgt_top:0] i_wgt,
  output assumed, output reset, output tags, output sum_low, output bound, output exact
);
  wire o_valid;
  wire signed [$acc_top:0] o_acc;
  $name dut(
    .clk(clk), .rst(rst), .i_valid(i_valid), .i_first(i_first), .i_last(i_last),
    .i_act(i_act), .i_wgt(i_wgt), .o_valid(o_valid), .o_acc(o_acc)
  );
$functions$products
  // What a step adds and what its products that are not zero could add, then the same later on.
  wire signed [$step_top:0] step_0 = $step;
  wire [$step_top:0] most_0 = ($live) * $max_product;
  wire valid_0 = i_valid, first_0 = i_first, last_0 = i_last;
$stages
  reg known, due;
  reg [7:0] since;
  reg signed [$sum_top:0] sum, limit;
  always @(posedge clk) begin
    since <= rst ? 0 : since < $latency ? since + 1 : since;
    due <= !rst && valid_$depth && last_$depth;
    known <= !rst && (known || valid_$depth && first_$depth);
    if (valid_$depth) begin
      sum <= (first_$depth ? 0 : sum) + step_$depth;
      limit <= (first_$depth ? 0 : limit) + $$signed({1'b0, most_$depth});
    end
  end
  wire signed [$sum_top:0] largest = $largest;
  assign assumed = $assumed;
  assign reset = !o_valid || since >= $latency;
  assign tags = o_valid == due;
  assign sum_low = !known || o_acc == sum[$acc_top:0];
  assign bound = !known || limit >= 0 && -limit <= sum && sum <= limit;
  assign exact = !known || sum == o_acc;
endmodule
""")

_STAGE: Final = Template("""\
  reg valid_$new, first_$new, last_$new;
  reg signed [$step_top:0] step_$new;
  reg [$step_top:0] most_$new;
  always @(posedge clk) begin
    valid_$new <= !rst && valid_$old;
    first_$new <= first_$old;
    last_$new <= last_$old;
    step_$new <= step_$old;
    most_$new <= most_$old;
  end
""")


def _afp_functions(name: str, fmt: AFPFormat) -> str:
    """Significand, shift and sign of a code: numerics section 1."""
    man_width, magnitude = fmt.n_man, fmt.magnitude_width
    return _AFP.substitute(
        name=name,
        top=fmt.width - 1,
        high=fmt.max_sig.bit_length() - 1,
        shift_top=max(fmt.max_shift.bit_length(), 1) - 1,
        hidden=1 << man_width,
        man=f"code[{man_width - 1}:0]" if man_width else "1'b0",
        exp=f"code[{magnitude - 1}:{man_width}]" if fmt.n_exp else "1'b0",
        sign=f"code[{fmt.width - 1}]" if fmt.signed else "1'b0",
    )


def _code(port: str, lane: int, fmt: Number) -> str:
    return f"{port}[{(lane + 1) * fmt.width - 1}:{lane * fmt.width}]"


def _integer(code: str, fmt: IntFormat) -> str:
    return f"$signed({code})" if fmt.signed else f"$signed({{1'b0, {code}}})"


def _product(lane: int, design: Design) -> str:
    """Wire ``product_LANE``, signed, exact."""
    act, wgt = _code("i_act", lane, design.acts), _code("i_wgt", lane, design.weights)
    top = design.product_width
    if isinstance(design.acts, IntFormat) and isinstance(design.weights, IntFormat):
        value = f"{_integer(act, design.acts)} * {_integer(wgt, design.weights)}"
        return f"  wire signed [{top}:0] product_{lane} = {value};\n"
    sig_top = design.sig_product_width - 1
    shifts = [fmt.max_shift for fmt in (design.afp_acts, design.afp_weights)]
    shift_top = max(sum(shifts).bit_length(), 1) - 1
    return (
        f"  wire [{sig_top}:0] sig_{lane} = sig_act({act}) * sig_wgt({wgt});\n"
        f"  wire [{shift_top}:0] shift_{lane} = shift_act({act}) + shift_wgt({wgt});\n"
        f"  wire [{top - 1}:0] magnitude_{lane} = sig_{lane} << shift_{lane};\n"
        f"  wire signed [{top}:0] product_{lane} = sign_act({act}) ^ sign_wgt({wgt}) ?\n"
        f"    -$signed({{1'b0, magnitude_{lane}}}) : $signed({{1'b0, magnitude_{lane}}});\n"
    )


def _tree(terms: list[str]) -> str:
    """Their sum, pair by pair."""
    while len(terms) > 1:
        terms = ["(" + " + ".join(terms[at : at + 2]) + ")" for at in range(0, len(terms), 2)]
    return terms[0]


@dataclass(frozen=True)
class Reference:
    """The text of ``formal`` for a design.

    Parameters
    ----------
    design
        Formats, lanes, k, latency and the width of the accumulator.
    """

    design: Design

    @property
    def proven_bound(self) -> bool:
        """Whether the bound follows from `k`; else `sum_max` is assumed of the sums themselves."""
        return self.design.sum_max is None

    def verilog(self) -> str:
        """``formal``, to be read together with the Verilog of the hardware."""
        design = self.design
        lanes, depth = range(design.lanes), design.pe_latency - 1
        step_width = (design.lanes * design.max_product).bit_length() + 1
        most = (design.k + design.lanes) * design.max_product
        widths = {
            "step_top": step_width - 1,
            "sum_top": max(most.bit_length(), design.pe_acc_width, step_width) + 1,
        }
        stages = [
            _STAGE.substitute(new=stage, old=stage - 1, **widths) for stage in range(1, depth + 1)
        ]
        functions = ""
        if not design.integers:
            functions = _afp_functions("act", design.afp_acts)
            functions += _afp_functions("wgt", design.afp_weights)
        assumed = "limit <= largest"
        if not self.proven_bound:
            assumed = "-largest <= sum && sum <= largest"
        return _MODULE.substitute(
            name=design.pe_name,
            functions=functions,
            products="".join(_product(lane, design) for lane in lanes),
            step=_tree([f"product_{lane}" for lane in lanes]),
            live=_tree([f"{{1'b0, product_{lane} != 0}}" for lane in lanes]),
            stages="".join(stages),
            act_top=design.lanes * design.acts.width - 1,
            wgt_top=design.lanes * design.weights.width - 1,
            acc_top=design.pe_acc_width - 1,
            latency=design.pe_latency,
            depth=depth,
            max_product=f"{step_width}'d{design.max_product}",
            largest=f"{widths['sum_top']}'d{design.sum_bound}",
            assumed=assumed,
            **widths,
        )
