"""The page of one processing element, and why it is as big as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from afp_hw.report.html.page import Column, Facts, Figure, Grid, Page, Record, Section, Table
from afp_hw.report.html.pe_answer import headline, lead, number
from afp_hw.report.html.pe_charts import share_chart, width_chart
from afp_hw.report.html.pe_numbers import errors_section, numbers_section, tensors_section
from afp_hw.report.html.pe_timing import path_section, waveform_section

Document = Mapping[str, Any]


def pe_page(document: Document) -> Page:
    """A page of an ``afp-hw.pe`` document."""
    return Page.of(
        title=f"Processing element {document['name']}",
        headline=headline(document),
        lead=lead(document),
        figures=_figures(document),
        sections=[
            _blocks(document),
            _widths(document),
            tensors_section(document),
            errors_section(document),
            numbers_section(document),
            path_section(document),
            waveform_section(document),
            _made(document),
        ],
    )


def _figures(document: Document) -> list[Figure]:
    synth, design, wave = document["synth"], document["design"], document["waveform"]
    path = document["critical_path"]["whole"]
    cells = "" if path is None else f"through {len(path['stages'])} cells"
    ratio = wave["toggles"] / (wave["mean_toggles"] or 1.0)
    return [
        Figure(f"{synth['area_um2']:,.0f} µm²", "area", f"{synth['area_nand2']:,.0f} NAND2"),
        Figure(f"{design['acc_width']} bits", "accumulator", f"{synth['flip_flops']} flip-flops"),
        Figure(
            f"{synth['energy_glitch_fj']:,.0f} fJ",
            f"energy of a {synth['energy_per']}",
            f"{synth['energy_fj']:,.0f} fJ without glitches",
        ),
        Figure(f"{synth['delay_ns']:.2f} ns", "critical path", cells),
        Figure(
            f"{wave['toggles']:,}", "toggles in the busiest cycle", f"{ratio:.1f} times the mean"
        ),
    ]


def _blocks(document: Document) -> Section:
    kept, synth = document["synth"]["hierarchical"], document["synth"]
    blocks = sorted(kept["blocks"], key=lambda block: -block["area_um2"])

    def shares(key: str) -> list[Record]:
        return [{"block": block["block"], "value": round(block[key] or 0.0, 4)} for block in blocks]

    per = f"fJ per {synth['energy_per']}"
    columns = [
        Column("block", "block"),
        Column("area", "area", 1, "µm²"),
        Column("area_share", "share", 1, "%"),
        Column("nand2", "NAND2", 0),
        Column("settled", "energy", 1, per),
        Column("energy", "with glitches", 1, per),
        Column("energy_share", "share", 1, "%"),
    ]
    rows = [
        {
            "block": block["block"],
            "area": round(block["area_um2"], 3),
            "area_share": round(100 * block["area_um2"] / kept["area_um2"], 3),
            "nand2": round(block["area_nand2"], 2),
            "settled": round(block["energy_fj"] or 0.0, 3),
            "energy": round(block["energy_glitch_fj"] or 0.0, 3),
            "energy_share": round(
                100 * (block["energy_glitch_fj"] or 0.0) / kept["energy_glitch_fj"], 3
            ),
        }
        for block in blocks
    ]
    nand2_um2 = synth["area_um2"] / synth["area_nand2"]
    total: dict[str, Any] = {
        "total": True,
        "block": "total",
        "area": round(kept["area_um2"], 3),
        "area_share": 100.0,
        "nand2": round(kept["area_um2"] / nand2_um2, 2),
        "settled": round(kept["energy_fj"], 3),
        "energy": round(kept["energy_glitch_fj"], 3),
        "energy_share": 100.0,
    }
    return Section(
        "blocks",
        "Where area and energy go",
        [
            Grid(
                [
                    share_chart("area-chart", "Area by block", shares("area_um2"), "µm²"),
                    share_chart("energy-chart", "Energy by block", shares("energy_glitch_fj"), per),
                ]
            ),
            Table("blocks-table", "By block", columns, [*rows, total]),
        ],
        "Blocks are those of a netlist that keeps the hierarchy; the flattened one, whose figures "
        "stand above, shares cells between them. “other” is in no block: registers of operands and "
        "tags, and what holds them at zero products.",
    )


def _widths(document: Document) -> Section:
    design = document["design"]
    formats = document["formats"]
    rows = [
        {
            "what": f"{found['role'].removesuffix('s')} {found['format']}",
            "low": 0,
            "high": found["max_fix"].bit_length(),
            "text": f"{found['bits']} bits of code, largest {number(found['max_fix'])}",
        }
        for found in formats
    ]
    rows.append(
        {
            "what": "product",
            "low": 0,
            "high": design["product_width"],
            "text": f"{design['product_width']} bits and a sign",
        }
    )
    if design["lanes"] > 1:
        rows.append(
            {
                "what": "sum of a cycle",
                "low": 0,
                "high": design["lane_sum_width"],
                "text": f"{design['lane_sum_width']} bits",
            }
        )
    rows.append(
        {
            "what": "accumulator",
            "low": 0,
            "high": design["acc_width"],
            "text": f"{design['acc_width']} bits",
        }
    )
    why = (
        f"{design['k']:,} products"
        if design["sum_max"] is None
        else "what the layer's weights can add up to"
    )
    caption = (
        f"A product is exact and a sum never wraps, so the accumulator has room for {why}: "
        f"±{number(design['sum_bound'])}."
    )
    return Section("widths", "How wide the sum becomes", [width_chart(rows, caption)])


def _made(document: Document) -> Section:
    synth, design, operands = document["synth"], document["design"], document["operands"]
    facts = [
        ("technology", synth["technology"]),
        ("recipe", f"{synth['recipe']}, best of {len(synth['recipes'])}"),
        ("clock", f"{synth['clock_ns']:g} ns"),
        ("operands", operands["name"]),
        ("results equal to golden", f"{synth['checked']:,}"),
        ("lanes", str(design["lanes"])),
        ("longest reduction", f"{design['k']:,}"),
        ("registers", ", ".join(design["registers"]) or "none"),
        ("zero products held", "yes" if design["gate_zeros"] else "no"),
        ("decoders", f"at the {design['decode']}" if design["decode"] == "edge" else "in the PE"),
        ("segments", ", ".join(map(str, design["segments"])) or "one"),
        ("multiplier", design["multiplier"]),
    ]
    note = "" if operands["real"] else f"The {operands['note']}."
    return Section(
        "made", "How this was measured", [Facts(facts)], " ".join([*synth["notes"], note])
    )
