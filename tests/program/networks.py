"""Networks made for programs: compiled, interpreted and compared tensor by tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from afp_hw.design import AcceleratorDesign
from afp_hw.network import FormatAssignment, Graph, LoweredNetwork, lower
from afp_hw.network.exact import encode_images, run_stored
from afp_hw.network.lower import InitMax
from afp_hw.program import Program, compile_network
from afp_hw.program.interpreter import Moved, interpret


def room(accelerator: AcceleratorDesign) -> InitMax:
    """Initial values as the array takes them."""
    array = accelerator.array

    def init_max(act: Any, wgt: Any) -> int:
        left = array.afp_acts.n_man - act.n_man + array.afp_weights.n_man - wgt.n_man
        return array.init_bound >> max(left, 0)

    return init_max


def lowered(
    graph: Graph, formats: FormatAssignment, accelerator: AcceleratorDesign
) -> LoweredNetwork:
    return lower(graph, formats, room(accelerator))


def run(program: Program, network: LoweredNetwork, image: Any, accelerator: Any) -> bytearray:
    """Memory behind a run."""
    memory = program.memory(encode_images(network, image[None]).codes[0])
    interpret(memory, accelerator)
    return memory


def compare(
    network: LoweredNetwork, image: Any, accelerator: AcceleratorDesign, **options: Any
) -> tuple[Program, Moved]:
    """Every stored tensor, and every output, equal to the exact chain's."""
    program = compile_network(network, accelerator, **options)
    memory = program.memory(encode_images(network, image[None]).codes[0])
    moved = interpret(memory, accelerator)
    places = {**program.tensors, **program.outputs}
    expected = run_stored(network, image[None], places)
    for name, place in places.items():
        codes = expected[name].codes[0]
        found = place.read(memory)
        assert found.shape == codes.shape
        assert np.array_equal(found, codes), f"{name}: {np.count_nonzero(found != codes)} differ"
    return program, moved
