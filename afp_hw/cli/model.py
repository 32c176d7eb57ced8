"""The MODEL argument of every subcommand."""

from __future__ import annotations

from pathlib import Path
from typing import Final

EMBEDDED: Final = "embedded"
"""The word that names the model that comes with afp-hw."""


def model_file(model: str | Path) -> Path:
    """File of a model: the embedded one for the word ``embedded``, else `model` itself."""
    if str(model) != EMBEDDED:
        return Path(model)
    from afp_hw.embedded import model_path  # after the options are checked: it loads NumPy

    return model_path()
