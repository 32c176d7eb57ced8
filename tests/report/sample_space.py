"""An explored space as ``afp-hw explore export`` writes one, from formulas: the same each time.

Its numbers are of the size that measurements have; they are made up.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from itertools import product
from typing import Any

Document = dict[str, Any]

LAYERS = (
    ("conv1", 112_896, 3, 9),
    ("block1.conv1", 1_806_336, 16, 144),
    ("block1.conv2", 1_806_336, 16, 144),
    ("block2.conv1", 903_168, 32, 144),
    ("block2.conv2", 1_806_336, 32, 288),
    ("block3.conv1", 903_168, 64, 288),
    ("block3.conv2", 1_806_336, 64, 576),
    ("fc", 640, 10, 64),
)
"""Name, MACs, output channels, products in a sum."""

FLOAT32 = 94.2


def _split(fmt: str) -> tuple[int, int]:
    match = re.fullmatch(r"u?e(\d)m(\d)|int(\d)|fp8e(\d)m(\d)", fmt)
    assert match, fmt
    if match[3]:
        return 0, int(match[3]) - 1
    return int(match[1] or match[4]), int(match[2] or match[5])


def _loss(fmt: str) -> float:
    """Points of accuracy that a format loses."""
    n_exp, n_man = _split(fmt)
    range_loss = 0.0 if n_exp >= 2 else (4.0 if n_exp else 5.5)
    return 9.0 * 2.0 ** (-1.25 * n_man) * (1 + range_loss) + 0.35 * (n_exp in (1, 2))


def _spread(*words: Any) -> float:
    """A number from -1 to 1 that depends on words alone."""
    text = "|".join(map(str, words)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4], "big") / 2**31 - 1


def _element(family: str, weights: str, acts: str, technology: str) -> tuple[float, float]:
    """Area in µm² and energy in fJ of a MAC."""
    (we, wm), (ae, am) = _split(weights), _split(acts)
    shifts = 2**we + 2**ae if family != "INT" else 0
    area = 700 + 62 * (wm + 1) * (am + 1) + (52 * shifts if family == "AFP" else 88 * shifts)
    area *= 1.9 if family == "FP" else 1.0
    scale = 1.0 if technology == "sky130" else 0.011
    return area * scale, area * 0.46 * (1.0 if technology == "sky130" else 0.03)


def _point(
    family: str, weights: str, acts: str, rows: int, dataflow: str, technology: str
) -> Document:
    axes = {
        "network": "embedded",
        "formats": weights if weights == acts else f"{weights}/{acts}",
        "family": family,
        "bits": None,
        "rows": rows,
        "cols": rows,
        "lanes": 1,
        "dataflow": dataflow,
        "clock_ns": 10.0,
        "technology": technology,
        "registers": [],
        "gate_zeros": True,
        "decode": "pe",
        "multiplier": "operator",
    }
    key = hashlib.sha256(json.dumps(axes, sort_keys=True).encode()).hexdigest()[:16]
    if family == "FP" and dataflow == "weights":
        reason = "Array.dataflow must be outputs for floating point, not weights"
        return {"key": key, "state": "refused", "reason": reason, "axes": axes, "metrics": {}}
    loss = 0.6 * _loss(weights) + 0.4 * _loss(acts) + 0.25 * _spread(weights, acts)
    weight_bits, act_bits = (sum(_split(fmt)) + 1 for fmt in (weights, acts))
    area, mac_fj = _element(family, weights, acts, technology)
    layers = []
    for name, macs, _channels, k in LAYERS:
        used = (0.97 if k > 100 else 0.2) * (1 - 0.05 * (rows == 32))
        used *= 0.92 if dataflow == "outputs" and k < 200 else 1.0
        busy = math.ceil(macs / (rows * rows * used))
        wait_load = round(busy * (0.09 if dataflow == "weights" else 0.05) * (1 + rows / 16))
        outputs = macs // k
        groups = {
            "array": macs * mac_fj * 1e-6,
            "edges": macs * mac_fj * 1e-6 * 1.1 / rows,
            "requantizer": outputs * 1.4e-3,
            "packing": outputs * act_bits * 4e-5,
            "SRAM": macs * (weight_bits + act_bits) / rows * 6e-6,
            "DRAM": (outputs * act_bits + 40 * k * weight_bits) * 8e-5,
        }
        layers.append(
            {
                "name": name,
                "dataflow": dataflow if dataflow != "best" else "outputs" if k < 200 else "weights",
                "cycles": busy + wait_load,
                "macs": macs,
                "utilisation": 100 * macs / ((busy + wait_load) * rows * rows),
                "wait_load": wait_load,
                "wait_store": wait_load // 7,
                "bytes_in": (40 * k * weight_bits + outputs * act_bits) // 8,
                "bytes_out": outputs * act_bits // 8,
                "weight_bits": weight_bits,
                "act_bits": act_bits,
                "energy_nj": groups,
            }
        )
    energy = {name: sum(layer["energy_nj"][name] for layer in layers) for name in groups}
    cycles = sum(layer["cycles"] for layer in layers) if family != "FP" else None
    areas = {
        "array": rows * rows * area,
        "edges": rows * area * 2.2,
        "requantizer": rows * area * 1.1,
        "packing": rows * area * 0.3,
    }
    moved = sum(layer["bytes_in"] + layer["bytes_out"] for layer in layers)
    return {
        "key": key,
        "state": "done",
        "reason": None,
        "axes": axes,
        "metrics": {
            "accuracy": FLOAT32 - loss,
            "loss": loss,
            "agreement": 100 - 1.6 * loss,
            "logit_error": 0.11 * loss,
            "weight_bits": weight_bits,
            "act_bits": act_bits,
            "area_um2": sum(areas.values()),
            "delay_ns": 5.1 + 0.02 * area / (1 if technology == "sky130" else 0.011) / 10,
            "meets_clock": True,
            "energy_nj": sum(energy.values()),
            "cycles": cycles,
            "utilisation": None if cycles is None else 100 * 9_145_716 / (cycles * rows * rows),
            "time_ms": None if cycles is None else cycles * 1e-5,
            "bytes_moved": moved,
        },
        "details": {
            "formats": {
                "weights": {layer["name"]: weights for layer in layers},
                "acts": {"image": acts} | {f"{layer['name']}.out": acts for layer in layers},
            },
            "layers": layers,
            "energy_nj": energy,
            "area_um2": areas,
            "traffic_bytes": {
                "descriptors": 6_720,
                "records": 2_944,
                "weights": sum(40 * k * weight_bits // 8 for *_, k in LAYERS),
                "acts": moved // 3,
                "side": 17_136,
                "stored": moved // 4,
            },
        },
    }


def sample_space(technologies: tuple[str, ...] = ("sky130",)) -> Document:
    """A space of 228 points a technology: 38 pairs of formats on six arrays."""
    uniform = [f"e{n_exp}m{n_man}" for n_exp in (1, 2, 3, 4) for n_man in (0, 1, 2, 3, 4)]
    formats = [("AFP", fmt, fmt) for fmt in uniform]
    formats += [("AFP", "e3m1", "e3m2"), ("AFP", "e2m1", "e2m3"), ("AFP", "e2m2", "e2m3")]
    formats += [("AFP", weights, acts) for weights in ("e2m0", "e3m0") for acts in ("e2m2", "e3m2")]
    formats += [("INT", f"int{bits}", f"int{bits}") for bits in (3, 4, 5, 6, 7, 8)]
    formats += [("INT", "int4", "int8"), ("INT", "int5", "int8"), ("INT", "int6", "int8")]
    formats += [("FP", "fp8e4m3", "fp8e4m3"), ("FP", "fp8e5m2", "fp8e5m2")]
    arrays = (8, 16, 32)
    points = [
        _point(family, weights, acts, rows, dataflow, technology)
        for technology in technologies
        for rows, dataflow in product(arrays, ("best", "weights"))
        for family, weights, acts in formats
    ]
    failed = points[5]
    failed |= {"state": "failed", "reason": "yosys ended with exit status 1", "metrics": {}}
    del failed["details"]
    names = list(dict.fromkeys(point["axes"]["formats"] for point in points))
    return {
        "kind": "afp-hw.space",
        "version": 1,
        "space": {
            "name": "sample",
            "strategy": "grid",
            "seed": 0,
            "objectives": [["accuracy", "max"], ["energy_nj", "min"], ["area_um2", "min"]],
            "axes": {
                "network": ["embedded"],
                "formats": names,
                "rows": list(arrays),
                "dataflow": ["best", "weights"],
                "technology": list(technologies),
            },
            "toml": 'name = "sample"\nstrategy = "grid"\n\n[axes]\nrows = [8, 16, 32]\n',
        },
        "provenance": {
            "afp_hw": "0.1.0",
            "python": "3.11.2",
            "tools": {"pyosys": "0.70", "numpy": "2.4.6"},
            "technologies": [
                {"name": name, "description": f"{name}, typical", "sha256": "c0ffee" * 10 + "cafe"}
                for name in technologies
            ],
            "networks": [
                {
                    "name": "embedded",
                    "sha256": "083ea2f2" * 8,
                    "images": 1000,
                    "data": "embedded test images",
                    "float32_accuracy": FLOAT32,
                }
            ],
            "commands": [
                "afp-hw explore run sample.toml",
                "afp-hw explore export sample.store --format json -o sample.json",
                "afp-hw report sample.json -o report.html",
            ],
            "memory": {"name": "Horowitz 2014, 45 nm", "sram_fj_per_bit": 20.0},
        },
        "points": points,
    }
