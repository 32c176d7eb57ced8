"""Layers of one point: bits, cycles and stalls, energy, traffic; charts and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from afp_hw.report.html.bar_charts import Bars, Scale, grouped, stacked
from afp_hw.report.html.page import Block, Chart, Column, Grid, Record, Table

ENERGY_PARTS: Final = ("array", "edges", "requantizer", "packing", "SRAM", "DRAM")
AREA_PARTS: Final = ("array", "edges", "requantizer", "packing")
TRAFFIC_PARTS: Final = ("weights", "acts", "side", "stored", "descriptors", "records")
"""Parts in the order in which they are stacked."""

FLOWS: Final = {"weights_stationary": "weights", "outputs_stationary": "outputs", "side": "–"}
"""What stays in the array, as a word."""

Layer = Mapping[str, Any]

_COLUMNS: Final = (
    Column("name", "layer"),
    Column("dataflow", "stays"),
    Column("weight_bits", "weights", 1, "bits"),
    Column("act_bits", "activations", 1, "bits"),
    Column("macs", "MACs", 0),
    Column("cycles", "cycles", 0),
    Column("utilisation", "array in use", 1, "%"),
    Column("wait_load", "waits for loads", 0, "cycles"),
    Column("wait_store", "waits for stores", 0, "cycles"),
    Column("energy", "energy", 1, "nJ"),
    Column("bytes_in", "loaded", 0, "B"),
    Column("bytes_out", "stored", 0, "B"),
)


def layer_blocks(layers: Sequence[Layer], suffix: str) -> list[Block]:
    """Charts and the table of layers, of what they have.

    Parameters
    ----------
    layers
        As `details` of a space has them; fields may be missing or None.
    suffix
        Makes the names of the blocks unique on the page.
    """
    charts: list[Chart] = []
    bits = _bars(layers, {"weights": "weight_bits", "activations": "act_bits"})
    if any(found for _, found in bits):
        charts.append(
            grouped(
                f"layer-bits{suffix}",
                "Bits of each layer",
                bits,
                ("weights", "activations"),
                Scale("bits on average", ",.1f"),
            )
        )
    if any(layer.get("cycles") for layer in layers):
        charts.append(_cycles(layers, suffix))
    energies = [(layer["name"], _numbers(layer.get("energy_nj") or {})) for layer in layers]
    if any(found for _, found in energies):
        charts.append(
            stacked(
                f"layer-energy{suffix}",
                "Energy by block and memory",
                energies,
                ENERGY_PARTS,
                Scale("nJ an image", ",.0f"),
            )
        )
    traffic = _bars(layers, {"loaded": "bytes_in", "stored": "bytes_out"})
    if any(found for _, found in traffic):
        charts.append(
            stacked(
                f"layer-traffic{suffix}",
                "Traffic over the bus",
                traffic,
                ("loaded", "stored"),
                Scale("kB an image", ",.1f", 1e-3),
            )
        )
    return [Grid(charts), layer_table(layers, f"layers{suffix}-table")]


def _cycles(layers: Sequence[Layer], suffix: str) -> Chart:
    """Cycles with the waits taken out of what computes."""
    bars = []
    for layer in layers:
        waits = {
            "waiting for loads": float(layer.get("wait_load") or 0),
            "waiting for stores": float(layer.get("wait_store") or 0),
        }
        busy = max(0.0, float(layer.get("cycles") or 0) - sum(waits.values()))
        bars.append((layer["name"], {"computing": busy, **waits}))
    return stacked(
        f"layer-cycles{suffix}",
        "Cycles and stalls",
        bars,
        ("computing", "waiting for loads", "waiting for stores"),
        Scale("cycles an image"),
    )


def _bars(layers: Sequence[Layer], fields: Mapping[str, str]) -> Bars:
    return [
        (
            layer["name"],
            {
                part: float(layer[name])
                for part, name in fields.items()
                if layer.get(name) is not None
            },
        )
        for layer in layers
    ]


def _numbers(parts: Mapping[str, float | None]) -> dict[str, float]:
    return {name: float(value) for name, value in parts.items() if value is not None}


def layer_table(layers: Sequence[Layer], name: str) -> Table:
    """All layers, with the sums of what adds up."""
    rows: list[Record] = []
    for layer in layers:
        energy = _numbers(layer.get("energy_nj") or {})
        flow = FLOWS.get(layer.get("dataflow") or "–", layer.get("dataflow"))
        total_nj = sum(energy.values()) if energy else None
        rows.append({**layer, "dataflow": flow, "energy": total_nj})
    columns = [c for c in _COLUMNS if any(row.get(c.key) is not None for row in rows)]
    added = ("macs", "cycles", "wait_load", "wait_store", "energy", "bytes_in", "bytes_out")
    total: dict[str, Any] = {"name": "all layers", "total": True}
    for key in added:
        values = [row[key] for row in rows if row.get(key) is not None]
        if values:
            total[key] = sum(values)
    return Table(name, f"{len(rows)} layers", columns, [*rows, total])
