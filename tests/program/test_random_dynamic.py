"""Random networks with a grid for each image: codes and grids are the exact chain's."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from afp_hw.design.descriptor import Operation
from afp_hw.network import LoweredNetwork
from afp_hw.program import Program, compile_network
from afp_hw.program.interpreter_grids import AlignmentError
from tests.program.dynamic_networks import compare, dynamic
from tests.program.random_networks import DESIGNS, Case, cases

_FLOWS = (None, Operation.WEIGHTS_STATIONARY, Operation.OUTPUTS_STATIONARY)

WIDER = tuple(
    replace(
        each,
        dynamic=True,
        act_bytes=4 * each.act_bytes,
        side_bytes=4 * each.side_bytes,
        out_words=2 * each.out_words,
    )
    for each in DESIGNS
)
"""Words are wider than codes."""


def network_of(case: Case) -> LoweredNetwork:
    return dynamic(case.graph, case.formats, case.accelerator)


def spread(case: Case, factor: int) -> Case:
    """The same with the grids of weights' channels so many times further apart: at most 16 bits."""

    def wider(lsb: int | tuple[int, ...] | None) -> int | tuple[int, ...] | None:
        if not isinstance(lsb, tuple):
            return lsb
        return tuple(min(lsb) + factor * (each - min(lsb)) for each in lsb)

    weights = {
        name: replace(item, lsb=wider(item.lsb)) for name, item in case.formats.weights.items()
    }
    return replace(case, formats=replace(case.formats, weights=weights))


def compiled(
    case: Case, dataflow: Operation | None = None, rows: int | None = None
) -> Program | None:
    """None where a row or a sum is too long, or where there is a clip."""
    try:
        return compile_network(network_of(case), case.accelerator, dataflow, rows)
    except ValueError as error:
        expected = (
            r"(AcceleratorDesign\.\w+|Design\.k) must be at least \d+ for |.* must have no clip "
        )
        if not re.match(expected, str(error)):
            raise
        return None


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    cases(WIDER),
    st.sampled_from(_FLOWS),
    st.sampled_from([None, 1, 2, 100]),
    st.sampled_from([0, 0, -3, 5, -20]),
    st.sampled_from([1, 3, 8]),
)
def test_codes_and_grids_are_those_of_the_exact_chain(
    case: Case, dataflow: Operation | None, rows: int | None, exponent: int, factor: int
) -> None:
    case = spread(case, factor)
    if compiled(case, dataflow, rows) is None:
        reject()
    image = np.ldexp(case.image, exponent).astype(np.float32)
    try:
        compare(network_of(case), image, case.accelerator, dataflow=dataflow, rows=rows)
    except AlignmentError:
        reject()  # grids of an addition too far apart
