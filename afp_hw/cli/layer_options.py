"""Options of commands that run layers of a model: which layers, formats and images."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from afp_hw.cli.options import FILE, Command, format_option
from afp_hw.formats import AFPFormat


@dataclass(frozen=True, slots=True)
class LayerInputs:
    """Formats and images as they were given; None: not given.

    Parameters
    ----------
    weights, acts
        Formats of all tensors.
    formats_file
        A format assignment instead.
    calibration_file
        Images for static grids.
    count
        How many images to run.
    input_file
        Images to run.
    """

    weights: AFPFormat | None = None
    acts: AFPFormat | None = None
    formats_file: Path | None = None
    calibration_file: Path | None = None
    count: int | None = None
    input_file: Path | None = None


_NAMES: Final = tuple(LayerInputs.__dataclass_fields__)

_OPTIONS: Final = (
    format_option("--weights", "AFP format of all weights.  [default: e3m1]"),
    format_option("--acts", "AFP format of all activations; the sign follows.  [default: e3m2]"),
    click.option(
        "--formats", "formats_file", type=FILE, metavar="FILE", help="formats.json instead."
    ),
    click.option(
        "--calibration",
        "calibration_file",
        type=FILE,
        metavar="FILE",
        help="Images for static grids, .npy.  [default: embedded ones, else the input]",
    ),
    click.option(
        "--images",
        "count",
        type=int,
        metavar="N",
        help="Images to run.  [default: 1 embedded one, or all of --input]",
    ),
    click.option(
        "--input", "input_file", type=FILE, metavar="FILE", help="Images: .npy, float [B, C, H, W]."
    ),
)


def layer_input_options(function: Command) -> Command:
    """The options of :class:`LayerInputs`, which the command gets as `inputs`."""

    @functools.wraps(function)
    def with_inputs(**parameters: Any) -> Any:
        given = {name: parameters.pop(name) for name in _NAMES}
        return function(inputs=LayerInputs(**given), **parameters)

    decorated: Command = with_inputs
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated
