"""Every layer of real networks on the 16 x 16 array of a recipe: sums, codes and cycles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from afp_hw import embedded
from afp_hw.design import load_recipe
from afp_hw.network import calibrate, load_graph, lower, problems_of
from afp_hw.rtlsim import ArraySimulator, RequantizerSimulator, run_layer

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"


def images_for(model: str) -> tuple[Path, np.ndarray]:
    if model == "embedded":
        return embedded.model_path(), embedded.test_set()[0][:1]
    path = SHARED / model
    if not path.is_file():
        pytest.skip(f"needs {model} in ../shared/data")
    with np.load(SHARED / "cifar10-test-5000.npz") as arrays:
        pixels = arrays["images"][:1] / 255
    scaled = (pixels - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    return path, scaled.transpose(0, 3, 1, 2).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "layers"),
    [("embedded", 10), ("resnet20-cifar10.onnx", 20), ("resnet20-cifar10-legacy.onnx", 20)],
)
def test_every_layer_is_exact_on_the_recipe_of_the_readme(model: str, layers: int) -> None:
    path, images = images_for(model)
    design = load_recipe(ROOT / "gen" / "square16.toml")
    graph = load_graph(path)
    lowered = lower(graph, calibrate(graph, images))
    names = [layer.name for layer in graph.layers()]
    requantizer = RequantizerSimulator(design)
    with ArraySimulator(design) as simulator:
        runs = [
            run_layer(problem, design, simulator, requantizer)
            for problem in problems_of(lowered, names, images)
        ]
    assert len(runs) == layers
    assert all(run.cycles == run.schedule.cycles for run in runs)
    assert [run.codes for run in runs[:-1]] == [run.sums for run in runs[:-1]]
