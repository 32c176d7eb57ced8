"""The syntax of Liberty files: groups, and the attributes in them, as text.

Own code, because the one reader that the Python index has is under the GPL; this one also takes
half the time. What the attributes mean is for :mod:`afp_hw.synth.liberty`.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_NO_CODE: Final = re.compile(r'("[^"]*")|/\*.*?\*/|//[^\n]*', re.DOTALL)
_BLANKS: Final = str.maketrans('",\\', "   ")
_STATEMENT: Final = re.compile(
    r"""[\s;]*(?:
      (?P<close>\})
    | (?P<name>\w+)\s*(?:
        :\s*(?:"(?P<quoted>[^"]*)"|(?P<plain>[^;\n{}"]*))[ \t]*;?
      | \((?P<args>[^()"]*(?:"[^"]*"[^()"]*)*)\)\s*(?P<open>\{)?
      )
    )""",
    re.VERBOSE,
)


@dataclass(slots=True)
class Group:
    """``kind (name, …) { … }``: its simple and its complex attributes as text, and its groups."""

    kind: str
    args: tuple[str, ...]
    attributes: dict[str, str] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The first argument, or nothing."""
        return self.args[0] if self.args else ""

    def all(self, kind: str) -> Iterator[Group]:
        """The groups of that kind directly inside."""
        return (group for group in self.groups if group.kind == kind)

    def first(self, kind: str) -> Group | None:
        """The first of them."""
        return next(self.all(kind), None)


def _arguments(text: str) -> tuple[str, ...]:
    return tuple(text.translate(_BLANKS).split())


def parse_groups(text: str, where: str) -> Group:
    """Parse a Liberty file's text into its ``library`` group.

    The arguments of a complex attribute are kept as one text, with quotation marks and commas
    turned into spaces.

    Raises
    ------
    ValueError
        Not Liberty, or the file ends inside a group; names `where`.
    """
    text = _NO_CODE.sub(lambda match: match[1] or "\n" * match[0].count("\n"), text)
    text = text.replace("\\\n", "\n")
    stack: list[Group] = []
    position, match = 0, _STATEMENT.match(text)
    while match is not None:
        if match["close"]:
            if not stack:
                break
            group = stack.pop()
            if not stack:
                return group
            stack[-1].groups.append(group)
        elif match["open"]:
            stack.append(Group(match["name"], _arguments(match["args"])))
            if stack[0].kind != "library":
                break
        elif not stack:
            break
        elif match["args"] is None:
            value = match["quoted"] if match["quoted"] is not None else match["plain"].strip()
            stack[-1].attributes[match["name"]] = value
        else:
            stack[-1].attributes[match["name"]] = match["args"].translate(_BLANKS)
        position = match.end()
        match = _STATEMENT.match(text, position)
    if not stack or stack[0].kind != "library":
        raise ValueError(
            f"{where} must be a Liberty file, not one that begins {text[:40].strip()!r}"
        )
    line = text.count("\n", 0, position) + 1
    inside = next((f", inside cell {g.name!r}" for g in stack if g.kind == "cell"), "")
    raise ValueError(
        f"{where} must be a whole Liberty file, not one that breaks off in line {line}{inside}"
    )


def read_groups(path: Path) -> Group:
    """Read a Liberty file, plain or compressed by gzip, into its ``library`` group.

    Raises
    ------
    OSError
        It cannot be read.
    ValueError
        It is no Liberty file, or not a whole one.
    """
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(
                f"{path.name} must be a whole gzip file, not a damaged one ({error})"
            ) from error
    return parse_groups(data.decode("utf-8", errors="replace"), path.name)
