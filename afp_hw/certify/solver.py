"""Z3, the SMT solver, as a process with a limit on its effort that no clock decides."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from afp_hw import tools
from afp_hw.errors import ToolError
from afp_hw.files import write_atomic

LIMIT: Final = 30_000_000
"""Default effort for one question, in units of Z3's ``rlimit``: about half a minute."""

_VALUE: Final = re.compile(r"\(\((.*) (true|false|#[bx][0-9a-f]+)\)\)")


@dataclass(frozen=True)
class Answer:
    """What the solver said: ``"unsat"`` (no such run), ``"sat"`` with values, ``"unknown"``."""

    result: Literal["unsat", "sat", "unknown"]
    values: tuple[int, ...] = ()


@dataclass(frozen=True)
class Solver:
    """An installed Z3.

    Parameters
    ----------
    program
        Its binary.
    version
        Of the package.
    limit
        Most effort for one question.
    """

    program: Path
    version: str
    limit: int = LIMIT

    @property
    def engine(self) -> str:
        """Name and version."""
        return f"Z3 {self.version}"

    def ask(self, question: str, folder: Path) -> Answer:
        """Solve an SMT-LIB question, which is left in `folder`.

        Raises
        ------
        ToolError
            Z3 failed.
        """
        file = write_atomic(folder / "question.smt2", question)
        command = [str(self.program), "-smt2", f"rlimit={self.limit}", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        first, _, rest = done.stdout.partition("\n")
        # After "unsat" there are no values, which Z3 calls an error: its status says nothing.
        if first == "unsat":
            return Answer("unsat")
        if first == "unknown":
            return Answer("unknown")
        if first != "sat":
            log = write_atomic(folder / "z3.log", done.stdout + done.stderr)
            raise ToolError(command, done.returncode, log)
        found = [match[2] for match in map(_VALUE.fullmatch, rest.splitlines()) if match]
        return Answer("sat", tuple(_number(text) for text in found))


def _number(text: str) -> int:
    if text in ("true", "false"):
        return int(text == "true")
    return int(text[2:], 2 if text[1] == "b" else 16)


def find_solver(limit: int = LIMIT) -> Solver | None:
    """The Z3 of the package ``z3-solver``; None where it is not installed."""
    found = tools.find("z3-solver")
    if found is None:
        return None
    for file in importlib.metadata.files("z3-solver") or []:
        if file.name in ("z3", "z3.exe"):
            return Solver(Path(str(file.locate())).resolve(), found.version, limit)
    return None
