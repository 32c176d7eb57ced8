"""The rules of the buses, proven of the generated Verilog for every input sequence.

Of the DMAs for bursts of at most 4 beats of 64 bits and 2 of them on their way, and of the
registers, all at their full widths, with a reset at any time, in all states after the first reset
(induction over one step; the first states are searched too):

* an address, and data, that are not taken stay as they are;
* bursts have at most 4 beats, in one block of 4, so in one page, and together are the command's
  beats, each once and in order; no more than 2 are on their way;
* no data ahead of their address, WLAST with the last beat of a burst and with no other;
* ``o_ready``, ``o_done`` and ``o_error`` are what they are said to be;
* a DMA that runs always waits for somebody else; so if each channel waits for at most 3 cycles, a
  command of n beats is through within ``5 * n + 6`` edges, or ``6 * n + 12`` if it writes;
* registers: answers and data stay until they are taken, one for each access and none without; what
  is free is taken, a write is answered at the second edge; no run is started while one is busy.

A memory is assumed to answer only what it was asked, and data that are given to stay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from afp_hw import tools
from afp_hw.certify.solver import find_solver
from tests.hdl.axi_rules import COMPONENTS, SAFE, TIMED, Rules, rules, verilog

for needed in ("pyosys", "z3-solver"):
    if tools.find(needed) is None:
        pytest.skip(f"proofs need {needed}", allow_module_level=True)

EFFORT = 300_000_000
FIRST = 4
"""States behind the reset that are searched for each property."""

PROPERTIES = [
    *((bench, prop) for bench, props in SAFE.items() for prop in (*props, "linked")),
    *((bench, prop) for bench in ("read_dma", "write_dma") for prop in TIMED),
]


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rules]:
    solver = find_solver(EFFORT)
    assert solver
    return {
        bench: rules(bench, verilog(bench), solver, tmp_path_factory.mktemp(bench))
        for bench in COMPONENTS
    }


@pytest.mark.parametrize(("bench", "prop"), PROPERTIES)
def test_a_rule_is_kept_in_every_state(bench: str, prop: str, proven: dict[str, Rules]) -> None:
    assert proven[bench].broken(prop, FIRST) == "unsat"
    assert proven[bench].lost(prop) == "unsat"


@pytest.mark.parametrize("bench", ["read_dma", "write_dma"])
def test_a_command_ends_in_time(bench: str, proven: dict[str, Rules]) -> None:
    assert proven[bench].missing("finishes") == "unsat"


@pytest.mark.parametrize(("bench", "depth"), [("read_dma", 9), ("write_dma", 11)])
def test_what_is_assumed_leaves_room_for_whole_commands(
    bench: str, depth: int, proven: dict[str, Rules]
) -> None:
    # Two bursts of a command that begins in the middle of a block, after a wait.
    goal = [
        "{over}",
        "(= {beats} (_ bv5 20))",
        "(= {bursts} (_ bv2 21))",
        "(bvugt {age} (_ bv5 24))",
    ]
    assert proven[bench].reached(goal, depth) == "sat"


@dataclass(frozen=True)
class Mistake:
    """A change of the Verilog, and a property that is broken by it within `depth` states."""

    bench: str
    name: str
    pattern: str
    replacement: str
    prop: str
    depth: int = 5

    def made_in(self, text: str) -> str:
        changed, count = re.subn(self.pattern, self.replacement, text)
        assert count == 1, f"{count} places for the mistake {self.name!r}"
        return changed


MISTAKES = [
    Mistake("read_dma", "address counts while it waits",
            r"= m_axi_arvalid & m_axi_arready", "= m_axi_arvalid", "address_stays"),
    Mistake("read_dma", "valid falls", r"(m_axi_arvalid = o_burst .*);", r"\1 & ~m_axi_rvalid;",
            "address_stays"),
    Mistake("read_dma", "whole burst from the middle of a block", r"3'h4 - offset", "3'h4",
            "shape"),
    Mistake("read_dma", "one burst too many", r"flying != 2'h2", "flying != 2'h3", "limit"),
    Mistake("read_dma", "done a beat early", r"due == 1'h1", "due == 2'h2", "done_when_over"),
    Mistake("read_dma", "error forgotten", r"o_error <= \\", r"o_error <= o_valid & \\",
            "error_kept"),
    Mistake("read_dma", "bursts stay counted", r"(= o_valid & o_burst_end);", r"\1 & o_end;",
            "alive", 8),
    Mistake("write_dma", "data ahead of their address", r"(m_axi_wvalid = i_data_valid).*;",
            r"\1 & m_axi_bready;", "data_behind_address"),
    Mistake("write_dma", "last with the command only", r"(assign o_burst_end =) .*;", r"\1 o_end;",
            "last_at_end", 6),
    Mistake("write_dma", "beat counts while it waits", r"= m_axi_wvalid & m_axi_wready",
            "= m_axi_wvalid", "data_stays"),
    Mistake("write_dma", "strobe left out", r"8'hff", "8'h7f", "takes_data"),
    Mistake("write_dma", "first response taken for the last", r"flying == 1'h1", "flying != 1'h0",
            "done_when_over", 7),
    Mistake("write_dma", "one burst too many", r"flying != 2'h2", "flying != 2'h3", "limit"),
    Mistake("registers", "answer falls", r"s_axil_bready \? 1'h0 : s_axil_bvalid", "1'h0",
            "answer_stays"),
]  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name.replace(" ", "-"))
def test_a_mistake_breaks_a_rule(mistake: Mistake, tmp_path: Path) -> None:
    solver = find_solver(EFFORT)
    assert solver
    wrong = mistake.made_in(verilog(mistake.bench))
    found = rules(mistake.bench, wrong, solver, tmp_path, link=False)
    assert found.broken(mistake.prop, mistake.depth) == "sat"
