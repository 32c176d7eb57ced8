"""Networks with a grid for each image: which of them an accelerator runs, and their records.

Source: ``docs/accelerator.md``, Dynamic grids.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from afp_hw.design import AcceleratorDesign, Design
from afp_hw.design.accelerator import MOST_ALIGN
from afp_hw.design.descriptor import FIELDS
from afp_hw.formats import AFPFormat
from afp_hw.network.steps import GemmStep, LoweredNetwork, Output
from afp_hw.program import fit
from afp_hw.program.tasks import Records

MOST_PLACES: Final = 1 << FIELDS["out_grid"].width
"""Places of the table of grids; the first one is the input's."""

_MOST_ALIGNMENT: Final = (1 << FIELDS["most_alignment"].width) - 1


def is_dynamic(lowered: LoweredNetwork, accelerator: AcceleratorDesign) -> bool:
    """Whether tensors have a grid for each image.

    Raises
    ------
    ValueError
        Some have and some have not, or the accelerator does not run such networks.
    """
    first, *others = lowered.tensors
    dynamic = lowered.tensors[first].dynamic
    for name in others:
        if lowered.tensors[name].dynamic != dynamic:
            kinds = ("static", "dynamic") if dynamic else ("dynamic", "static")
            raise ValueError(
                f"tensor {name!r} must have a {kinds[1]} grid, as {first!r} has, not a {kinds[0]} "
                "one"
            )
    if dynamic and not accelerator.dynamic:
        raise ValueError(
            f"AcceleratorDesign.dynamic must be true for the dynamic grid of {first!r}, not false"
        )
    return dynamic


def require_output(name: str, output: Output, positive: bool, design: Design) -> None:
    """Refuse what words do not hold: a clip; what an unsigned envelope drops and the rule counts.

    `positive` is whether the graph proves that no sum is negative.
    """
    if output.level is not None:
        raise ValueError(
            f"step {name!r} must have no clip where grids are dynamic, not one at {output.level}"
        )
    if not (design.out_envelope.signed or output.relu or positive):
        raise ValueError(
            f"Design.outs must be signed for negative sums of {name!r}, not {design.out_envelope}"
        )


def grids_of_weights(step: GemmStep) -> tuple[int, np.ndarray]:
    """The finest grid of a layer's channels, and by how many bits each is coarser, int64 [N].

    Raises
    ------
    ValueError
        They lie too far apart.
    """
    lsb = np.broadcast_to(np.asarray(step.lsb_wgt, np.int64), step.bias_int.shape)
    finest = int(lsb.min())
    apart = lsb - finest
    if int(apart.max()) > MOST_ALIGN:
        raise ValueError(
            f"weights of {step.name!r} must have grids within {MOST_ALIGN} bits where grids are "
            f"dynamic, not {int(apart.max())}"
        )
    return finest, apart


def records_of_products(
    accelerator: AcceleratorDesign, step: GemmStep, further_left: int
) -> Records:
    """Records of a layer: its bias as an integer, and with which exponent.

    Raises
    ------
    ValueError
        An exponent that a record does not hold; initial values for another accelerator.
    """
    _, apart = grids_of_weights(step)
    nothing = np.zeros(len(step.bias_int), np.int64)
    init = step.bias_int.astype(np.int64)
    if not init.any():
        return Records(init, nothing, apart, nothing, nothing)
    there = accelerator.array.init_bound >> further_left
    if step.init_max > there:
        raise ValueError(
            f"Design.init_max must be at least {step.init_max << further_left} for {step.name!r}, "
            f"not {accelerator.array.init_bound}"
        )
    if step.init_max < there:  # another saturation than the accelerator's
        raise ValueError(
            f"LoweredNetwork.init_max must be that of the accelerator, {there}, for {step.name!r}, "
            f"not {step.init_max}"
        )
    width = 16 if accelerator.wide_records else 8
    lsb = np.broadcast_to(np.asarray(step.lsb_wgt, np.int64), init.shape)
    shift = np.where(init != 0, step.bias_lsb - lsb, 0)
    for value in (int(shift.min()), int(shift.max())):
        if not -(1 << width - 1) <= value < 1 << width - 1:
            raise ValueError(
                f"bias of {step.name!r} must lie within {1 << width - 1} bits of its weights' "
                f"grid where grids are dynamic, not {abs(value)}"
            )
    return Records(init, shift & ((1 << width) - 1), apart, nothing, nothing)


def records_of_words(channels: int) -> Records:
    """Records of a step without products whose words wait for their grid."""
    nothing = np.zeros(channels, np.int64)
    return Records(nothing, nothing, nothing, nothing, nothing)


def most_alignment(name: str, own: AFPFormat, other: AFPFormat, design: Design) -> int:
    """Largest left shift of one operand with which the sums of an addition surely fit."""
    fit.require_sum(design, name, own.max_fix + other.max_fix)
    room = (1 << design.acc_width - 1) - 1 - other.max_fix
    return min((room // own.max_fix).bit_length() - 1, _MOST_ALIGNMENT - own.n_man)
