"""Which formats ``afp-hw evaluate`` runs: those of a file, or one for all tensors of a kind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from afp_hw.cli.dataset import embedded_calibration
from afp_hw.cli.model import EMBEDDED

if TYPE_CHECKING:
    from collections.abc import Callable

    from afp_hw.cli.progress import Report
    from afp_hw.formats import AFPFormat
    from afp_hw.network import FormatAssignment, Graph
    from afp_hw.network.dataset import Dataset
    from afp_hw.network.lower import InitMax
    from afp_hw.quantize import Rule

_CALIBRATION: Final = 512
"""Test images that calibrate where there are no calibration images."""


@dataclass(frozen=True)
class Choice:
    """What the options of a command ask for.

    Attributes
    ----------
    formats_file
        A file, or None.
    weights, acts
        Formats of all tensors, where there is no file; None: the defaults.
    dynamic
        Grids of activations: of each image, of all of them, or (None) as the file has them.
    rule
        Grids of static tensors, where there is no file: ``absmax`` or ``mse``.
    tuned
        Whether weights and biases are chosen anew for their formats, where there is no file.
    """

    formats_file: Path | None
    weights: AFPFormat | None
    acts: AFPFormat | None
    dynamic: bool | None
    rule: Rule
    tuned: bool


def calibration_or_data(
    model: str,
    path: Path | None,
    data: Dataset,
    graph: Graph,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
) -> Dataset:
    """Images without labels: of ``--calibration``, embedded, or the first of the test images."""
    from afp_hw.network.dataset import read_dataset

    if path is not None:
        return read_dataset("--calibration", path, graph, mean, std)
    if model == EMBEDDED and data.source.startswith(EMBEDDED):
        return embedded_calibration()
    some = data.first(min(_CALIBRATION, len(data.images)))
    return replace(some, source=f"the first {len(some.images)} images of {data.source} itself")


def chosen_formats(
    graph: Graph,
    choice: Choice,
    calibration: Dataset,
    init_max: InitMax,
    bar: Callable[[str], Report],
) -> tuple[FormatAssignment, str]:
    """A format for every tensor, and what its grids come from.

    Raises
    ------
    ValueError
        A file that is not one, or of another network; images that give no grid.
    OSError
        A file cannot be read.
    """
    from afp_hw.network import DEFAULT_ACTS, DEFAULT_WEIGHTS, load_assignment
    from afp_hw.network.grids import with_dynamic_grids, with_static_grids
    from afp_hw.search.uniform import uniform_formats

    images = calibration.images
    if choice.formats_file is not None:
        formats, source = load_assignment(choice.formats_file), choice.formats_file.name
        formats.check(graph)
        if choice.dynamic is False and any(item.dynamic for item in formats.acts.values()):
            formats = with_static_grids(graph, formats, images, bar("calibration"))
            source = calibration.source
        if choice.dynamic:
            formats, source = with_dynamic_grids(formats), "each image"
        return formats, source
    formats = uniform_formats(
        graph,
        images,
        weights=choice.weights or DEFAULT_WEIGHTS,
        acts=choice.acts or DEFAULT_ACTS,
        source=calibration.source,
        init_max=init_max,
        rule=choice.rule,
        tuned=choice.tuned,
        dynamic=bool(choice.dynamic),
        bar=bar,
    )
    return formats, "each image" if choice.dynamic else calibration.source
