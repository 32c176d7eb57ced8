"""Boolean functions of Liberty cells: read once, evaluated or written as C.

Grammar, from the Liberty user guide ("function" attribute of a pin): inversion (``!A``, ``A'``)
binds first, then ``^``, then and (``&``, ``*`` or juxtaposition), then or (``|``, ``+``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

_TOKEN = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_\[\]]*|[01]|[!'&*|+^()])")
_AND = frozenset("&*")
_OR = frozenset("|+")


@dataclass(frozen=True, slots=True)
class BooleanFunction:
    """One boolean function as a tree.

    Parameters
    ----------
    op
        ``"0"``, ``"1"``, ``"var"``, ``"~"``, ``"&"``, ``"|"`` or ``"^"``.
    arguments
        Operands of the last four.
    name
        Variable of ``"var"``.
    """

    op: str
    arguments: tuple[BooleanFunction, ...] = ()
    name: str = ""

    @property
    def variables(self) -> tuple[str, ...]:
        """Names that occur, sorted."""
        found = {self.name} if self.op == "var" else set()
        return tuple(sorted(found.union(*(child.variables for child in self.arguments))))

    def evaluate(self, values: Mapping[str, int]) -> int:
        """Its value, 0 or 1, where every variable is 0 or 1."""
        if self.op in "01":
            return int(self.op)
        if self.op == "var":
            return values[self.name]
        first, *rest = (child.evaluate(values) for child in self.arguments)
        if not rest:
            return 1 - first
        return {"&": first & rest[0], "|": first | rest[0], "^": first ^ rest[0]}[self.op]

    def render(self, name_of: Callable[[str], str], *, zero: str, one: str) -> str:
        """The function as an expression of C (or Verilog, where the operators are the same).

        Parameters
        ----------
        name_of
            What stands for a variable.
        zero, one
            What stands for the constants.
        """
        if self.op in "01":
            return one if self.op == "1" else zero
        if self.op == "var":
            return name_of(self.name)
        texts = [child.render(name_of, zero=zero, one=one) for child in self.arguments]
        return f"~{texts[0]}" if self.op == "~" else f"({texts[0]} {self.op} {texts[1]})"


class _Parser:
    """Recursive descent over the tokens of one function."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[str] = []
        position, end = 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                raise self._refuse()
            self._tokens.append(match[1])
            position = match.end()
        self._next = 0

    def _refuse(self) -> ValueError:
        return ValueError(f"BooleanFunction must be a Liberty function, not {self._text!r}")

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._next += 1
        return token

    def parse(self) -> BooleanFunction:
        tree = self._either()
        if self._peek():
            raise self._refuse()
        return tree

    def _either(self) -> BooleanFunction:
        tree = self._both()
        while self._peek() in _OR and self._peek():
            self._take()
            tree = BooleanFunction("|", (tree, self._both()))
        return tree

    def _both(self) -> BooleanFunction:
        tree = self._differ()
        while (token := self._peek()) and token not in _OR and token != ")":
            if token in _AND:
                self._take()
            tree = BooleanFunction("&", (tree, self._differ()))
        return tree

    def _differ(self) -> BooleanFunction:
        tree = self._inverted()
        while self._peek() == "^":
            self._take()
            tree = BooleanFunction("^", (tree, self._inverted()))
        return tree

    def _inverted(self) -> BooleanFunction:
        if self._peek() == "!":
            self._take()
            return BooleanFunction("~", (self._inverted(),))
        token = self._take()
        if token == "(":
            tree = self._either()
            if self._take() != ")":
                raise self._refuse()
        elif token in ("0", "1"):
            tree = BooleanFunction(token)
        elif token and (token[0].isalpha() or token[0] == "_"):
            tree = BooleanFunction("var", name=token)
        else:
            raise self._refuse()
        while self._peek() == "'":
            self._take()
            tree = BooleanFunction("~", (tree,))
        return tree


@cache
def parse_function(text: str) -> BooleanFunction:
    """Read a Liberty function such as ``"(A&!B) | C'"``.

    Raises
    ------
    ValueError
        `text` is no such function.
    """
    return _Parser(text).parse()
