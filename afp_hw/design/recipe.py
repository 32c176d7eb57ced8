"""Recipes: a :class:`.Design`, or an :class:`.AcceleratorDesign` around it, written as TOML.

The table ``[design]`` has the parameters of :class:`.Design`, spelt alike; of an accelerator a
second one, ``[accelerator]``, has the others of :class:`.AcceleratorDesign`::

    [design]
    weights = "e3m1"
    acts = "ue3m2"
    rows = 16
    cols = 16
    k = 4608

    [accelerator]
    data_width = 128
    act_bytes = 32768
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from afp_hw.design.accelerator import AcceleratorDesign
from afp_hw.design.design import Design
from afp_hw.formats import parse_number

_FORMATS = ("weights", "acts", "outs")


def _refuse_unknown(where: str, keys: set[str], known: list[str]) -> None:
    for key in sorted(keys - set(known)):
        close = difflib.get_close_matches(key, known, n=1)
        hint = f"; did you mean {close[0]!r}" if close else ""
        raise ValueError(f"{where} must have keys among {', '.join(known)}, not {key!r}{hint}")


def _document(text: str, where: str) -> dict[str, Any]:
    try:
        document: dict[str, Any] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f"{where} must be TOML, not text with the error: {error}") from error
    _refuse_unknown(where, set(document), ["design", "accelerator"])
    return document


def _table(document: dict[str, Any], where: str, name: str, known: list[str]) -> dict[str, Any]:
    table = document.get(name)
    if not isinstance(table, dict):
        raise ValueError(f"{where} must have a table [{name}], not {table!r}")
    _refuse_unknown(f"{where} [{name}]", set(table), known)
    return table


def parse_recipe(text: str, where: str = "recipe") -> Design:
    """Read the array of a recipe from its text; `where` names it in errors.

    Raises
    ------
    ValueError
        No TOML, an unknown or missing key, or a value that :class:`.Design` refuses.
    TypeError
        A value of the wrong kind.
    """
    return _design(_document(text, where), where)


def _design(document: dict[str, Any], where: str) -> Design:
    table = _table(document, where, "design", [field.name for field in fields(Design)])
    for key in ("weights", "acts"):
        if key not in table:
            raise ValueError(
                f"{where} [design] must have the key {key!r}, not only {sorted(table)}"
            )
    values: dict[str, Any] = {
        key: parse_number(value) if key in _FORMATS else value for key, value in table.items()
    }
    return Design(**values)


def parse_accelerator(text: str, where: str = "recipe") -> AcceleratorDesign:
    """Read the accelerator of a recipe from its text; errors as :func:`parse_recipe`."""
    document = _document(text, where)
    known = [field.name for field in fields(AcceleratorDesign) if field.name != "array"]
    return AcceleratorDesign(
        _design(document, where), **_table(document, where, "accelerator", known)
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} must be TOML in UTF-8, not binary") from error


def load_recipe(path: str | Path) -> Design:
    """Read the array of a file (``gen/*.toml``); errors as :func:`parse_recipe`, and OSError."""
    path = Path(path)
    return parse_recipe(_read(path), path.name)


def load_accelerator(path: str | Path) -> AcceleratorDesign:
    """Read the accelerator of a file; errors as :func:`parse_recipe`, and OSError."""
    path = Path(path)
    return parse_accelerator(_read(path), path.name)
