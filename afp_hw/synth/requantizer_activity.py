"""Gate-level run of the requantizer on the sums of a layer."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.errors import MismatchError
from afp_hw.golden import finest_lsb, requantize
from afp_hw.synth.activity import Activity
from afp_hw.synth.gatesim import GateSimulator, lane_bits, lane_integers
from afp_hw.synth.netlist import Netlist
from afp_hw.synth.simulator import SimulatorOf
from afp_hw.synth.stimulus import Operands

_LANES: Final = 64


def run_requantizer(
    netlist: Netlist,
    operands: Operands,
    *,
    latency: int,
    simulator_of: SimulatorOf = GateSimulator,
) -> Activity:
    """Run a requantizer (``emit_requantizer``) on the sums of `operands`; check every code.

    One sum a cycle, channel after channel of one pixel after the other; the output's lsb is the
    finest on which the largest sum fits (numerics section 3), its format the whole envelope.

    Parameters
    ----------
    netlist
        Mapped netlist.
    operands
        Whose sums; at least two of them.
    latency
        Clock edges from a sum to its code, from the manifest.
    simulator_of
        Makes the simulator, with delays or without.

    Raises
    ------
    MismatchError
        A code is not golden's, or not in its cycle.
    """
    design = operands.design
    fmt = design.out_envelope
    sums = operands.sums().ravel()
    lanes = min(_LANES, max(1, len(sums) // 2))
    length = len(sums) // lanes
    acc = sums[: length * lanes].reshape(lanes, length).T
    offset = -finest_lsb(int(max(abs(acc.min()), abs(acc.max()))), fmt.max_fix)
    want = requantize(acc, offset, fmt, relu=not fmt.signed)
    stream = np.concatenate([acc, acc, np.zeros((latency, lanes), dtype=acc.dtype)])
    valid = np.zeros(len(stream), dtype=np.uint8)
    valid[: 2 * length] = 1
    ones = np.ones(len(stream), dtype=np.int64)
    stimulus: dict[str, NDArray[Any]] = {
        "rst": ones * 0,
        "i_valid": valid,
        "i_acc": stream,
        "i_n_exp": ones * fmt.n_exp,
        "i_n_man": ones * fmt.n_man,
        "i_offset": ones * offset,
        "i_relu": ones * (not fmt.signed),
        "i_clip": ones * -1,  # all ones: no clip
    }
    # A sequence that repeats: the counts of its second turn are those of a busy circuit.
    simulator = simulator_of(netlist, lanes)
    bounds = [0, length, 2 * length, len(stream)]
    counts, valids, codes = (simulator.toggles, simulator.settled_toggles), [], []
    for low, high in pairwise(bounds):
        simulator.clear()
        outputs = simulator.run({port: values[low:high] for port, values in stimulus.items()})
        if low == length:
            counts = simulator.toggles, simulator.settled_toggles
        valids.append(lane_bits(outputs["o_valid"][:, 0], lanes))
        codes.append(lane_integers(outputs["o_code"], lanes, signed=False))
    found, seen = np.concatenate(codes)[latency:], np.concatenate(valids)[latency:]
    expected = np.concatenate([want, want])
    wrong = np.argwhere((found != expected) | (seen != 1))
    if len(wrong):
        step, lane = wrong[0].tolist()
        raise MismatchError(
            f"{netlist.top}.o_code must be {expected[step, lane]}, not {found[step, lane]} "
            f"(o_valid {seen[step, lane]}), for the sum {stream[step, lane]} (gate level)"
        )
    return Activity(*counts, length * lanes, length * lanes, expected.size)
