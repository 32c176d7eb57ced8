"""k-induction: a property holds in the first states after a reset, and each such run keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from afp_hw.certify.check import State
from afp_hw.certify.solver import Solver
from afp_hw.certify.system import System

_INPUTS: Final = ("rst", "i_valid", "i_first", "i_last", "i_act", "i_wgt")
_TAGS: Final = ("i_valid", "i_first", "i_last")
_DEEPER: Final = 6


@dataclass(frozen=True)
class Outcome:
    """How far a proof came: state, sentence, and the depth of the induction or of the search."""

    state: State
    reason: str
    depth: int


def _all(terms: Sequence[str]) -> str:
    return f"(and true {' '.join(terms)})"


@dataclass(frozen=True)
class Prover:
    """Proofs about one system; `folder` is where the solver works.

    A run begins with one cycle of reset. `assumed` is a wire that is true in every state of the
    runs that are spoken of; empty for all runs.
    """

    system: System
    solver: Solver
    folder: Path
    assumed: str = ""

    def _assume(self, frames: Sequence[int]) -> list[str]:
        return [self.system.signal(self.assumed, at) for at in frames] if self.assumed else []

    def _violation(self, prop: str, depth: int) -> tuple[str, str]:
        """Search the first `depth` states after a reset: the solver's word, and a run if found."""
        frames = range(depth + 1)
        claims = [self.system.signal("rst", 0), *self._assume(frames[1:])]
        holds = [self.system.signal(prop, at) for at in frames[1:]]
        seen = [self.system.signal(name, at) for at in frames for name in _INPUTS]
        question = self.system.question(depth + 1, [*claims, f"(not {_all(holds)})"], seen)
        answer = self.solver.ask(question, self.folder)
        return answer.result, _run_sentence(answer.values, prop)

    def _kinds(self) -> list[list[str]]:
        """Kinds of step in state 1, which is the one that reaches the sum at the end.

        With its tags known, gated registers are no longer a choice, and equal terms fall together.
        """
        valid, first, last = (self.system.signal(name, 1) for name in _TAGS)
        return [
            [f"(not {valid})"],
            [valid, first],
            [valid, f"(not {first})", last],
            [valid, f"(not {first})", f"(not {last})"],
        ]

    def _step(self, prop: str, depth: int, by_kind: bool) -> str:
        """Whether some run of `depth` transitions loses `prop` in the last; the solver's word."""
        claims = [
            *self._assume([depth - 1, depth]),
            self.system.signal(prop, depth - 1),
            f"(not {self.system.signal(prop, depth)})",
        ]
        for kind in self._kinds() if by_kind else [[]]:
            question = self.system.question(depth + 1, [*claims, *kind])
            answer = self.solver.ask(question, self.folder)
            if answer.result != "unsat":
                return answer.result
        return "unsat"

    def induction(self, prop: str, depth: int, *, by_kind: bool = False) -> Outcome:
        """Prove `prop` in all states after a reset, from `depth` transitions of history.

        The base: the first `depth` states. The step: any `depth` transitions, whatever they began
        with, keep it if it held before the last; `by_kind` asks that in cases, which is faster for
        sums. Where the step is refused, the search goes deeper.
        """
        result, run = self._violation(prop, depth)
        if result == "sat":
            return Outcome("fails", run, depth)
        if result == "unknown":
            return Outcome("open", "the solver's limit was reached", depth)
        step = self._step(prop, depth, by_kind)
        if step == "unknown":
            return _bounded("the solver's limit was reached in the step", depth)
        if step == "unsat":
            return Outcome("holds", "", depth)
        deeper, run = self._violation(prop, depth + _DEEPER)
        if deeper == "sat":
            return Outcome("fails", run, depth + _DEEPER)
        return _bounded("it is not inductive", depth + (_DEEPER if deeper == "unsat" else 0))

    def consequence(self, prop: str, given: Sequence[str]) -> Outcome:
        """Prove that in any one state `prop` follows from properties that hold."""
        claims = [*self._assume([0]), *(self.system.signal(name, 0) for name in given)]
        claims.append(f"(not {self.system.signal(prop, 0)})")
        answer = self.solver.ask(self.system.question(1, claims), self.folder)
        if answer.result == "unsat":
            return Outcome("holds", "", 0)
        if answer.result == "unknown":
            return Outcome("open", "the solver's limit was reached", 0)
        return Outcome("fails", f"{prop!r} does not follow from {', '.join(given)}", 0)


def _bounded(why: str, depth: int) -> Outcome:
    return Outcome("bounded", f"{why}; bounded model checking to depth {depth}", depth)


def _run_sentence(values: Sequence[int], prop: str) -> str:
    """A run that violates `prop`, cycle by cycle, inputs that are 0 left out."""
    width = len(_INPUTS)
    cycles = []
    for at in range(len(values) // width):
        inputs = zip(_INPUTS, values[at * width : (at + 1) * width], strict=True)
        given = " ".join(f"{name}={value}" for name, value in inputs if value)
        cycles.append(f"cycle {at}: {given or 'idle'}")
    return f"{prop!r} is violated by {'; '.join(cycles)}" if cycles else ""
