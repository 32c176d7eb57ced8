"""Ratios of figures that are known, and the baseline that is named."""

from __future__ import annotations

import numpy as np
import pytest

from afp_hw.energy.comparison import comparison_document, comparisons, nearest
from afp_hw.energy.document import totals
from afp_hw.energy.layer import GROUPS, LayerEnergy
from afp_hw.energy.scheme import Scheme
from afp_hw.energy.sensitivity import masked
from afp_hw.energy.traffic import LayerTraffic

# Array and requantizer in joule, two layers of each scheme.
FIGURES = {
    Scheme.AFP_STATIC: (1.0, 0.5),
    Scheme.AFP_DYNAMIC: (1.0, 1.0),
    Scheme.INT_STATIC: (2.0, 4.0),
    Scheme.INT_DYNAMIC: (2.0, 5.0),
    Scheme.INT_FLOAT: (2.0, 13.0),
    Scheme.FLOAT: (9.0, 0.0),
}
LAYERS = [
    LayerEnergy(
        name=name,
        scheme=scheme,
        parts_j=dict.fromkeys(GROUPS, 0.25) | {"array": mac, "requantizer": quantize},
        leakage_j=0.1,
        macs=100,
        outputs=10 if quantize else 0,
        mac_j=mac / 100,
        requantize_j=quantize / 10,
        parts={},
        traffic=LayerTraffic(1, 1, 1, 0, 0, 1, 1),
        checked=1,
    )
    for name in ("one", "two")
    for scheme, (mac, quantize) in FIGURES.items()
]


def ratios(baseline: str, against: str) -> tuple[float | None, ...]:
    (found,) = [
        item
        for item in comparisons(LAYERS, {"FP32": 18.0})
        if (item.baseline, item.against) == (baseline, against)
    ]
    return tuple(found.ratios.values())


def test_ratios_are_baseline_over_afp() -> None:
    assert ratios("INT8 MACs, dynamic factor", "AFP static") == (2.0, 10.0, 14.0 / 3.0)
    assert ratios("INT8 MACs, static factor", "AFP dynamic") == (2.0, 4.0, 3.0)
    assert ratios("FP32 MACs", "AFP static") == (9.0, None, 6.0)
    assert ratios("FP32 MACs, quantized in FP32", "AFP dynamic") == (9.0, 13.0, 11.0)


def test_the_nearest_baseline_of_each_figure_is_named() -> None:
    found = comparisons(LAYERS, {"FP32": 18.0})
    assert nearest(found, "MACs").baseline.startswith("FP32 MACs")
    quantized = nearest(found, "quantization")
    assert (quantized.baseline, quantized.against) == ("INT8 MACs, dynamic in FP32", "AFP dynamic")
    total = nearest(found, "total")
    assert (total.baseline, total.against) == ("FP32 MACs, quantized in FP32", "AFP dynamic")
    document = comparison_document(found)
    assert document["nearest"]["total"]["ratio"] == pytest.approx(11.0)
    assert document["paper"] == {"MACs": 9.3, "quantization": 13.2, "total": 11.2}


def test_totals_are_sums_of_layers() -> None:
    first = totals(LAYERS)[0]
    assert first.total_j == pytest.approx(2 * (1.0 + 0.5 + 4 * 0.25))
    assert first.logic_j == pytest.approx(2 * (1.0 + 0.5 + 2 * 0.25))
    assert first.mac_j == pytest.approx(0.01)
    assert first.requantize_j == pytest.approx(0.05)
    assert totals(LAYERS)[-1].requantize_j is None


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_masks_leave_the_share_of_zeros_that_was_asked_for(share: float) -> None:
    codes = np.where(np.arange(100_000) % 3 == 0, 0, 1 + np.arange(100_000) % 7)
    found = masked(codes, share, np.random.default_rng(1))
    assert (found == 0).mean() == pytest.approx(share, abs=0.01)
    assert set(found.tolist()) - {0} == set(range(1, 8))
