"""A point's program on its accelerator, and its cycles, to the last one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import Operation
from afp_hw.explore.chosen import lowered_network
from afp_hw.explore.configuration import Configuration
from afp_hw.explore.formats import AFP, Pair
from afp_hw.explore.inputs import Loaded, load_network
from afp_hw.explore.jobs import Job
from afp_hw.formats import AFPFormat
from afp_hw.network import FormatAssignment, LoweredNetwork, TensorFormat, calibrate, lower
from afp_hw.program import Program
from afp_hw.program.account import Account, account
from afp_hw.program.compiler import compile_network
from afp_hw.program.fit import room_in
from afp_hw.schedule.accelerator import schedule_network

_OPERATIONS: Final = {
    "best": None,
    "outputs": Operation.OUTPUTS_STATIONARY,
    "weights": Operation.WEIGHTS_STATIONARY,
}


@dataclass(frozen=True, eq=False)
class Run:
    """A network on an accelerator.

    Attributes
    ----------
    program
        Descriptors and manifest.
    account
        Cycles, waits and bytes of each layer.
    accelerator
        What it runs on.
    """

    program: Program
    account: Account
    accelerator: AcceleratorDesign


def run_of(job: Job) -> Run:
    """Compile and schedule the network of a job.

    A rival runs as AFP of its width: what moves and when does not depend on what codes mean.

    Raises
    ------
    TypeError, ValueError
        The accelerator is refused, or does not hold the network.
    """
    configuration = Configuration.of(job.given["axes"])
    if configuration.pair.family == AFP:
        loaded, lowered = lowered_network(job)
        accelerator = configuration.accelerator(loaded.sums)
    else:
        loaded = load_network(job.files["network"], job.given["network"])
        accelerator = configuration.accelerator(loaded.sums)
        lowered = _carried(loaded, configuration.carrier(), accelerator)
    operation = _OPERATIONS[configuration.axes["dataflow"]]
    program = compile_network(lowered, accelerator, operation)
    schedule = schedule_network(program.descriptors, accelerator, configuration.axes["latency"])
    layers = program.manifest["layers"]
    return Run(program, account(layers, program.descriptors, accelerator, schedule), accelerator)


def _carried(loaded: Loaded, carrier: Pair, accelerator: AcceleratorDesign) -> LoweredNetwork:
    """The network with tensors that are all as wide as the rival's, none without a sign."""
    weights, acts = carrier.weights, carrier.acts
    assert isinstance(weights, AFPFormat)
    assert isinstance(acts, AFPFormat)
    found = calibrate(loaded.graph, loaded.calibration.images, weights=weights, acts=acts)
    signed: dict[str, Any] = {
        name: TensorFormat(item.fmt.as_signed(), item.lsb) for name, item in found.acts.items()
    }
    formats = FormatAssignment(found.model, found.weights, signed, found.provenance)
    return lower(loaded.graph, formats, room_in(accelerator.array))
