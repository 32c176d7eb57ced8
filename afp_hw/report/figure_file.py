"""A figure is a JSON document; PNG and SVG are drawn from it, the same bytes each time."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from afp_hw.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Document = Mapping[str, Any]
Draw = Callable[[Document], "Figure"]

SCHEMA: Final = 1
"""Version of the documents."""


def document(figure: str, **data: Any) -> dict[str, Any]:
    """A document of the kind `figure`."""
    return {"figure": figure, "schema": SCHEMA, **data}


def read_document(path: Path, kinds: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Read a document and check that it has what its kind needs.

    Parameters
    ----------
    path
        A JSON file.
    kinds
        By kind, the fields that it must have.

    Raises
    ------
    ValueError
        No JSON, another kind, another schema or a missing field.
    OSError
        It cannot be read.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path.name} must be a JSON document, not {error}") from error
    if not isinstance(found, dict) or found.get("figure") not in kinds:
        kind = found.get("figure") if isinstance(found, dict) else type(found).__name__
        raise ValueError(f"{path.name}.figure must be one of {', '.join(kinds)}, not {kind!r}")
    if found.get("schema") != SCHEMA:
        raise ValueError(f"{path.name}.schema must be {SCHEMA}, not {found.get('schema')!r}")
    for field in kinds[found["figure"]]:
        if field not in found:
            raise ValueError(f"{path.name} must have {field!r}, not {sorted(found)} alone")
    return found


def write_figure(found: Document, draw: Draw, directory: Path, name: str) -> list[Path]:
    """Write ``NAME.json``, ``NAME.png`` and ``NAME.svg``; the pictures from what JSON keeps.

    Raises
    ------
    ValueError
        The document has what cannot be drawn: a field of another kind.
    """
    text = json.dumps(found, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    try:
        pictures = render(json.loads(text), draw)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"{name} must be a whole {found['figure']} figure: {error!r}") from error
    written = [write_atomic(directory / f"{name}.json", text)]
    written += [
        write_atomic(directory / f"{name}.{suffix}", data) for suffix, data in pictures.items()
    ]
    return written


def render(found: Document, draw: Draw) -> dict[str, bytes]:
    """PNG and SVG of a document, by suffix."""
    import matplotlib as mpl

    from afp_hw.report.style import RC

    with mpl.rc_context(RC):  # type: ignore[arg-type]
        figure = draw(found)
        pictures = {}
        for suffix, options in (
            ("png", {"dpi": 200, "metadata": {"Software": None}}),
            ("svg", {"metadata": {"Date": None, "Creator": None}}),
        ):
            stream = io.BytesIO()
            figure.savefig(stream, format=suffix, **options)
            pictures[suffix] = stream.getvalue()
    return pictures
