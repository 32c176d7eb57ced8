"""Networks with a grid for each image: compiled, interpreted and compared tensor by tensor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from afp_hw import AFPFormat
from afp_hw.design import AcceleratorDesign, load_accelerator
from afp_hw.network import FormatAssignment, Graph, LoweredNetwork, calibrate
from afp_hw.network.exact import encode_images, run_stored
from afp_hw.network.grids import with_dynamic_grids
from afp_hw.program import Program, compile_network, interpret
from afp_hw.program.stored_grids import stored_codes, stored_grids
from tests.program.networks import Builder, lowered

RECIPES = Path(__file__).parents[2] / "gen"
SMALL = load_accelerator(RECIPES / "accelerator4_dynamic.toml")
LARGE = load_accelerator(RECIPES / "accelerator16_dynamic.toml")


def dynamic(
    graph: Graph, formats: FormatAssignment, accelerator: AcceleratorDesign
) -> LoweredNetwork:
    """The network with these formats, each image with grids of its own."""
    return lowered(graph, with_dynamic_grids(formats), accelerator)


def formats_of(net: Builder, **changed: AFPFormat) -> FormatAssignment:
    """Formats of all tensors, dynamic; those of stored tensors in `changed` (`_` for `.`) apart."""
    formats = calibrate(
        net.graph(),
        net.images(),
        weights=AFPFormat(3, 1),
        acts=AFPFormat(3, 2),
        source="built",
    )
    acts = with_dynamic_grids(formats).acts
    given = {
        name: replace(item, fmt=changed.get(name.replace(".", "_"), item.fmt))
        for name, item in acts.items()
    }
    return replace(formats, acts=given)


def built(net: Builder, accelerator: AcceleratorDesign, **changed: AFPFormat) -> LoweredNetwork:
    """The network that has been built, see :func:`formats_of`."""
    return lowered(net.graph(), formats_of(net, **changed), accelerator)


def compare_stored(
    network: LoweredNetwork,
    program: Program,
    accelerator: AcceleratorDesign,
    image: Any,
    memory: bytes | bytearray,
) -> dict[str, int]:
    """Codes and grid of every stored tensor, and every output, equal to the exact chain's.

    Returns the exponents.
    """
    given = encode_images(network, image[None])
    grids = stored_grids(program, accelerator, memory, int(given.lsb[0]))
    assert grids.keys() == {name for name in program.tensors if name in network.tensors}
    expected = run_stored(network, image[None], {**program.tensors, **program.outputs})
    for name, place in {**program.tensors, **program.outputs}.items():
        wanted = expected[name]
        grid = grids.get(place.layout.name)
        found = stored_codes(place, accelerator, memory, grid)
        assert found.shape == wanted.codes[0].shape
        assert np.array_equal(found, wanted.codes[0]), (
            f"{name}: {np.count_nonzero(found != wanted.codes[0])} differ"
        )
        if grid is not None:
            assert grid.lsb == wanted.lsb[0], name
        else:
            _compare_sums(program, name, grids, wanted.lsb[0])
    return {name: grid.lsb for name, grid in grids.items()}


def _compare_sums(program: Program, name: str, grids: Any, wanted: Any) -> None:
    """Exponents of sums that leave the network: those of the layout above their input's."""
    layout = program.tensors[name].layout
    assert layout.above is not None
    own = np.atleast_1d(np.array(layout.lsb)) + grids[layout.above].lsb
    assert np.array_equal(np.broadcast_to(own, wanted.shape), wanted)


def compare(
    network: LoweredNetwork, image: Any, accelerator: AcceleratorDesign, **options: Any
) -> tuple[Program, bytearray]:
    """Compile, interpret and :func:`compare_stored`; the memory behind the run."""
    program = compile_network(network, accelerator, **options)
    encoded = encode_images(network, image[None])
    memory = program.memory(encoded.codes[0])
    interpret(memory, accelerator, int(encoded.lsb[0]))
    compare_stored(network, program, accelerator, image, memory)
    return program, memory
