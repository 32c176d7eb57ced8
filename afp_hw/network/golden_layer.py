"""One layer by the golden functions, for any format: activation matrix, initial values, sums."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.formats import AFPFormat
from afp_hw.network.steps import GemmStep


def activation_rows(step: GemmStep, codes: NDArray[Any]) -> NDArray[Any]:
    """The activation matrix of a layer, [groups, M, K], from codes (or integers) of its input."""
    if step.node.op == "Linear":
        return codes[None]
    attributes = step.node.attributes
    rows = golden.im2col(
        codes,
        attributes["kernel"],
        attributes["strides"],
        attributes["pads"],
        attributes["dilations"],
        attributes["groups"],
    )
    return rows if attributes["groups"] > 1 else rows[None]


def initial_values(
    step: GemmStep, lsb_act: int, skip: NDArray[Any] | None, skip_fmt: AFPFormat | None
) -> NDArray[Any]:
    """Initial values of a layer's sums: [N], or with a skip tensor [M, N]."""
    init = step.init_at(lsb_act)
    if skip is None or skip_fmt is None:
        return init
    fix = golden.to_fix(skip, skip_fmt)
    rows = fix if fix.ndim == 2 else np.moveaxis(fix, 1, -1).reshape(-1, fix.shape[1])
    # The lowering proved that the sum stays within `init_max`.
    if step.init_max >= 1 << 62:
        rows = rows.astype(object)
    return np.asarray(init + (rows << step.skip_shift))


def accumulate(step: GemmStep, codes: NDArray[Any], init: NDArray[Any]) -> NDArray[Any]:
    """Exact sums of a layer, [M, N]."""
    fix = golden.to_fix(codes, step.act.fmt)
    if step.act.fmt.max_fix < 1 << 15 and fix.dtype != object:
        fix = fix.astype(np.int16)  # unfolds and multiplies in half the time
    rows = activation_rows(step, fix)
    sums = golden.gemm(rows, golden.to_fix(step.wgt_codes, step.wgt.fmt))  # [groups, M, N/groups]
    joined = np.moveaxis(sums, 0, 1).reshape(sums.shape[1], -1)
    # The product's proof does not include the initial values.
    room = step.wgt_codes.shape[1] * step.act.fmt.max_fix * step.wgt.fmt.max_fix + step.init_max
    if room >= 1 << 63:
        joined = joined.astype(object)
    return np.asarray(joined + init)
