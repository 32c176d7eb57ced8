"""Random networks as programs: every tensor that is stored equals the exact chain's."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from afp_hw.design.descriptor import Operation
from afp_hw.program import compile_network
from tests.program.networks import compare, lowered
from tests.program.random_networks import Case, cases

_FLOWS = (None, Operation.WEIGHTS_STATIONARY, Operation.OUTPUTS_STATIONARY)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases(), st.sampled_from(_FLOWS), st.sampled_from([None, 1, 2, 100]))
def test_every_tensor_is_that_of_the_exact_chain(
    case: Case, dataflow: Operation | None, rows: int | None
) -> None:
    network = lowered(case.graph, case.formats, case.accelerator)
    try:
        compile_network(network, case.accelerator, dataflow, rows)
    except ValueError as error:
        if not re.match(r"AcceleratorDesign\.\w+ must be at least \d+ for ", str(error)):
            raise
        reject()  # a row that does not fit
    compare(network, case.image, case.accelerator, dataflow=dataflow, rows=rows)
