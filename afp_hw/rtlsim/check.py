"""One layer on an array: values compared with golden, cycles with the schedule, tolerance 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.design import Design
from afp_hw.errors import MismatchError
from afp_hw.formats import AFPFormat
from afp_hw.golden import embed, gemm, to_fix
from afp_hw.network import LayerProblem
from afp_hw.rtlsim.requantizer import RequantizerSimulator
from afp_hw.rtlsim.simulator import ArraySimulator, Result
from afp_hw.schedule import LayerSchedule, Traffic


@dataclass(frozen=True, eq=False)
class LayerRun:
    """What one layer took, and what of it was compared and found equal.

    Attributes
    ----------
    name, wgt_fmt, act_fmt
        The layer, and for groups its number behind a colon; its own formats.
    schedule, traffic
        Cycles and bits moved, from closed forms.
    cycles
        Of the Verilog; None where it was not simulated.
    sums, codes
        Outputs of the Verilog compared with golden; no codes where the sums leave the network
        exact, or where no requantizer was simulated.
    cpu_seconds
        Of the simulation.
    """

    name: str
    wgt_fmt: AFPFormat
    act_fmt: AFPFormat
    schedule: LayerSchedule
    traffic: Traffic
    cycles: int | None
    sums: int
    codes: int
    cpu_seconds: float | None


def require_fit(
    design: Design,
    name: str,
    *,
    wgt_fmt: AFPFormat,
    act_fmt: AFPFormat,
    k: int,
    init: NDArray[Any],
) -> int:
    """Refuse a layer that does not fit into the array.

    Parameters
    ----------
    design, name
        The array and the layer.
    wgt_fmt, act_fmt, k, init
        Formats, reduction length and initial values (any shape) of the layer.

    Returns
    -------
    How many bits further left than in the layer's own formats its sums are in the array.

    Raises
    ------
    ValueError
        A format that the envelope does not hold, a longer reduction, or a larger initial value
        than the array takes; with both numbers.
    """
    for what, envelope, fmt in (
        ("weights", design.afp_weights, wgt_fmt),
        ("acts", design.afp_acts, act_fmt),
    ):
        if not envelope.holds(fmt):
            raise ValueError(f"Design.{what} must hold {fmt} of layer {name!r}, not {envelope}")
    if k > design.k:
        raise ValueError(f"Design.k must be at least {k} for layer {name!r}, not {design.k}")
    shift = design.afp_acts.n_man - act_fmt.n_man + design.afp_weights.n_man - wgt_fmt.n_man
    largest = _magnitude(init) << shift
    if largest > design.init_bound:
        raise ValueError(
            f"Design.init_max must be at least {largest} for layer {name!r}, not "
            f"{design.init_bound}"
        )
    return shift


def _magnitude(values: NDArray[Any]) -> int:
    return max(abs(int(values.max())), abs(int(values.min())))


def run_layer(
    problem: LayerProblem,
    design: Design,
    simulator: ArraySimulator | None,
    requantizer: RequantizerSimulator | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LayerRun:
    """Run a layer and compare every output, and the cycle of every output.

    Parameters
    ----------
    problem
        Operands and what golden makes of them.
    design
        The array.
    simulator
        Its Verilog. None: golden on the array's embedded operands, cycles from the schedule only.
    requantizer
        The Verilog that makes codes of the sums that `simulator` gave. None: codes are not looked
        at.
    progress
        As in :meth:`.ArraySimulator.run`.

    Raises
    ------
    ValueError
        The layer does not fit into the array.
    MismatchError
        Something differs; the message names the first element that does.
    """
    m, k = problem.act_codes.shape
    n = problem.wgt_codes.shape[1]
    shift = require_fit(
        design,
        problem.name,
        wgt_fmt=problem.wgt_fmt,
        act_fmt=problem.act_fmt,
        k=k,
        init=problem.init,
    )
    act = embed(problem.act_codes, problem.act_fmt, design.afp_acts)
    wgt = embed(problem.wgt_codes, problem.wgt_fmt, design.afp_weights)
    init = _shifted(problem.init, shift)
    schedule = LayerSchedule(design, m, k, n)
    kind = np.int64 if design.acc_width <= 64 else object
    expected = problem.expected_acc.astype(kind) << shift
    largest = _magnitude(expected - init)
    if largest > design.sum_bound:
        raise ValueError(
            f"Design.sum_max must be at least {largest} for layer {problem.name!r}, not "
            f"{design.sum_bound}"
        )
    result = None
    if simulator is None:
        acc = gemm(to_fix(act, design.afp_acts), to_fix(wgt, design.afp_weights), init)
    else:
        result = simulator.run(act, wgt, init, progress)
        _check_complete(problem.name, result)
        acc = result.acc
    _check_equal(f"sum of layer {problem.name!r}", acc, expected)
    if result is not None:
        _check_cycles(problem.name, result, schedule)
    codes = 0 if requantizer is None else _check_codes(problem, requantizer, acc, shift)
    traffic = schedule.traffic(
        problem.wgt_fmt,
        problem.act_fmt,
        output_width=problem.out_fmt.width if problem.out_fmt else design.acc_width,
        init_width=design.init_width if np.any(problem.init) else 0,
    )
    return LayerRun(
        problem.name,
        problem.wgt_fmt,
        problem.act_fmt,
        schedule,
        traffic,
        None if result is None else result.cycles,
        int(acc.size),
        codes,
        None if result is None else result.cpu_seconds,
    )


def _shifted(init: NDArray[Any], shift: int) -> NDArray[Any]:
    kind = np.int64 if _magnitude(init) << shift < 1 << 63 else object
    return np.asarray(init.astype(kind) << shift)


def _check_complete(name: str, result: Result) -> None:
    if result.init_missing:
        raise MismatchError(f"a sum of layer {name!r} left the array before its initial value came")
    if result.missing or result.surplus or result.collisions:
        raise MismatchError(
            f"every sum of layer {name!r} must leave the array once; {result.missing} are missing, "
            f"{result.surplus} too many, {result.collisions} collided"
        )


def _check_equal(what: str, got: NDArray[Any], expected: NDArray[Any]) -> None:
    """Refuse the first element, by rows, that differs."""
    different = np.flatnonzero(np.asarray(got != expected, bool))
    if different.size:
        at = int(different[0])
        row, col = divmod(at, expected.shape[1])
        raise MismatchError(
            f"{what} at row {row}, column {col} must be {expected.flat[at]}, not {got.flat[at]} "
            f"({different.size} of {expected.size} differ)"
        )


def _check_cycles(name: str, result: Result, schedule: LayerSchedule) -> None:
    rows, cols = np.ogrid[: schedule.m, : schedule.n]
    expected = np.asarray(schedule.visible(rows, cols))
    _check_equal(f"clock edge of the sum of layer {name!r}", result.cycle, expected)
    if result.cycles != schedule.cycles:
        raise MismatchError(
            f"cycles of layer {name!r} must be {schedule.cycles}, not {result.cycles}"
        )


def _check_codes(
    problem: LayerProblem, requantizer: RequantizerSimulator, acc: NDArray[Any], shift: int
) -> int:
    """Codes that the Verilog makes of the array's sums against golden's; returns how many.

    The array's sums lie `shift` bits further left than the layer's own (numerics section 4).
    """
    if problem.out_fmt is None or problem.expected_codes is None:
        return 0
    offset = np.asarray(problem.offset) - shift
    clip = None if problem.clip is None else np.asarray(problem.clip, object) << shift
    requantizer.require_fit(problem.name, offset, problem.out_fmt)
    codes = requantizer.run(acc, offset, problem.out_fmt, relu=problem.relu, clip=clip)
    _check_equal(f"code of layer {problem.name!r}", codes, problem.expected_codes)
    return int(codes.size)
