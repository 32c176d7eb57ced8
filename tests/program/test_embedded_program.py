"""The embedded network as a program: every tensor that is stored equals the exact chain's."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest

from afp_hw import AFPFormat
from afp_hw import embedded as embedded_data
from afp_hw.design import AcceleratorDesign, load_accelerator
from afp_hw.design.descriptor import Operation
from afp_hw.network import LoweredNetwork, calibrate, load_graph
from tests.program.networks import compare, lowered

RECIPES = Path(__file__).parents[2] / "gen"


@lru_cache
def embedded(recipe: str) -> tuple[LoweredNetwork, AcceleratorDesign]:
    accelerator = load_accelerator(RECIPES / recipe)
    graph = load_graph(embedded_data.model_path())
    formats = calibrate(
        graph,
        embedded_data.calibration_images()[:32],
        weights=AFPFormat(3, 1),
        acts=AFPFormat(3, 2),
        source="embedded",
    )
    return lowered(graph, formats, accelerator), accelerator


@pytest.mark.parametrize("dataflow", [None, *Operation][:3])
@pytest.mark.parametrize("rows", [None, 1, 100])
def test_every_tensor_is_that_of_the_exact_chain(
    dataflow: Operation | None, rows: int | None
) -> None:
    network, accelerator = embedded("accelerator16.toml")
    compare(network, embedded_data.test_set()[0][0], accelerator, dataflow=dataflow, rows=rows)
