"""The whole accelerator in compiled Verilog: random networks, every byte and every cycle.

Interpreter, exact chain and schedule know nothing of the Verilog, nor of one another.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from afp_hw.design.descriptor import Operation
from afp_hw.network.grids import with_dynamic_grids
from afp_hw.program import compile_network
from tests.program.networks import lowered
from tests.program.random_networks import Case, cases
from tests.rtlsim.accelerator_runs import DESIGNS, LATENCIES, check

_FLOWS = (None, Operation.WEIGHTS_STATIONARY, Operation.OUTPUTS_STATIONARY)
_ROWS = (None, 1, 2, 100)
_REFUSED = (
    r"AcceleratorDesign\.\w+ must be at least \d+ for |Design\.k must be at least \d+ for |"
    r"step '\w+' must have no clip where grids are dynamic"
)

QUICK = ("square", "lanes", "wide")


def run_some(name: str, examples: int, *, dynamic: bool = False) -> None:
    """Random networks on one of the designs, with a grid for each image if `dynamic`."""

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        cases([DESIGNS[name]]),
        st.sampled_from(_FLOWS),
        st.sampled_from(_ROWS),
        st.sampled_from(LATENCIES),
    )
    def run(case: Case, dataflow: Operation | None, rows: int | None, latency: int) -> None:
        formats = with_dynamic_grids(case.formats) if dynamic else case.formats
        network = lowered(case.graph, formats, case.accelerator)
        try:
            program = compile_network(network, case.accelerator, dataflow, rows)
        except ValueError as error:
            if not re.match(_REFUSED, str(error)):
                raise
            reject()  # a row that does not fit
        check(name, network, case.image, program, latency)

    run()


@pytest.mark.parametrize("name", QUICK)
def test_networks_run_as_interpreted_and_as_scheduled(name: str) -> None:
    run_some(name, 40)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in DESIGNS if name != "unsigned"])
def test_many_networks_run_as_interpreted_and_as_scheduled(name: str) -> None:
    run_some(name, 1500)


@pytest.mark.slow
def test_many_networks_with_a_grid_for_each_image() -> None:
    run_some("dynamic", 1500, dynamic=True)
