"""Load engine and sequencer, proven of the generated Verilog for every input sequence.

With a reset, a start, an abort and wrong responses at any time, in all states after the first reset
(induction over one step; the first states are searched too):

* nothing is loaded before the descriptors are computed, and the stores finished, that it waits for;
  nothing is computed before its output bank is stored;
* one read, one computation, one write at a time, in the order of the descriptors; counts of what is
  loaded, computed and stored go up by one, and differ by what is under way;
* behind an error or an abort nothing begins; a run is over when nothing is under way any more, and
  not without an error if a response was wrong.

If waits are for what comes before, no run stops for ever: of 10 cycles in a row there is one in
which a read, a computation or a write is under way. That needs no bound on how long those take.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from afp_hw import tools
from afp_hw.certify.solver import find_solver
from tests.hdl.engine_rules import PROPERTIES, EngineRules, engine_rules, verilog

for needed in ("pyosys", "z3-solver"):
    if tools.find(needed) is None:
        pytest.skip(f"proofs need {needed}", allow_module_level=True)

EFFORT = 300_000_000
FIRST = 4
"""States behind the reset that are searched for each property."""

QUIET = 9
"""Most cycles in a row in which nothing is under way."""


@pytest.fixture(scope="module")
def engines() -> str:
    return verilog()


@pytest.fixture(scope="module")
def proven(engines: str, tmp_path_factory: pytest.TempPathFactory) -> EngineRules:
    solver = find_solver(EFFORT)
    assert solver
    return engine_rules(engines, solver, tmp_path_factory.mktemp("engines"))


@pytest.mark.parametrize("prop", [*PROPERTIES, "linked"])
def test_a_rule_is_kept_in_every_state(prop: str, proven: EngineRules) -> None:
    assert proven.broken(prop, FIRST) == "unsat"
    assert proven.lost(prop) == "unsat"


def test_no_run_stops_for_ever(proven: EngineRules) -> None:
    assert proven.stuck(QUIET) == "sat"
    assert proven.stuck(QUIET + 1) == "unsat"


def test_what_is_assumed_leaves_room_for_whole_runs(proven: EngineRules) -> None:
    """The shortest: a descriptor that loads nothing, computes for a cycle and stores for one."""
    goal = ["{control.o_done}", "{control.ended}", "(= {load.o_loaded} (_ bv1 16))"]
    assert proven.reached(goal, 23) == "sat"


@dataclass(frozen=True)
class Mistake:
    """A change of the Verilog, and what is broken by it."""

    name: str
    pattern: str
    replacement: str
    prop: str
    depth: int | None = None
    """States behind the reset within which it is; None: in a step from where all rules hold."""

    def made_in(self, text: str) -> str:
        changed, count = re.subn(self.pattern, self.replacement, text)
        assert count == 1, f"{count} places for the mistake {self.name!r}"
        return changed


MISTAKES = [
    Mistake("computations are not waited for", r"(assign o_waits_computed =).*;", r"\1 1'h0;",
            "waits"),
    Mistake("stores are not waited for", r"(assign o_waits_stored =).*;", r"\1 1'h0;", "waits"),
    Mistake("a bank is taken at once", r"o_stored >= i_loaded\[79:64\]", "1'h1", "bank"),
    Mistake("a computation more is waited for", r"i_computed >= ", "i_computed > ", "stuck"),
    Mistake("a store more is waited for", r"o_stored >= i_loaded", "o_stored > i_loaded", "stuck"),
    Mistake("a last descriptor need not store", r"= o_loading\[9\] & .*;", "= 1'h0;",
            "last_stored"),
    Mistake("a run is over while something is read", r"= i_load_idle & idle", "= idle", "idle", 17),
    Mistake("the last response is not looked at", r"= ended & .*;", "= ended;", "told", 23),
]  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name.replace(" ", "-"))
def test_a_mistake_breaks_a_rule(mistake: Mistake, engines: str, tmp_path: Path) -> None:
    solver = find_solver(EFFORT)
    assert solver
    found = engine_rules(mistake.made_in(engines), solver, tmp_path)
    if mistake.prop == "stuck":
        assert found.stuck(QUIET + 1) == "sat"
    elif mistake.depth is None:
        assert found.lost(mistake.prop) == "sat"
    else:
        assert found.broken(mistake.prop, mistake.depth) == "sat"
