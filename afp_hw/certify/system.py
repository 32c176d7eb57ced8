"""Verilog as a transition system in SMT-LIB, written by Yosys, and questions about its runs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import afp_hw.synth.yosys_process
from afp_hw.errors import ToolError
from afp_hw.files import write_atomic

# Registers keep no initial value and undriven bits are anything: what holds, holds from any state.
_SCRIPT: Final = """\
read_verilog system.v
hierarchy -check -top {top}
proc
flatten
opt -full
opt_clean -purge
check -assert
dffunmap
setundef -undriven -anyseq
opt_clean
write_smt2 -stbv -wires system.smt2
"""


@dataclass(frozen=True)
class System:
    """States and transitions of one module.

    Parameters
    ----------
    top
        The module.
    text
        What ``write_smt2 -stbv`` gave.
    """

    top: str
    text: str

    def signal(self, name: str, frame: int) -> str:
        """Value of a wire in a state; Boolean where it has one bit."""
        return f"(|{self.top}_n {name}| s{frame})"

    def question(self, frames: int, claims: Iterable[str], seen: Iterable[str] = ()) -> str:
        """Whether there is a run of `frames` states in which all `claims` are true.

        `seen` are terms whose values are asked for where there is one.
        """
        lines = ["(set-option :produce-models true)", "(set-logic QF_BV)", self.text]
        lines += [f"(declare-fun s{frame} () |{self.top}_s|)" for frame in range(frames)]
        lines += [f"(assert (|{self.top}_t| s{at} s{at + 1}))" for at in range(frames - 1)]
        lines += [f"(assert {claim})" for claim in claims]
        lines += ["(check-sat)", *(f"(get-value ({term}))" for term in seen)]
        return "\n".join(lines) + "\n"


def transition_system(verilog: str, top: str, folder: Path) -> System:
    """The system of module `top`; Yosys works in `folder`.

    Raises
    ------
    ToolError
        Yosys refused it; its log is in `folder`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / "system.v", verilog)
    write_atomic(folder / "script.ys", _SCRIPT.format(top=top))
    process = afp_hw.synth.yosys_process.__file__
    command = [sys.executable, "-P", str(process), "script.ys"]
    log = folder / "yosys.log"
    with log.open("wb") as output:
        done = subprocess.run(
            command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, check=False
        )
    written = folder / "system.smt2"
    if done.returncode or not written.exists():
        raise ToolError(["yosys", *command[1:]], done.returncode, log)
    # Comments name files and the version; a question has to be the same text everywhere.
    text = re.sub(r"^; .*\n", "", written.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return System(top, text)
