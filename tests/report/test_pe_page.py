"""The page of a processing element: its sentences follow its numbers, and a browser shows it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from afp_hw.cli.main import main
from afp_hw.report.html.kinds import page_of
from afp_hw.report.html.page import Choice, Grid, Table
from afp_hw.report.html.pe_answer import busiest, headline, lead, number
from afp_hw.report.html.pe_page import pe_page
from afp_hw.report.html.render import render
from tests.report.browser import chromium, contrast, opened

RUN = ["--recipe", "prefix", "--jobs", "1"]


def written(folder: Path, *options: str) -> dict[str, Any]:
    """The document that ``afp-hw synth pe`` writes."""
    assert main(["synth", "pe", *options, *RUN, "-o", str(folder)]) == 0
    (path,) = folder.glob("*.anatomy.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of a layer of the embedded network."""
    folder = tmp_path_factory.mktemp("pe")
    return written(folder, "--weights", "e2m1", "--acts", "e2m1", "--k", "144")


@pytest.fixture(scope="module")
def integers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of integers, two lanes, random operands."""
    folder = tmp_path_factory.mktemp("pe-integers")
    size = ["--lanes", "2", "--k", "8", "--operands", "random:8"]
    return written(folder, "--weights", "int3", "--acts", "uint3", *size)


def changed(document: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(document)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.0**-13, "2⁻¹³"),
        (2.0**20, "2²⁰"),
        (10.5, "10.5"),
        (8.0, "8"),
        (86016, "86,016"),
        (0.3, "0.3"),
    ],
)
def test_powers_of_two_are_shown_as_such(value: float, text: str) -> None:
    assert number(value) == text


def test_the_headline_is_the_largest_block_with_its_reason(real: dict[str, Any]) -> None:
    blocks = real["synth"]["hierarchical"]["blocks"]
    largest = max(blocks, key=lambda block: block["area_um2"])
    total = sum(block["area_um2"] for block in blocks)
    assert largest["block"] == "accumulator"
    share = f"{largest['area_um2'] / total:.0%}"
    # 2 * 6 = 12 is the largest number of e2m1; 144 * 12 * 12 = 20736 has 15 bits.
    assert headline(real) == (
        f"{share} of the area is the accumulator: 16 bits, because 144 products e2m1 × e2m1 of up "
        "to 8 bits each can add up to 15 bits and a sign, and no sum may wrap."
    )


def test_a_proven_bound_is_told_as_such(real: dict[str, Any]) -> None:
    proven = changed(real)
    proven["design"] |= {"sum_max": 1000, "sum_bound": 1000, "acc_width": 11}
    assert "11 bits, because sums of products e2m1 × e2m1 are proven to stay" in headline(proven)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("multiplier", "significands of 2 × 2 bits"),
        ("shifter", "a product of 4 bits moves by up to 4 places to become one of 8"),
        ("exponent adder", "two exponent fields"),
        ("decode", "codes become signs"),
        ("other", "is in no block: registers"),
    ],
)
def test_each_block_has_its_reason(real: dict[str, Any], block: str, words: str) -> None:
    other = changed(real)
    for entry in other["synth"]["hierarchical"]["blocks"]:
        if entry["block"] == block:
            entry["area_um2"] = 1e6
    assert words in headline(other)


def test_reasons_of_integers_and_lanes(integers: dict[str, Any]) -> None:
    for block, words in (
        ("multiplier", "3 × 3 bits of two integers, in each of 2 lanes"),
        ("adder tree", "2 products of 5 bits are added in a cycle to 7"),
    ):
        other = changed(integers)
        for entry in other["synth"]["hierarchical"]["blocks"]:
            entry["area_um2"] = 1e6 if entry["block"] == block else 1.0
        assert words in headline(other)


def test_the_lead_has_the_span_of_the_products(
    real: dict[str, Any], integers: dict[str, Any]
) -> None:
    unit = 2.0 ** (real["formats"][0]["lsb"] + real["formats"][1]["lsb"])
    name = real["operands"]["name"]
    span = f"go from {number(unit)} to {number(144 * unit)} in {name}."
    assert span in lead(real)
    assert "go from 1 to 28 in units of the grid." in lead(integers)  # 4 * 7


def test_a_change_of_sign_is_told_where_there_is_one(real: dict[str, Any]) -> None:
    for before, now, told in ((5, -3, True), (-5, 3, True), (5, 3, False)):
        other = changed(real)
        cycles = {cycle["cycle"]: cycle for cycle in other["waveform"]["cycles"]}
        cycles[-1]["acc"], cycles[0]["acc"] = before, now
        assert (f"passes from {before} to {now}" in busiest(other)) == told


def test_sections_are_those_that_there_is_data_for(
    real: dict[str, Any], integers: dict[str, Any]
) -> None:
    names = [part.name for part in page_of(real, "real").sections]
    assert names == ["blocks", "widths", "tensors", "errors", "numbers", "path", "waveform", "made"]
    names = [part.name for part in page_of(integers, "integers").sections]
    assert names == ["blocks", "widths", "numbers", "path", "waveform", "made"]


def test_tables_have_all_codes_cells_and_cycles(real: dict[str, Any]) -> None:
    tables = {}
    for part in pe_page(real).sections:
        waiting = list(part.blocks)
        while waiting:
            block = waiting.pop()
            if isinstance(block, Table):
                tables[block.name] = block
            elif isinstance(block, Grid):
                waiting += block.blocks
            elif isinstance(block, Choice):
                waiting += [inner for _, panel in block.panels for inner in panel]
    assert len(tables["weights-values"].rows) == 1 << 4
    for key, path in real["critical_path"].items():
        table = tables[f"path-{key}"]
        assert len(table.body) == len(path["stages"])
        total = sum(row["increment"] for row in table.rows)
        assert total == pytest.approx(path["period_ps"], abs=0.1)
    assert len(tables["wave-table"].rows) == len(real["waveform"]["cycles"])
    (total_row,) = tables["blocks-table"].foot
    for key in ("area", "energy", "settled", "area_share"):
        parts = sum(row[key] for row in tables["blocks-table"].body)
        assert parts == pytest.approx(total_row[key], rel=1e-4)


def test_what_is_not_whole_is_refused_in_a_sentence(real: dict[str, Any]) -> None:
    broken = changed(real)
    del broken["waveform"]["cycles"]
    with pytest.raises(ValueError, match=r"pe\.json must be a whole afp-hw\.pe document"):
        page_of(broken, "pe.json")


def test_the_same_document_gives_the_same_bytes(integers: dict[str, Any]) -> None:
    assert render(pe_page(integers)) == render(pe_page(changed(integers)))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.mark.parametrize(
    ("name", "scheme", "width"),
    [("real", "light", 390), ("real", "dark", 1200), ("integers", "dark", 390)],
)
def test_a_browser_draws_every_chart_within_the_page(
    browser: Any,
    name: str,
    scheme: str,
    width: int,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    document = request.getfixturevalue(name)
    file = tmp_path / "pe.html"
    file.write_text(render(pe_page(document)), encoding="utf-8")
    with opened(browser, file, width=width, scheme=scheme) as page:
        assert page.said == []
        assert page.requests == [file.as_uri()]
        assert page.tab.evaluate("document.documentElement.scrollWidth") == width
        assert page.tab.locator("h1").inner_text() == headline(document)
        marks = page.marks()
        assert set(marks) == {chart.name for chart in pe_page(document).charts()}
        assert min(marks.values()) > 3, marks
        # Each cell of the waveform has its number, and these lie or stand with the room there is.
        cells = page.tab.locator("#wave-chart svg .mark-text text")
        cycles = document["waveform"]["cycles"]
        shown = {text for text in cells.all_text_contents() if text}
        assert {str(cycle["acc"]) for cycle in cycles} <= shown
        turned = cells.first.get_attribute("transform") or ""
        assert ("rotate" in turned) == (width == 390)
        paper = page.color("body", "background-color")
        for chart in ("wave-chart", "path-chart", "area-chart"):
            label = page.color(f"#{chart} .role-axis-label text", "fill")
            assert contrast(paper, label) >= 4.5, chart
        assert contrast(paper, page.color("#wave-chart .mark-text text", "fill")) >= 4.5
