"""What load engine and sequencer must do together, for a prover.

``rules/engines.v`` has a module ``formal`` that holds both and, as far as they see it, the world: a
read that has been asked for ends with its last beat, computations and writes end some time or
other, responses may be wrong. ``assumed`` is that no run is started while one is busy, and
``sound`` that waits of a descriptor are for descriptors, and stores, before it. Each other output
but ``pending`` is a property, which must be 1 in every state, with a reset at any time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from afp_hw import AFPFormat
from afp_hw.certify.solver import Solver
from afp_hw.certify.system import System, transition_system
from afp_hw.design import AcceleratorDesign, Design
from afp_hw.design.descriptor import FIELDS
from afp_hw.hdl.load_engine import LoadEngine
from afp_hw.hdl.sequencer import Sequencer
from afp_hw.verilog import Library

DESIGN: Final = AcceleratorDesign(Design(AFPFormat(3, 1), AFPFormat(3, 2)), data_width=256)
"""A descriptor has 7 beats; of the array nothing is looked at."""

TOP: Final = "formal"
_FILE: Final = Path(__file__).parent / "rules" / "engines.v"

PROPERTIES: Final = (
    *("asks", "waits", "bank", "one_at_a_time", "steps", "ahead", "to_store", "within"),
    *("last_of_all", "last_stored", "last_comes", "idle", "stopped", "promised", "ends", "told"),
)

# States of the engines, by their numbers: load OFF, ASK, HAND_ON, READ, CHECK; compute IDLE, START,
# RUN, END; store IDLE, RUN.
_LINKED: Final = """(and
  (bvule {load.fsm_state} #b100)
  (bvule {load.o_segment} #b100)
  (= (= {load.fsm_state} #b011) (or {reading} {load.i_read_done}))
  (not (and {reading} {load.i_read_done}))
  (=> {reading} (not (= {left} (_ bv0 20))))
  (=> (= {load.fsm_state} #b100) (= {load.o_segment} #b000))
  (=> (= {load.fsm_state} #b010) (not (= {load.o_segment} #b000)))
  (= (= {control.compute_state} #b10) {running})
  (= {control.store_state} (or {writing} {control.i_write_done}))
  (not (and {writing} {control.i_write_done}))
  (=> {control.store_state} {control.wanted})
)"""


@dataclass(frozen=True)
class EngineRules:
    """Questions; each gives the solver's word."""

    system: System
    solver: Solver
    folder: Path

    def _all(self, names: Sequence[str], frames: Sequence[int]) -> list[str]:
        return [self.system.signal(name, frame) for frame in frames for name in names]

    def _ask(self, states: int, claims: Sequence[str]) -> str:
        return self.solver.ask(self.system.question(states, claims), self.folder).result

    def broken(self, prop: str, depth: int) -> str:
        """Whether a run that begins with a reset breaks `prop` in its first `depth` states."""
        frames = range(1, depth + 1)
        holds = " ".join(self._all([prop], frames))
        reset = self.system.signal("rst", 0)
        assumed = self._all(("assumed", "sound"), frames)
        return self._ask(depth + 1, [reset, *assumed, f"(not (and {holds}))"])

    def lost(self, prop: str) -> str:
        """Whether, from any state in which all properties hold, one step leads to one without."""
        claims = self._all(("assumed", "sound"), (0, 1))
        claims += self._all((*PROPERTIES, "linked"), (0,))
        return self._ask(2, [*claims, f"(not {self.system.signal(prop, 1)})"])

    def stuck(self, cycles: int) -> str:
        """Whether a run may go on for so many cycles with nothing under way in the world."""
        frames = range(cycles)
        claims = self._all(("assumed", "sound", "busy"), frames)
        claims += self._all((*PROPERTIES, "linked"), (0,))
        claims += [f"(not {term})" for term in self._all(("pending", "rst"), frames)]
        return self._ask(cycles, claims)

    def reached(self, goal: Sequence[str], depth: int) -> str:
        """Whether a run comes to a state in which all of `goal`, names in braces, are true."""
        assumed = self._all(("assumed", "sound"), range(1, depth + 1))
        terms = [_terms(term, f"s{depth}") for term in goal]
        return self._ask(depth + 1, [self.system.signal("rst", 0), *assumed, *terms])


def _terms(text: str, state: str) -> str:
    return re.sub(r"\{([\w.]+)\}", rf"(|{TOP}_n \1| {state})", text)


def verilog() -> str:
    """Both engines."""
    parts = {"load_engine": LoadEngine, "sequencer": Sequencer}
    texts = []
    for name, component in parts.items():
        library = Library()
        texts.append(library.verilog(component(DESIGN, library.place), name))
    return "\n".join(texts)


def engine_rules(engines: str, solver: Solver, folder: Path) -> EngineRules:
    """The rules around the Verilog `engines`; ``linked`` relates the world to their states."""
    used = ("store", "last", "wait_computed", "wait_stored", "wait_bank")
    ranges = "".join(
        f"`define {name.upper()} {FIELDS[name].offset} +: {FIELDS[name].width}\n" for name in used
    )
    system = transition_system(ranges + engines + _FILE.read_text(), TOP, folder)
    linked = _terms(_LINKED, "state")
    defined = f"(define-fun |{TOP}_n linked| ((state |{TOP}_s|)) Bool {linked})\n"
    return EngineRules(System(TOP, system.text + defined), solver, folder)
