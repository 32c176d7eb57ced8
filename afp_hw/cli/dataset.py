"""Images and labels for a model: of a file, or the embedded ones."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from afp_hw.cli.model import EMBEDDED

if TYPE_CHECKING:
    from afp_hw.cli.options import Command
    from afp_hw.network import Graph
    from afp_hw.network.dataset import Dataset


class _Numbers(click.ParamType[tuple[float, ...]]):
    """``0.485,0.456,0.406`` to floats."""

    name = "numbers"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        try:
            numbers = tuple(float(part) for part in str(value).split(","))
        except ValueError:
            numbers = (math.nan,)
        if not all(map(math.isfinite, numbers)):
            self.fail(f"must be numbers with commas between them, not {value!r}", param, ctx)
        return numbers


def data_options(function: Command) -> Command:
    """``--mean`` and ``--std``, parameters ``mean`` and ``std``: for images of bytes."""
    numbers: dict[str, Any] = {"type": _Numbers(), "metavar": "R,G,B"}
    mean = click.option("--mean", help="Subtracted from bytes / 255.  [default: 0]", **numbers)
    std = click.option("--std", help="What they are then divided by.  [default: 1]", **numbers)
    return mean(std(function))


def embedded_test_set() -> Dataset:
    """The embedded test images and their labels."""
    import numpy as np

    from afp_hw.embedded import test_set
    from afp_hw.network.dataset import Dataset

    images, labels = test_set()
    return Dataset(images, labels.astype(np.int64), "embedded test images")


def embedded_calibration() -> Dataset:
    """The embedded calibration images."""
    from afp_hw.embedded import calibration_images
    from afp_hw.network.dataset import Dataset

    return Dataset(calibration_images(), None, "embedded calibration images")


def evaluation_data(
    model: str,
    path: Path | None,
    graph: Graph,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
) -> Dataset:
    """Images and labels: of ``--data``, or the embedded ones for the embedded model."""
    from afp_hw.network.dataset import read_dataset

    if path is not None:
        return read_dataset("--data", path, graph, mean, std, labels=True)
    if model != EMBEDDED:
        raise ValueError(f"--data must be given for another model than {EMBEDDED!r}")
    return embedded_test_set()


def calibration_data(
    model: str,
    path: Path | None,
    graph: Graph,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
) -> Dataset:
    """Images: of ``--calibration``, or the embedded ones for the embedded model."""
    from afp_hw.network.dataset import read_dataset

    if path is not None:
        return read_dataset("--calibration", path, graph, mean, std)
    if model != EMBEDDED:
        raise ValueError(f"--calibration must be given for another model than {EMBEDDED!r}")
    return embedded_calibration()
