"""What an accelerator cannot hold is refused: one sentence, both numbers, what would do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.design import AcceleratorDesign, Design
from afp_hw.formats import AFPFormat
from afp_hw.network.lower import InitMax


def room_in(design: Design) -> InitMax:
    """Largest initial values that `design` takes, by the formats of a layer.

    In a wider envelope initial values lie further left (numerics section 4). One product bound at
    least: what the design cannot take is refused later, not saturated here.
    """

    def init_max(act: AFPFormat, wgt: AFPFormat) -> int:
        shift = design.afp_acts.n_man - act.n_man + design.afp_weights.n_man - wgt.n_man
        return max(act.max_fix * wgt.max_fix, design.init_bound >> max(shift, 0))

    return init_max


def require_format(what: str, envelope: AFPFormat, fmt: AFPFormat, name: str) -> None:
    """Refuse a format that an envelope does not hold."""
    if not envelope.holds(fmt):
        raise ValueError(f"Design.{what} must hold {fmt} of {name!r}, not {envelope}")


def require_products(
    design: Design, name: str, act: AFPFormat, wgt: AFPFormat, codes: NDArray[Any]
) -> int:
    """Refuse a layer whose operands or products the array does not hold.

    Parameters
    ----------
    design, name
        The array and the layer.
    act, wgt
        Its formats.
    codes
        Of its weights, [groups, K, N / groups].

    Returns
    -------
    By how many bits its sums are further left than in its own formats.
    """
    require_format("weights", design.afp_weights, wgt, name)
    require_format("acts", design.afp_acts, act, name)
    length = codes.shape[1]
    if length > design.k:
        raise ValueError(f"Design.k must be at least {length} for {name!r}, not {design.k}")
    left = design.afp_acts.n_man - act.n_man + design.afp_weights.n_man - wgt.n_man
    fix = golden.to_fix(codes, wgt)
    bound = max(golden.acc_bound(group, act.max_fix) for group in fix) << left
    if bound > design.sum_bound:
        raise ValueError(
            f"Design.sum_max must be at least {bound} for {name!r}, not {design.sum_bound}"
        )
    return left


def require_initial(design: Design, name: str, init: NDArray[Any], skip: NDArray[Any]) -> None:
    """Refuse initial values, in units of the array, with the largest of the skip tensor."""
    largest = int(np.max(np.abs(init.astype(object)) + skip))
    if largest > design.init_bound:
        raise ValueError(
            f"Design.init_max must be at least {largest} for {name!r}, not {design.init_bound}"
        )


def require_sum(design: Design, name: str, bound: int) -> None:
    """Refuse sums of a step without products that the accumulators do not hold."""
    if bound >= 1 << (design.acc_width - 1):
        least = (1 << bound.bit_length() - 1) - design.sum_bound
        raise ValueError(
            f"Design.init_max must be at least {least} for sums of {bound.bit_length() + 1} bits "
            f"of {name!r}, not {design.init_bound}"
        )


def require_records(accelerator: AcceleratorDesign) -> None:
    """Refuse an accelerator whose initial values a record does not hold."""
    if accelerator.array.init_width > 64:
        raise ValueError(
            "Design.init_max must have at most 63 bits in an accelerator, not "
            f"{accelerator.array.init_width - 1}"
        )


def require_bank(name: str, size: str, needed: int, there: int, what: str) -> None:
    """Refuse what one bank of a buffer does not hold."""
    if needed > there:
        raise ValueError(
            f"AcceleratorDesign.{size} must be at least {needed} for {what} of {name!r}, not "
            f"{there}"
        )


def require_field(name: str, what: str, value: int, most: int) -> None:
    """Refuse a number that a descriptor's field does not hold."""
    if not 0 <= value <= most:
        raise ValueError(f"{what} of {name!r} must be at most {most}, not {value}")
