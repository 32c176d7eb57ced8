"""Images and labels of a ``.npz`` file, as the network takes them."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.network.float_evaluation import check_images
from afp_hw.network.graph import Graph


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images float32 [B, *input shape], labels int64 [B] or None, and what to call them."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64] | None
    source: str

    def first(self, count: int | None) -> Dataset:
        """The first `count` images (None: all).

        Raises
        ------
        ValueError
            There are not as many.
        """
        if count is None:
            return self
        if not 1 <= count <= len(self.images):
            raise ValueError(f"--images must be in 1..{len(self.images)}, not {count}")
        labels = None if self.labels is None else self.labels[:count]
        return Dataset(self.images[:count], labels, self.source)


def read_dataset(
    option: str,
    path: Path,
    graph: Graph,
    mean: tuple[float, ...] | None = None,
    std: tuple[float, ...] | None = None,
    *,
    labels: bool = False,
) -> Dataset:
    """Read ``images``, and ``labels`` where asked for; `option` names the file in errors.

    Parameters
    ----------
    option, path
        Option and file: an ``.npz`` archive.
    graph
        The network that takes the images.
    mean, std
        One number per channel, or one for all. For images uint8 NHWC only, which become
        ``(bytes / 255 - mean) / std`` in NCHW, in float32.
    labels
        Whether labels are needed.

    Raises
    ------
    ValueError
        No such archive; images of another shape or kind, not finite, or none; labels that are
        missing, of another number, no integers or not classes of the network.
    OSError
        It cannot be read.
    """
    arrays = _arrays(option, path)
    if "images" not in arrays:
        raise ValueError(f"{option} must have an array 'images', not {path.name!r} without one")
    images = arrays["images"]
    if images.dtype == np.uint8:
        images = _scaled(images, mean, std)
    elif images.dtype.kind != "f":
        raise ValueError(f"{option}.images must be float or uint8 (NHWC), not {images.dtype}")
    elif mean is not None or std is not None:
        raise ValueError(f"--mean and --std must come with images of bytes, not of {images.dtype}")
    images = np.ascontiguousarray(images, np.float32)
    check_images(graph, images, f"{option}.images")
    found = _labels(option, arrays, len(images), graph) if labels else None
    return Dataset(images, found, path.name)


def _arrays(option: str, path: Path) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as file:
            loaded: Any = np.load(file, allow_pickle=False)
            if not isinstance(loaded, np.ndarray):
                return {name: loaded[name] for name in loaded.files}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{option} must be a NumPy archive, not {path.name!r}") from error
    raise ValueError(f"{option} must be an archive (.npz) with 'images', not one array")


def _scaled(
    images: NDArray[np.uint8], mean: tuple[float, ...] | None, std: tuple[float, ...] | None
) -> NDArray[np.float32]:
    if images.ndim != 4:
        raise ValueError(f"images of bytes must be [B, H, W, C], not {list(images.shape)}")
    channels = images.shape[3]
    for option, numbers in (("--mean", mean), ("--std", std)):
        if numbers is not None and len(numbers) not in (1, channels):
            raise ValueError(f"{option} must have {channels} numbers or one, not {len(numbers)}")
    if std is not None and 0 in std:
        raise ValueError("--std must not be 0")
    scaled = images.astype(np.float32) / np.float32(255)
    scaled -= np.asarray((0.0,) if mean is None else mean, np.float32)
    scaled /= np.asarray((1.0,) if std is None else std, np.float32)
    return scaled.transpose(0, 3, 1, 2)


def _labels(
    option: str, arrays: dict[str, NDArray[Any]], count: int, graph: Graph
) -> NDArray[np.int64]:
    if "labels" not in arrays:
        raise ValueError(f"{option} must have an array 'labels', not {sorted(arrays)} alone")
    labels = arrays["labels"]
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{option}.labels must be {count} integers, not {labels.dtype} of shape "
            f"{list(labels.shape)}"
        )
    classes = graph.shapes[graph.outputs[0]][0]
    outside = labels[(labels < 0) | (labels >= classes)]
    if outside.size:
        raise ValueError(
            f"{option}.labels must be in 0..{classes - 1}, not {int(outside[0])} and "
            f"{outside.size - 1} more"
        )
    return labels.astype(np.int64)
