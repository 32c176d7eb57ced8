"""Kinds of documents: how each is recognised, and the function that makes its page."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from afp_hw.explore.store_file import is_sqlite
from afp_hw.report.html.page import Page

Document = Mapping[str, Any]
PageMaker = Callable[[Document], Page]

PAGES: Final[dict[str, str]] = {
    "afp-hw.space": "space_page",
    "afp-hw.pe": "pe_page",
    "afp-hw.run": "run_page",
    "afp-hw.energy": "energy_page",
    "afp-hw.compare": "compare_page",
    "afp-hw.accuracy": "accuracy_page",
    "afp-hw.formats": "formats_page",
    "afp-hw.rivals": "rivals_page",
}
"""By kind, the module of this folder that has a function of the module's name.

By name, so that one page does not load what another one needs.
"""

FIELDS: Final = {
    "afp-hw.run": frozenset({"engine", "layers", "total"}),
    "afp-hw.energy": frozenset({"schemes", "layers", "memory"}),
    "afp-hw.compare": frozenset({"conditions", "rows"}),
    "afp-hw.accuracy": frozenset({"average_bits", "agreement"}),
    "afp-hw.formats": frozenset({"schema", "weights", "acts"}),
    "afp-hw.rivals": frozenset({"float32_accuracy", "rows", "standing"}),
}
"""By kind, fields that a document without a field ``kind`` is recognised by."""


def read_run(path: Path) -> dict[str, Any]:
    """The document of a file: a store, or JSON of a kind that :func:`kind_of` knows.

    Raises
    ------
    ValueError
        It is neither.
    OSError
        It cannot be read.
    """
    if is_sqlite(path):
        from afp_hw.explore.document import document_of

        found = document_of(path)
    else:
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(
                f"{path.name} must be a store or a JSON document, not {error}"
            ) from error
    kind_of(found, path.name)
    return found


def kind_of(document: Any, name: str) -> str:
    """The kind of a document: its own word, else what its fields say.

    Parameters
    ----------
    document
        As read from JSON.
    name
        Of its file, for the sentence.

    Raises
    ------
    ValueError
        No page is made of it.
    """
    if not isinstance(document, dict):
        raise ValueError(f"{name} must be a JSON object, not {type(document).__name__}")
    if "kind" in document:
        if document["kind"] not in PAGES:
            raise ValueError(
                f"{name}.kind must be one of {', '.join(PAGES)}, not {document['kind']!r}"
            )
        return str(document["kind"])
    for kind, fields in FIELDS.items():
        if fields <= document.keys():
            return kind
    raise ValueError(
        f"{name} must be a document of explore, run, energy, evaluate, search, compare or rivals, "
        f"not one with {', '.join(sorted(document)[:6]) or 'nothing'}"
    )


def page_of(document: Document, name: str) -> Page:
    """The page of a document.

    Raises
    ------
    ValueError
        No page is made of it, or it lacks what its kind has.
    """
    kind = kind_of(document, name)
    module = importlib.import_module(f"afp_hw.report.html.{PAGES[kind]}")
    make: PageMaker = getattr(module, PAGES[kind])
    try:
        return make(document)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"{name} must be a whole {kind} document: {error!r}") from error
