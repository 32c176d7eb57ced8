"""The README's and `docs/energy.md`'s energies of a network are what ``afp-hw energy`` measures.

One run, whose document every table is compared with, number by number as rounded there. It takes
minutes where nothing of it is kept. AFP's figures are equal on all machines. INT8's scales and
FP32's operands are of sums in float32, in whose order processors differ: by how much that may move
theirs is measured with other kernels of OpenBLAS (``OPENBLAS_CORETYPE``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.shown_commands import ROOT, afp_hw

README, PAGE = (
    (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/energy.md")
)
PROSE = " ".join(PAGE.split())

EXACT = 0.0
SUMS = 0.001
"""Measured: 0.0002 of a network's array, 0.002 of its smallest layer in FP32."""
FACTORS = 0.03
"""Of a network's INT8 requantizers; low bits of a factor are as good as random. Measured: 0.013."""
FACTORS_OF_A_LAYER = 0.15
"""The same, where there is one factor. Measured: 0.10."""

REQUANTIZERS = {
    "INT8, 32 × 31 bits, full adders, two registers: taken": (
        "int_static",
        "int_requantizer_32x31_int8_compressed_mp",
    ),
    "AFP, `WindowRequantizer`: taken": ("afp_static", "window_requantizer_30_e3m2_s1"),
}
"""Rows of the table of requantizers that the command measures: schemes, and names of parts."""


def table(page: str, *headings: str) -> dict[str, list[str]]:
    """The one table with these headings after the first: rows of cells, by their first."""
    rest = r" *\| *".join(map(re.escape, headings))
    found = re.findall(
        rf"^\|[^|\n]*\| *{rest} *\|\n\|[-:|]+\|\n((?:\|.*\|\n)+)", page, re.MULTILINE
    )
    assert len(found) == 1, headings
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in found[0].splitlines()]
    assert len({row[0] for row in rows}) == len(rows)
    return {name: cells for name, *cells in rows}


def matches(shown: str, value: float | None, tolerance: float) -> bool:
    """Whether a number is that value as rounded here, or as near to it as another machine's."""
    if not value or shown == "–":
        return not value and shown == "–"
    decimals = len(shown.partition(".")[2])
    if f"{value:,.{decimals}f}" == shown:
        return True
    rounding = 0.5 * 10.0**-decimals
    error = abs(float(shown.replace(",", "")) - value)
    return tolerance > 0 and error <= tolerance * value + rounding


def tolerance_of(scheme: str, figure: str) -> float:
    """How far a scheme's figure may be off."""
    if scheme.startswith("afp") or figure in ("SRAM", "DRAM"):
        return EXACT
    return FACTORS if figure in ("requantizer", "requantize_fj") else SUMS


def unlike(page: str, document: Mapping[str, Any], rows: Mapping[str, str]) -> list[Any]:
    """What a page's table of schemes has otherwise; `rows` by key of a scheme's document."""
    schemes = document["schemes"]
    # "INT8 dynamic, FP32 scales" has less room on a page.
    names = [item["name"].replace(" dynamic, FP32", ", FP32") for item in schemes.values()]
    shown = table(page, *names)
    groups = list(schemes["afp_static"]["groups_nj"])
    assert list(shown) == [*groups, *rows.values()]
    figures = {**{group: group for group in groups}, **rows}
    found = []
    for index, (key, item) in enumerate(schemes.items()):
        for figure, row in figures.items():
            value = item["groups_nj"].get(figure, item.get(figure))
            if not matches(shown[row][index], value, tolerance_of(key, figure)):
                found.append((key, row, shown[row][index], value))
    return found


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    recipe = ROOT / "gen" / "square16.toml"
    command = f"afp-hw energy --design {recipe} --sensitivity --json"
    found: dict[str, Any] = json.loads(afp_hw(command, tmp_path_factory.mktemp("energy")))
    return found


def test_numbers_match_as_rounded_and_no_further_off_than_is_allowed() -> None:
    assert matches("34,604", 34604.4, EXACT)
    assert not matches("34,604", 34604.6, EXACT)
    assert matches("8.75", 8.82, FACTORS)
    assert not matches("8.41", 10.7, FACTORS)
    assert not matches("291,176", 370396.0, SUMS)
    assert matches("–", None, EXACT)
    assert not matches("–", 1.0, EXACT)
    assert not matches("1", None, EXACT)


@pytest.mark.slow
def test_the_readme_has_what_energy_measures(document: dict[str, Any]) -> None:
    assert unlike(README, document, {"total_nj": "total"}) == []


@pytest.mark.slow
def test_the_page_has_what_energy_measures(document: dict[str, Any]) -> None:
    rows = {"total_nj": "total", "mac_fj": "one MAC, fJ", "requantize_fj": "one output, fJ"}
    assert unlike(PAGE, document, rows) == []


