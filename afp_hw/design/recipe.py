"""Design recipes: a :class:`.Design` written as TOML.

One table, ``[design]``, whose keys are the parameters of :class:`.Design`, spelt alike::

    [design]
    weights = "e3m1"
    acts = "ue3m2"
    rows = 16
    cols = 16
    k = 4608
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from afp_hw.design.design import Design
from afp_hw.formats import parse_number

_FORMATS = ("weights", "acts", "outs")


def _refuse_unknown(where: str, keys: set[str], known: list[str]) -> None:
    for key in sorted(keys - set(known)):
        close = difflib.get_close_matches(key, known, n=1)
        hint = f"; did you mean {close[0]!r}" if close else ""
        raise ValueError(f"{where} must have keys among {', '.join(known)}, not {key!r}{hint}")


def parse_recipe(text: str, where: str = "recipe") -> Design:
    """Read a recipe from its text; `where` names it in errors.

    Raises
    ------
    ValueError
        No TOML, an unknown or missing key, or a value that :class:`.Design` refuses.
    TypeError
        A value of the wrong kind.
    """
    try:
        document: dict[str, Any] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f"{where} must be TOML, not text with the error: {error}") from error
    _refuse_unknown(where, set(document), ["design"])
    table = document.get("design")
    if not isinstance(table, dict):
        raise ValueError(f"{where} must have a table [design], not {table!r}")
    _refuse_unknown(f"{where} [design]", set(table), [field.name for field in fields(Design)])
    for key in ("weights", "acts"):
        if key not in table:
            raise ValueError(
                f"{where} [design] must have the key {key!r}, not only {sorted(table)}"
            )
    values: dict[str, Any] = {
        key: parse_number(value) if key in _FORMATS else value for key, value in table.items()
    }
    return Design(**values)


def load_recipe(path: str | Path) -> Design:
    """Read a recipe file (``gen/*.toml``); errors as :func:`parse_recipe`, and OSError."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} must be TOML in UTF-8, not binary") from error
    return parse_recipe(text, path.name)
