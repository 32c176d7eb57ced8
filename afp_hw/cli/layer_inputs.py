"""What ``afp-hw simulate`` runs a layer on: a model, its formats, and images."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.embedded import calibration_images, model_path, test_set
from afp_hw.formats import AFPFormat
from afp_hw.network import (
    DEFAULT_ACTS,
    DEFAULT_WEIGHTS,
    FormatAssignment,
    Graph,
    LoweredNetwork,
    calibrate,
    load_assignment,
    load_graph,
    lower,
)

EMBEDDED: Final = "embedded"


def read_images(option: str, path: Path) -> NDArray[np.float32]:
    """Images of a ``.npy`` file, float [B, C, H, W], as float32.

    Raises
    ------
    ValueError
        The file is no ``.npy`` file of floating-point numbers.
    OSError
        It cannot be read.
    """
    try:
        images: Any = np.load(path, allow_pickle=False)
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


def images_for(model: str, input_file: Path | None, count: int | None) -> NDArray[np.float32]:
    """The images to run: of the embedded test set (default: 1), or of a file (default: all).

    Raises
    ------
    ValueError
        Another model than the embedded one without a file, or fewer images than asked for.
    """
    if input_file is not None:
        images = read_images("--input", input_file)
        count = len(images) if count is None else count
    elif model == EMBEDDED:
        images, count = test_set()[0], 1 if count is None else count
    else:
        raise ValueError(f"--input must be given for another model than {EMBEDDED!r}, not left out")
    if not 1 <= count <= len(images):
        raise ValueError(f"--images must be in 1..{len(images)}, not {count}")
    return images[:count]


def lowered_network(
    model: str,
    images: NDArray[np.float32],
    *,
    weights: AFPFormat | None,
    acts: AFPFormat | None,
    formats_file: Path | None,
    calibration_file: Path | None,
) -> LoweredNetwork:
    """The model with a format for every tensor: of a file, or static ones by the paper's rule.

    Parameters
    ----------
    model
        ``"embedded"`` or an ONNX file.
    images
        What is run; they calibrate a model that has no calibration images.
    weights, acts
        Formats of all tensors; default: those of ``afp-hw demo``.
    formats_file
        A format assignment instead.
    calibration_file
        Images that give the largest magnitudes.

    Raises
    ------
    ValueError
        Options that exclude one another, or a file that is not what it should be.
    OSError
        A file cannot be read.
    """
    if formats_file is not None:
        given = {"--weights": weights, "--acts": acts, "--calibration": calibration_file}
        for option, value in given.items():
            if value is not None:
                raise ValueError(f"--formats must stand alone, not beside {option}")
    graph = load_graph(model_path() if model == EMBEDDED else Path(model))
    if formats_file is not None:
        return lower(graph, load_assignment(formats_file))
    return lower(graph, _calibrated(model, graph, images, weights, acts, calibration_file))


def _calibrated(
    model: str,
    graph: Graph,
    images: NDArray[np.float32],
    weights: AFPFormat | None,
    acts: AFPFormat | None,
    file: Path | None,
) -> FormatAssignment:
    if file is not None:
        source, calibration = file.name, read_images("--calibration", file)
    elif model == EMBEDDED:
        source, calibration = "embedded calibration images", calibration_images()
    else:
        source, calibration = "the input itself", images
    return calibrate(
        graph,
        calibration,
        weights=weights or DEFAULT_WEIGHTS,
        acts=acts or DEFAULT_ACTS,
        source=source,
    )