@pytest.mark.slow
def test_the_page_has_the_ratios_of_the_paper_and_of_the_comparison(
    document: dict[str, Any],
) -> None:
    figures = {"MACs": SUMS, "quantization": FACTORS, "total": SUMS}
    compared = document["comparison"]
    measured = {(item["baseline"], item["against"]): item for item in compared["ratios"]}
    lines = re.findall(r"^\| (\w+ MACs[^|]*) \| ([^|]+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert len(lines) > 5
    for baseline, against, numbers in lines:
        ratios = measured[baseline, against]
        for shown, (figure, tolerance) in zip(numbers.split(" | "), figures.items(), strict=True):
            assert matches(shown, ratios[figure], tolerance), (baseline, against, figure)
    paper = " | ".join(str(compared["paper"][figure]) for figure in figures)
    assert f"| the paper | | {paper} |" in PAGE


@pytest.mark.slow
def test_the_page_says_what_comes_nearest_to_the_paper(document: dict[str, Any]) -> None:
    nearest = document["comparison"]["nearest"].values()
    assert [(item["baseline"], item["against"]) for item in nearest] == [
        ("FP32 MACs", "AFP dynamic"),
        ("INT8 MACs, dynamic in FP32", "AFP dynamic"),
        ("FP32 MACs, quantized in FP32", "AFP static"),
    ]
    sentence = (
        r"So 9\.3 is nearest to FP32 MACs, and 13\.2 to dynamic quantization in FP32, both against "
        r"dynamic AFP and ours (\d+) and (\d+) % above; 11\.2 is nearest to both together against "
        r"static AFP, ours (\d+) % below\."
    )
    assert_numbers(
        sentence,
        [100 * abs(item["ratio"] / item["paper"] - 1) for item in nearest],
        # Of the ratios, of which these are small differences.
        [0.1, 0.4, 0.1],
    )


@pytest.mark.slow
def test_the_page_has_the_requantizers_of_three_layers(document: dict[str, Any]) -> None:
    layers = ("block1.conv1", "block2.conv1", "block2.conv2")
    measured = {
        (item["scheme"], item["layer"]): item["requantize_fj"] for item in document["layers"]
    }
    areas = {part["name"]: part["area_um2"] for part in document["parts"]}
    rows = table(PAGE, *layers, "ns", "µm²")
    for row, (scheme, part) in REQUANTIZERS.items():
        *energies, _delay, area = rows[row]
        tolerance = EXACT if scheme == "afp_static" else FACTORS_OF_A_LAYER
        for layer, shown in zip(layers, energies, strict=True):
            assert matches(shown, measured[scheme, layer], tolerance), (row, layer)
        assert matches(area, areas[part], EXACT), row


@pytest.mark.slow
def test_the_page_has_the_mac_that_is_taken_in_fp32(document: dict[str, Any]) -> None:
    macs = [document["schemes"][key]["mac_fj"] for key in ("float", "afp_static", "afp_dynamic")]
    rows = table(PAGE, "fJ", "over AFP static", "over AFP dynamic", "ns")
    shown = rows["four ranks of registers, gated: taken"][:3]
    for cell, value in zip(shown, (macs[0], macs[0] / macs[1], macs[0] / macs[2]), strict=True):
        assert matches(cell, value, SUMS), cell


def assert_numbers(sentence: str, values: Sequence[float], tolerances: Sequence[float]) -> None:
    """The page has this sentence, with these values where it has groups."""
    found = re.search(sentence, PROSE)
    assert found is not None, sentence
    for shown, value, tolerance in zip(found.groups(), values, tolerances, strict=True):
        assert matches(shown, value, tolerance), (shown, value)


@pytest.mark.slow
def test_sentences_have_the_ratios_of_the_document(document: dict[str, Any]) -> None:
    each = {key: item["requantize_fj"] for key, item in document["schemes"].items()}
    assert_numbers(
        r"an output of dynamic INT8 takes ([\d.]+) times what one of static AFP takes, and "
        r"([\d.]+) times what one of dynamic AFP takes; through FP32 it is (\d+) and (\d+) times",
        [
            each[integer] / each[adaptive]
            for integer in ("int_dynamic", "int_float")
            for adaptive in ("afp_static", "afp_dynamic")
        ],
        [FACTORS] * 4,
    )


@pytest.mark.slow
def test_sentences_have_the_numbers_of_the_sensitivity(document: dict[str, Any]) -> None:
    zeros, formats = {}, {}
    for item in document["sensitivity"]:
        own = f"{item['layer_weights']}/{item['layer_acts']}"
        formats[own, item["hardware"]] = item["mac_fj"]
        if own == item["hardware"]:
            zeros[own, round(item["zeros"], 1)] = item["mac_fj"]
    wide, narrow = "e3m1/e3m2", "e2m1/ue2m2"
    assert_numbers(
        r"The AFP array takes ([\d,]+) fJ without zeros and ([\d,]+) with 90 % of them, INT8 "
        r"([\d,]+) and ([\d,]+):",
        [zeros[hardware, share] for hardware in (wide, "int8/int8") for share in (0.0, 0.9)],
        [SUMS] * 4,  # the layer's real activations are rounded here
    )
    assert_numbers(
        r"takes ([\d,]+) fJ in hardware for e3m1 and e3m2, and ([\d,]+) in its own; the same "
        r"hardware takes ([\d,]+) with half of the activations zero",
        [formats[narrow, wide], formats[narrow, narrow], zeros[wide, 0.5]],
        [SUMS] * 3,
    )
