"""How the energy of a MAC depends on zeros, and on a format narrower than the hardware."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.design import Design
from afp_hw.energy.bench import Bench
from afp_hw.energy.layer import cell_part
from afp_hw.energy.real import RealLayer
from afp_hw.energy.scheme import int_designs
from afp_hw.formats import AFPFormat, Number
from afp_hw.golden import embed
from afp_hw.quantize import quantize_codes
from afp_hw.synth.stimulus import Operands

SHARES: Final = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)
"""Shares of zero activations."""

NARROWER: Final = (("e3m1", "ue3m2"), ("e3m1", "ue3m1"), ("e2m1", "ue2m2"), ("e2m1", "ue2m1"))
"""Formats of weights and activations that wider hardware runs."""

_SEED: Final = 0


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Energy of a MAC in one condition.

    Attributes
    ----------
    hardware, layer_weights, layer_acts
        Formats of the array, and of the layer that it runs.
    zeros
        Share of the activations that are zero.
    mac_fj, settled_fj
        With and without glitches.
    """

    hardware: str
    layer_weights: str
    layer_acts: str
    zeros: float
    mac_fj: float
    settled_fj: float


def masked(codes: NDArray[Any], share: float, generator: np.random.Generator) -> NDArray[Any]:
    """Codes of which this share is zero: zeros there are filled from the others, then masked.

    The others' distribution stays what it is.
    """
    found = codes.copy()
    other = codes[codes != 0]
    if other.size:
        empty = found == 0
        found[empty] = generator.choice(other, int(empty.sum()))
    found[generator.random(codes.shape) < share] = 0
    return found


def sensitivities(bench: Bench, layer: RealLayer, design: Design) -> list[Sensitivity]:
    """Of an array of AFP and of one of INT8: by share of zeros; of that of AFP: by format.

    Raises
    ------
    MismatchError
        A sum is not golden's.
    """
    found = []
    for hardware in (design, int_designs(design)[-1]):
        act = quantize_codes(layer.act, hardware.acts)
        wgt = quantize_codes(layer.wgt, hardware.weights)
        for share in SHARES:
            codes = masked(act, share, np.random.default_rng(_SEED))
            name = f"{layer.name}, {share:.0%} zeros"
            found.append(_run(bench, name, codes, wgt, hardware, (hardware.weights, hardware.acts)))
    return found + narrower_formats(bench, layer, design)


def narrower_formats(bench: Bench, layer: RealLayer, design: Design) -> list[Sensitivity]:
    """A layer in narrower formats: embedded in the design's envelopes, and in hardware of its own.

    The own hardware is the same design for those formats.
    """
    found = []
    for wgt_name, act_name in NARROWER:
        wgt_fmt, act_fmt = AFPFormat.parse(wgt_name), AFPFormat.parse(act_name)
        if not (design.afp_weights.holds(wgt_fmt) and design.afp_acts.holds(act_fmt)):
            continue
        act, wgt = quantize_codes(layer.act, act_fmt), quantize_codes(layer.wgt, wgt_fmt)
        wide_act = embed(act, act_fmt, design.afp_acts)
        wide_wgt = embed(wgt, wgt_fmt, design.afp_weights)
        pair = (wgt_fmt, act_fmt)
        found.append(_run(bench, layer.name, wide_act, wide_wgt, design, pair))
        own = replace(
            design, weights=wgt_fmt, acts=act_fmt, outs=None, init_max=0, segments=(), sum_max=None
        )
        found.append(_run(bench, layer.name, act, wgt, own, pair))
    return found


def _run(
    bench: Bench,
    name: str,
    act: NDArray[Any],
    wgt: NDArray[Any],
    design: Design,
    formats: tuple[Number, Number],
) -> Sensitivity:
    run = bench.run_cells(cell_part(design), Operands(name, act, wgt, design))
    return Sensitivity(
        hardware=f"{design.weights}/{design.acts}",
        layer_weights=str(formats[0]),
        layer_acts=str(formats[1]),
        zeros=float((act == 0).mean()),
        mac_fj=run.each_j * 1e15,
        settled_fj=run.settled_each_j * 1e15,
    )
