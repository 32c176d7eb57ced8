"""Designs that are certified in tests, and deliberate mistakes in one of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from afp_hw.design import Design
from afp_hw.formats import parse_number


def design(weights: str, acts: str, **parameters: object) -> Design:
    """A design from its formats' names."""
    return Design(parse_number(weights), parse_number(acts), **parameters)


SMALL = design("e2m1", "e2m1", k=12)
"""What takes the least time."""

BROKEN = design("e2m1", "e2m1", k=12, lanes=2, registers=("product",), segments=(4,))
"""What mistakes are made in: lanes, a register and a segment to make them with."""


@dataclass(frozen=True)
class Mistake:
    """A change of the Verilog of :data:`BROKEN`: the first match of `pattern` is replaced."""

    name: str
    pattern: str
    replacement: str

    def made_in(self, verilog: str) -> str:
        """The Verilog with the mistake."""
        changed, count = re.subn(self.pattern, self.replacement, verilog, count=1)
        assert count == 1, f"no place for the mistake {self.name!r}"
        assert changed != verilog
        return changed


MISTAKES = [
    Mistake("wrong hidden bit", r"= i_code\[0\] & \\\$\d+ ;", "= i_code[0];"),
    Mistake("shift off by one", r"<< i_shift;", "<< (i_shift + 4'h1);"),
    Mistake("shift of activations left out", r"= i_act \+ i_wgt;", "= i_wgt;"),
    Mistake("sign lost", r"(assign o = \{ .*, )i_code\[3\] \}", r"\g<1>1'h0 }"),
    Mistake("dropped carry", r", total_0\[4\] \}", ", 1'h0 }"),
    Mistake("segment held in spite of a carry", r"total_0\[4\] \? .* : (.*);", r"\g<1>;"),
    Mistake("first ignored", r"i_first \? 4'h0 : acc_0", "acc_0"),
    Mistake("accumulator one bit narrow", r"\{ acc_1, acc_0 \}", "{ acc_1[6], acc_1[6:0], acc_0 }"),
    Mistake("lane left out", r"\+ \$signed\(i_term__1\)", "+ 10'sh0"),
    Mistake("lane swapped", r"<= i_act\[7:4\]", "<= i_act[3:0]"),
    Mistake("zero not recognised", r"\| i_act\[2:0\]", "| i_act[1:0]"),
    Mistake(
        "late tag",
        r"  reg o_valid;\n((?:.*\n)*?)    else o_valid <= (.*);\n",
        r"  reg o_valid, late;\n  always @(posedge clk) late <= !rst && \g<2>;\n"
        r"\g<1>    else o_valid <= late;\n",
    ),
    Mistake("missing reset", r"if \(rst\) i_go <= 1'h0;\n    else i_go", "i_go"),
    Mistake("last of any step", r"if \(rst\) (o_valid <=) 1'h0;\n.*else o.*", r"\1 i_last;"),
]  # fmt: skip
