"""Networks, images and cells that jobs work on: by content in keys, by path where they are loaded.

Workers on other machines read the same paths, as on a site with shared home folders; a file that is
another one there is refused.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from afp_hw.explore.axes import TECHNOLOGY
from afp_hw.explore.configuration import Sums
from afp_hw.explore.space import Network

if TYPE_CHECKING:
    from afp_hw.energy.memory import MemoryTable
    from afp_hw.network import Graph
    from afp_hw.network.dataset import Dataset
    from afp_hw.synth import Technology

_EMBEDDED_FILES: Final = {
    "model": "fashion_resnet.onnx",
    "data": "fashion_test_1000.npz",
    "calibration": "fashion_calibration_256.npz",
}
"""By role, of the package."""


@lru_cache(maxsize=64)
def _digest(path: str, _size: int, _changed: int) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file, kept while its size and time of change stay.

    Raises
    ------
    OSError
        It cannot be read.
    """
    known = path.stat()
    return _digest(str(path), known.st_size, known.st_mtime_ns)


def network_paths(network: Network) -> dict[str, str]:
    """Files of a network: ``model data calibration``."""
    given = {role: getattr(network, role) for role in _EMBEDDED_FILES}
    embedded = {role: _of_package(name) for role, name in _EMBEDDED_FILES.items()}
    return {role: str(path or embedded[role]) for role, path in given.items()}


def network_content(network: Network, images: int | None) -> dict[str, Any]:
    """What results of a network depend on, for keys.

    Raises
    ------
    OSError
        A file cannot be read.
    """
    digests = {role: file_digest(Path(path)) for role, path in network_paths(network).items()}
    scale = {"mean": network.mean, "std": network.std}
    embedded = network.model is None
    return {**digests, **scale, "embedded": embedded, "images": images}


def technology_content(name: str) -> str:
    """Digest of a technology's figures."""
    if name != TECHNOLOGY:
        return file_digest(Path(name))
    return file_digest(Path(str(files("afp_hw.synth") / "sky130.json")))


def memory_content(path: Path | None) -> str:
    """Digest of a table of energies per access."""
    return file_digest(path or Path(str(files("afp_hw.energy") / "memories.toml")))


def _of_package(name: str) -> Path:
    return Path(str(files("afp_hw.embedded") / name))


@dataclass(frozen=True, eq=False)
class Loaded:
    """A network with its images.

    Attributes
    ----------
    graph
        The network.
    data
        Test images with labels.
    calibration
        Images without.
    """

    graph: Graph
    data: Dataset
    calibration: Dataset

    @property
    def sums(self) -> Sums:
        """The longest sums."""
        graph = self.graph
        products = max((layer.reduction for layer in graph.layers()), default=1)
        windows = [
            node.attributes.get("kernel") or graph.shapes[node.inputs[0]][1:]
            for node in graph.nodes
            if node.op in ("AveragePool", "GlobalAveragePool")
        ]
        return Sums(products, max(map(_averaged, windows), default=0))


def _averaged(window: Sequence[int]) -> int:
    """Sum of the factors of an average over a window, each in the digits that are added up."""
    from afp_hw.golden import average_factor
    from afp_hw.program.digits import signed_digits

    count = math.prod(window)
    digits = signed_digits(average_factor(count))
    return count * sum(1 << (exponent - digits[0][0]) for exponent, _ in digits)


def _checked(path: Path, digest: str) -> Path:
    found = file_digest(path)
    if found != digest:  # no fault of the point: nothing is kept under its key
        raise OSError(
            errno.ESTALE, f"has changed since the sweep began, to sha256 {found[:12]}", str(path)
        )
    return path


@lru_cache(maxsize=2)
def _load(paths: tuple[tuple[str, str], ...], content: str) -> Loaded:
    from afp_hw.network import load_graph
    from afp_hw.network.dataset import Dataset, read_dataset

    given = json.loads(content)
    files_of = {role: _checked(Path(path), given[role]) for role, path in paths}
    graph = load_graph(files_of["model"])
    if given["embedded"]:
        from afp_hw.embedded import calibration_images, test_set

        images, labels = test_set()
        data = Dataset(images, labels.astype("int64"), "embedded test images")
        calibration = Dataset(calibration_images(), None, "embedded calibration images")
    else:
        scale = [None if given[key] is None else tuple(given[key]) for key in ("mean", "std")]
        data = read_dataset("data", files_of["data"], graph, *scale, labels=True)
        calibration = read_dataset("calibration", files_of["calibration"], graph, *scale)
    return Loaded(graph, data.first(given["images"]), calibration)


def load_network(paths: Mapping[str, str], content: Mapping[str, Any]) -> Loaded:
    """The network of a job, kept for the next one.

    Raises
    ------
    ValueError
        A file is none of its kind.
    OSError
        A file cannot be read, or is another one than the sweep was started with.
    """
    return _load(tuple(sorted(paths.items())), json.dumps(content, sort_keys=True))


@lru_cache(maxsize=4)
def load_technology(path: str, digest: str) -> Technology:
    """Cells of a job; errors as :func:`load_network`."""
    from afp_hw.synth import Technology

    if path == TECHNOLOGY:
        return Technology.sky130()
    return Technology.from_liberty([_checked(Path(path), digest)])


def load_memory(path: str | None, digest: str) -> MemoryTable:
    """Energies per access; errors as :func:`load_network`."""
    from afp_hw.energy.memory import MemoryTable

    return (
        MemoryTable.embedded() if path is None else MemoryTable.load(_checked(Path(path), digest))
    )
