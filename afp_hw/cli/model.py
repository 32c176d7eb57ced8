"""The MODEL argument of every subcommand, and the images that go into a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EMBEDDED: Final = "embedded"
"""The word that names the model that comes with afp-hw."""


def model_file(model: str | Path) -> Path:
    """File of a model: the embedded one for the word ``embedded``, else `model` itself."""
    if str(model) != EMBEDDED:
        return Path(model)
    from afp_hw.embedded import model_path  # after the options are checked: it loads NumPy

    return model_path()


def read_images(option: str, path: Path) -> NDArray[np.float32]:
    """Images of a ``.npy`` file, float [B, C, H, W], as float32; `option` names it in errors.

    Raises
    ------
    ValueError
        The file is no ``.npy`` file of floating-point numbers.
    OSError
        It cannot be read.
    """
    import numpy as np

    try:
        with path.open("rb") as file:
            images: Any = np.load(file, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{option} must be a .npy file, not {path.name!r}") from error
    if not isinstance(images, np.ndarray):
        raise ValueError(f"{option} must be a .npy file, not an archive like {path.name!r}")
    if images.dtype.kind != "f":
        raise ValueError(
            f"{option} must have floating-point numbers, prepared as the model takes them, not "
            f"{images.dtype} as {path.name!r} has"
        )
    return images.astype(np.float32)
