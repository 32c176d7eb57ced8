"""What ``afp-hw simulate`` runs a layer on: a model, its formats, and images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afp_hw.cli.layer_options import LayerInputs
from afp_hw.cli.model import EMBEDDED, model_file, read_images
from afp_hw.design import Design
from afp_hw.embedded import calibration_images, test_set
from afp_hw.network import (
    DEFAULT_ACTS,
    DEFAULT_WEIGHTS,
    LoweredNetwork,
    calibrate,
    load_assignment,
    load_graph,
    lower,
)
from afp_hw.program.fit import room_in


def images_for(model: str, inputs: LayerInputs) -> NDArray[np.float32]:
    """The images to run: of the embedded test set (default: 1), or of a file (default: all).

    Raises
    ------
    ValueError
        Another model than the embedded one without a file, or fewer images than asked for.
    """
    input_file, count = inputs.input_file, inputs.count
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
    design: Design,
    inputs: LayerInputs,
) -> LoweredNetwork:
    """The model with a format for every tensor: of a file, or static ones by the paper's rule.

    Parameters
    ----------
    model
        ``"embedded"`` or an ONNX file.
    images
        What is run; they calibrate a model that has no calibration images.
    design
        What it will run on: its ``init_max`` decides which additions of skip tensors are fused.
    inputs
        Formats, default those of ``afp-hw demo``, and calibration images.

    Raises
    ------
    ValueError
        Options that exclude one another, or a file that is not what it should be.
    OSError
        A file cannot be read.
    """
    formats_file, weights, acts = inputs.formats_file, inputs.weights, inputs.acts
    if formats_file is not None:
        given = {"--weights": weights, "--acts": acts, "--calibration": inputs.calibration_file}
        for option, value in given.items():
            if value is not None:
                raise ValueError(f"--formats must stand alone, not beside {option}")
    graph = load_graph(model_file(model))
    if formats_file is not None:
        formats = load_assignment(formats_file)
    else:
        source, calibration = calibration_for(model, images, inputs.calibration_file)
        formats = calibrate(
            graph,
            calibration,
            weights=weights or DEFAULT_WEIGHTS,
            acts=acts or DEFAULT_ACTS,
            source=source,
        )
    return lower(graph, formats, room_in(design))


def calibration_for(
    model: str, images: NDArray[np.float32], file: Path | None
) -> tuple[str, NDArray[np.float32]]:
    """What to call the calibration images, and these."""
    if file is not None:
        return file.name, read_images("--calibration", file)
    if model == EMBEDDED:
        return "embedded calibration images", calibration_images()
    return "the input itself", images
