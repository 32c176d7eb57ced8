"""What stands on an AXI bus must do, for a prover; written from the rules, not from the hardware.

``rules/NAME.v`` has a module ``formal`` that holds the hardware and beside it what has passed on
its ports: bursts asked for, in a queue of their lengths, beats, responses, cycles. Its outputs
``assumed`` and ``answers`` are of the world around: that a memory speaks only when it is asked and
given data stay, and that all of them wait for at most 3 cycles. Each other output is a property,
which must be 1 in every state, with a reset at any time.

DMAs are those for bursts of at most 4 beats of 64 bits, 2 of them on their way, addresses and
numbers of beats as wide as they are. ``linked`` relates what has passed to the hardware's
registers; with it all properties together are inductive.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from afp_hw import AFPFormat
from afp_hw.certify.solver import Solver
from afp_hw.certify.system import System, transition_system
from afp_hw.design import Design
from afp_hw.design.accelerator import AcceleratorDesign
from afp_hw.hdl import ReadDma, Registers, WriteDma
from afp_hw.verilog import Library

_ARRAY: Final = Design(AFPFormat(3, 1), AFPFormat(3, 2))
DESIGN: Final = replace(AcceleratorDesign(_ARRAY, data_width=64), burst=4, outstanding=2)
TOP: Final = "formal"
_FOLDER: Final = Path(__file__).parent / "rules"

COMPONENTS: Final = {"read_dma": ReadDma, "write_dma": WriteDma, "registers": Registers}

_TOLD: Final = ("ready_when_idle", "done_when_over", "error_kept", "alive", "adds_up")
_ADDRESSES: Final = ("address_stays", "shape", "order", "limit", "takes_data")
_DATA: Final = ("data_stays", "data_behind_address", "last_at_end")

SAFE: Final = {
    "read_dma": (*_ADDRESSES, *_TOLD),
    "write_dma": (*_ADDRESSES, *_DATA, *_TOLD),
    "registers": (
        "answer_stays",
        "data_stay",
        "answered_once",
        "data_once",
        "takes",
        "prompt",
        "start_when_idle",
    ),
}
"""Properties that hold however long anybody takes to answer."""

TIMED: Final = ("waits", "replied", "counted", "in_time")
"""Of a DMA, where answers come in time; ``finishes`` follows from them and the others."""

_LINKED: Final = """(and
  (= {run} (not {dut.o_ready}))
  (= {to_ask} {dut.bursts.left})
  (or (= {to_ask} (_ bv0 20))
    (= ((_ extract 63 3) {next_address}) (concat {dut.bursts.block} {dut.bursts.offset})))
  (=> {run} (and (= {to_pass} {dut.bursts.due}) (= {place} {dut.bursts.place})))
"""
LINKED: Final = {
    "read_dma": _LINKED + "(= {queued} {dut.flying}))",
    "write_dma": _LINKED
    + "(= {queued} {dut.owed}) (= (bvadd {queued} {unanswered}) {dut.flying}))",
    "registers": "true",
}
"""What has passed, and the hardware's registers: how they belong together, in SMT-LIB."""


def verilog(bench: str) -> str:
    """The hardware, and all that it consists of."""
    library = Library()
    return library.verilog(COMPONENTS[bench](DESIGN, library.place), bench)


@dataclass(frozen=True)
class Rules:
    """Questions about the rules of a piece of hardware; each gives the solver's word.

    Parameters
    ----------
    bench
        Which.
    system
        Of the module ``formal``.
    solver, folder
        Who is asked, and where.
    """

    bench: str
    system: System
    solver: Solver
    folder: Path

    def _all(self, names: Sequence[str], frames: Sequence[int]) -> list[str]:
        return [self.system.signal(name, frame) for frame in frames for name in names]

    def _assumed(self, prop: str, frames: Sequence[int]) -> list[str]:
        timed = prop in (*TIMED, "finishes")
        return self._all(("assumed", "answers") if timed else ("assumed",), frames)

    def _ask(self, states: int, claims: Sequence[str]) -> str:
        return self.solver.ask(self.system.question(states, claims), self.folder).result

    def broken(self, prop: str, depth: int) -> str:
        """Whether a run that begins with a reset breaks `prop` in its first `depth` states."""
        frames = range(1, depth + 1)
        holds = " ".join(self._all([prop], frames))
        reset = self.system.signal("rst", 0)
        return self._ask(depth + 1, [reset, *self._assumed(prop, frames), f"(not (and {holds}))"])

    def reached(self, goal: Sequence[str], depth: int) -> str:
        """Whether a run, answered in time, comes to a state in which all of `goal` are true.

        Terms of state number `depth`, with names in braces.
        """
        terms = [_terms(term, f"s{depth}") for term in goal]
        assumed = self._assumed("finishes", range(1, depth + 1))
        return self._ask(depth + 1, [self.system.signal("rst", 0), *assumed, *terms])

    def _given(self, prop: str) -> list[str]:
        timed = TIMED if prop in (*TIMED, "finishes") else ()
        return self._all([*SAFE[self.bench], "linked", *timed], [0])

    def lost(self, prop: str) -> str:
        """Whether, from any state in which all properties hold, one step leads to one without."""
        claims = [*self._assumed(prop, (0, 1)), *self._given(prop)]
        return self._ask(2, [*claims, f"(not {self.system.signal(prop, 1)})"])

    def missing(self, prop: str) -> str:
        """Whether there is a state in which all others hold and `prop` does not."""
        claims = [*self._assumed(prop, (0,)), *self._given(prop)]
        return self._ask(1, [*claims, f"(not {self.system.signal(prop, 0)})"])


def _terms(text: str, state: str) -> str:
    return re.sub(r"\{([\w.]+)\}", rf"(|{TOP}_n \1| {state})", text)


def rules(bench: str, hardware: str, solver: Solver, folder: Path, *, link: bool = True) -> Rules:
    """The rules around the Verilog `hardware`; ``linked`` is a signal where it is asked for.

    Hardware with a mistake may lack registers that it names.
    """
    text = (_FOLDER / f"{bench}.v").read_text()
    text = text.replace('`include "dma.vh"', (_FOLDER / "dma.vh").read_text())
    system = transition_system(hardware + text, TOP, folder)
    linked = _terms(LINKED[bench] if link else "true", "state")
    defined = f"(define-fun |{TOP}_n linked| ((state |{TOP}_s|)) Bool {linked})\n"
    return Rules(bench, System(TOP, system.text + defined), solver, folder)
