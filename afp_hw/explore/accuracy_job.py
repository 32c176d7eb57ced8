"""Accuracy of a point: AFP bit for bit as hardware has it, rivals rounded with exact sums."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from afp_hw.explore.chosen import lowered_network
from afp_hw.explore.configuration import Configuration
from afp_hw.explore.formats import AFP
from afp_hw.explore.inputs import Loaded, load_network
from afp_hw.explore.jobs import Job, Result
from afp_hw.formats import FloatFormat, IntFormat, Number
from afp_hw.formats.floating import BF16, FP8_E4M3, FP8_E5M2, FP16, FP32, TF32
from afp_hw.network.bits import average_bits
from afp_hw.network.evaluation import evaluate, float_logits
from afp_hw.quantize.rivals import Integer, OcpFloat, Quantizer, Unrounded, WideFloat
from afp_hw.search.rivals import Harness, collect

_QUANTIZERS: dict[FloatFormat, Quantizer] = {
    FP8_E4M3: OcpFloat("e4m3"),
    FP8_E5M2: OcpFloat("e5m2"),
    BF16: WideFloat("BF16"),
    FP16: WideFloat("FP16"),
    TF32: WideFloat("TF32"),
    FP32: Unrounded(),
}


def quantizer_of(fmt: Number | FloatFormat) -> Quantizer:
    """How a rival is quantized.

    Integers by least squares with a sign bit in every tensor, as the arrays have it that are
    measured beside it; FP8 scaled by a power of two.
    """
    if isinstance(fmt, IntFormat):
        return Integer(fmt.width, clip=True, sign_bit=True)
    assert isinstance(fmt, FloatFormat)  # AFP is not a rival
    return _QUANTIZERS[fmt]


def run_accuracy(job: Job) -> Result:
    """Accuracy of one point.

    Raises
    ------
    ValueError
        A budget that cannot be met; a width at which a rival is not defined.
    """
    configuration = Configuration.of(job.given["axes"])
    if configuration.pair.family != AFP:
        return _rival(job, configuration)
    loaded, lowered = lowered_network(job)
    data = loaded.data
    found = evaluate(lowered, data.images, _reference(loaded), data.labels)
    bits = average_bits(lowered)
    return {
        "accuracy": found.accuracy,
        "loss": found.loss,
        "agreement": found.agreement,
        "logit_error": found.logit_error,
        "weight_bits": bits.weights,
        "act_bits": bits.acts,
        "formats": {
            "weights": {name: str(item.fmt) for name, item in lowered.assignment.weights.items()},
            "acts": {name: str(item.fmt) for name, item in lowered.assignment.acts.items()},
        },
    }


def _rival(job: Job, configuration: Configuration) -> Result:
    loaded = load_network(job.files["network"], job.given["network"])
    harness = _harness(loaded)
    pair = configuration.pair
    found = harness.measure(quantizer_of(pair.weights), quantizer_of(pair.acts))
    known = harness.accuracy
    lost = None if known is None or found.accuracy is None else known - found.accuracy
    return {
        "accuracy": found.accuracy,
        "loss": lost,
        "agreement": found.agreement,
        "logit_error": found.logit_error,
        "weight_bits": float(pair.weights.width),
        "act_bits": float(pair.acts.width),
        "formats": {
            "weights": {layer.name: str(pair.weights) for layer in loaded.graph.layers()},
            "acts": dict.fromkeys(harness.statistics.samples, str(pair.acts)),
        },
    }


@lru_cache(maxsize=1)
def _harness(loaded: Loaded) -> Harness:
    statistics = collect(loaded.graph, loaded.calibration.images)
    return Harness(loaded.graph, statistics, loaded.data.images, loaded.data.labels)


@lru_cache(maxsize=1)
def _reference(loaded: Loaded) -> NDArray[np.float32]:
    return float_logits(loaded.graph, loaded.data.images)
