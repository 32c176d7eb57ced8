"""A certificate as a JSON document: written, read back, compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from afp_hw.design import Design
from afp_hw.formats import parse_number

FORMAT: Final = 1

_KEYS: Final = {
    "certificate": int,
    "name": str,
    "kind": str,
    "verdict": str,
    "command": str,
    "parameters": dict,
    "synthesis": dict,
    "seed": int,
    "limit": int,
    "sha256": dict,
    "versions": dict,
    "checks": list,
}
_FORMATS: Final = ("weights", "acts", "outs")
_OF_VERSIONS: Final = ("versions", "engine")


def command_line(design: Design, options: Mapping[str, object]) -> str:
    """The command that makes a certificate again, into the current folder.

    Only what differs from the defaults of :class:`.Design` is in it; `options` are appended.
    """
    words = ["afp-hw certify pe"]
    plain = Design(design.weights, design.acts)
    for field in fields(Design):
        value = getattr(design, field.name)
        if field.name not in ("weights", "acts") and value == getattr(plain, field.name):
            continue
        if field.name == "init_max" and value == design.max_product:
            continue
        flag = "--" + field.name.replace("_", "-")
        if isinstance(value, bool):
            words.append(flag if value else flag.replace("--", "--no-", 1))
        elif isinstance(value, tuple):
            words += [flag, ",".join(map(str, value)) or "none"]
        else:
            words += [flag, str(value)]
    words += [f"--{name.replace('_', '-')} {value}" for name, value in options.items()]
    return " ".join([*words, "-o ."])


def json_text(document: Mapping[str, Any]) -> str:
    """The document as it is written."""
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_document(path: Path) -> dict[str, Any]:
    """Read a certificate.

    Raises
    ------
    ValueError
        It is none; the sentence says what is wrong.
    OSError
        It cannot be read.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} must be a certificate in JSON, not other text") from error
    if not isinstance(document, dict):
        raise ValueError(f"{path.name} must be a certificate, not {type(document).__name__}")
    for key, kind in _KEYS.items():
        value = document.get(key)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError(
                f"{path.name} must be a certificate with {key!r} of type {kind.__name__}, "
                f"not {value!r}"
            )
    if document["certificate"] != FORMAT or document["kind"] != "pe":
        raise ValueError(
            f"{path.name} must be certificate {FORMAT} of a pe, "
            f"not {document['certificate']} of {document['kind']!r}"
        )
    return document


def design_of(document: Mapping[str, Any], where: str) -> Design:
    """The design that a certificate is about.

    Raises
    ------
    ValueError, TypeError
        Its parameters are unknown or refused, or its name is that of another design.
    """
    parameters = dict(document["parameters"])
    known = {field.name for field in fields(Design)}
    if set(parameters) != known:
        odd = sorted(set(parameters) ^ known)
        raise ValueError(
            f"{where} must have the parameters of a design and no others, see {odd[0]!r}"
        )
    for name in _FORMATS:
        parameters[name] = parse_number(parameters[name])
    design = Design(**parameters)
    if document["name"] != design.pe_name:
        raise ValueError(f"{where} must be about {design.pe_name!r}, not {document['name']!r}")
    return design


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    """Leaves by their path; entries of ``checks`` by their own key."""
    if isinstance(value, dict):
        items = [(str(key), each) for key, each in value.items()]
    elif isinstance(value, list):
        items = [
            (str(each.get("check", index)) if isinstance(each, dict) else str(index), each)
            for index, each in enumerate(value)
        ]
    else:
        return {path: value}
    found: dict[str, Any] = {}
    for key, each in items:
        found |= _flat(each, f"{path}.{key}" if path else key)
    return found


def first_difference(stored: Mapping[str, Any], again: Mapping[str, Any]) -> str:
    """Where two certificates differ, as a sentence; empty where they do not.

    Where the versions are others, engines and the netlist's hash may be as well.
    """
    mine, theirs = _flat(dict(again)), _flat(dict(stored))
    if stored["versions"] != again["versions"]:
        netlist = f"sha256.{stored['name']}.netlist.v"
        for flat in (mine, theirs):
            for key in list(flat):
                if key == netlist or set(_OF_VERSIONS) & set(key.split(".")):
                    del flat[key]
    for key in [*theirs, *(key for key in mine if key not in theirs)]:
        if theirs.get(key) != mine.get(key):
            return f"{key} must be {mine.get(key)!r}, not {theirs.get(key)!r}"
    return ""


def newer_tools(stored: Mapping[str, Any], again: Mapping[str, Any]) -> list[str]:
    """Tools whose versions differ, as ``"pyosys 0.70, now 0.71"``."""
    before, now = stored["versions"], again["versions"]
    return [
        f"{name} {before.get(name)}, now {now.get(name)}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
