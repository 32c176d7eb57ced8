"""Reports in Chromium: charts drawn, nothing asked for, tables that sort, phone, dark, print."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from afp_hw.cli.main import main
from tests.report.browser import Watched, chromium, contrast, opened
from tests.report.sample_space import sample_space


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    (folder / "space.json").write_text(json.dumps(sample_space()))
    out = folder / "report.html"
    assert main(["report", str(folder / "space.json"), "-o", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def light(browser: Any, report: Path) -> Iterator[Watched]:
    """One page for all tests that leave it usable for the next."""
    with opened(browser, report) as page:
        yield page


@pytest.fixture(scope="module")
def dark(browser: Any, report: Path) -> Iterator[Watched]:
    with opened(browser, report, width=390, scheme="dark") as page:
        yield page


@pytest.mark.parametrize(("name", "width"), [("light", 1280), ("dark", 390)])
def test_every_chart_is_drawn_and_the_page_asks_for_nothing(
    name: str, width: int, report: Path, request: pytest.FixtureRequest
) -> None:
    page: Watched = request.getfixturevalue(name)
    marks = page.marks()
    assert len(marks) == 13
    assert min(marks.values()) > 4, marks
    assert marks["pareto-energy"] > 150
    assert page.tab.evaluate("document.documentElement.scrollWidth") == width
    assert page.said == []
    assert page.requests == [report.as_uri()]


def test_a_panel_that_is_chosen_is_drawn(light: Watched) -> None:
    panels = light.tab.locator("#layers-choice option").count()
    assert 5 < panels <= 12
    for index in (1, panels - 1):
        light.tab.locator("#layers-choice select").select_option(str(index))
        name = f"layer-energy-{index + 1}"
        light.tab.wait_for_selector(f"#{name} svg")
        shown = light.marks()
        assert shown[name] > 7
        assert "layer-energy-1" not in shown
    light.tab.locator("#layers-choice select").select_option("0")
    assert light.marks()["layer-energy-1"] > 7
    assert light.said == []


def test_a_heading_sorts_its_column(light: Watched) -> None:
    heading = light.tab.locator("#points-table th", has_text="cycles an image")
    index = heading.evaluate("heading => heading.cellIndex")
    before = light.column("points-table", index)
    known = sorted(int(text.replace(",", "")) for text in before if text != "–")
    missing = before.count("–")
    assert missing > 0
    assert len(set(known)) > 5
    heading.locator("button").click()
    upwards = [f"{value:,}" for value in known] + ["–"] * missing
    assert light.column("points-table", index) == upwards != before
    assert heading.get_attribute("aria-sort") == "ascending"
    heading.locator("button").press("Enter")  # the keyboard does the same
    assert light.column("points-table", index) == upwards[: len(known)][::-1] + ["–"] * missing
    assert heading.get_attribute("aria-sort") == "descending"
    names = light.tab.locator("#points-table th", has_text="format").first
    names.locator("button").click()
    assert heading.get_attribute("aria-sort") is None
    found = light.column("points-table", 0)
    assert found == sorted(found)


def test_totals_stay_at_the_foot(light: Watched) -> None:
    foot = light.tab.locator("#layers-1-table tfoot")
    before = foot.inner_text()
    assert before.startswith("all layers")
    light.tab.locator("#layers-1-table th button").first.click()
    assert foot.inner_text() == before
    assert light.column("layers-1-table", 0)[0] == "block1.conv1"


def test_hovering_over_a_point_shows_its_numbers(light: Watched) -> None:
    tooltip = light.tab.locator("#vg-tooltip-element")
    mark = light.tab.locator("#pareto-energy .mark-symbol.role-mark path").first
    mark.hover(force=True)
    tooltip.wait_for(state="visible")
    text = tooltip.inner_text()
    for told in ("point", "e1m", "8×8", "accuracy, %", "energy an image, µJ", "area, mm²"):
        assert told in text
    light.tab.mouse.move(2, 2)
    tooltip.wait_for(state="hidden")


def test_text_is_legible_in_light_and_in_dark(light: Watched, dark: Watched) -> None:
    papers = [page.color("body", "background-color") for page in (light, dark)]
    assert contrast(*papers) > 10
    for page, paper in zip((light, dark), papers, strict=True):
        for selector, name in (
            ("h1", "color"),
            (".text", "color"),
            (".figures .note", "color"),
            ("nav a", "color"),
            ("tbody td", "color"),
            ("#pareto-energy .role-axis-label text", "fill"),
            ("#pareto-energy .role-legend-label text", "fill"),
            ("#parts-energy .role-axis-title text", "fill"),
        ):
            assert contrast(paper, page.color(selector, name)) >= 4.5, (paper, selector)
        for family in ("afp", "int", "fp"):
            text = page.tab.evaluate(
                "name => getComputedStyle(document.documentElement).getPropertyValue(name)",
                f"--{family}",
            )
            color = tuple(int(part, 16) for part in re.findall(r"[0-9a-f]{2}", text))
            assert contrast(paper, color) >= 3, (paper, family)


def test_the_darkest_cell_of_a_map_is_legible(light: Watched, dark: Watched) -> None:
    for page in (light, dark):
        cell = "#sweet-spot-energy .mark-rect.role-mark path"
        heat, paper = page.color(cell, "fill"), page.color("body", "background-color")
        opacities = page.tab.locator(cell).evaluate_all(
            "cells => cells.map(cell => Number(getComputedStyle(cell).fillOpacity))"
        )
        deepest = max(value for value in opacities if value < 1)
        mixed = tuple(
            deepest * one + (1 - deepest) * other for one, other in zip(heat, paper, strict=True)
        )
        ink = page.color("#sweet-spot-energy .mark-text.role-mark text", "fill")
        assert contrast(mixed, ink) >= 4.5, paper


def test_the_page_prints_on_white_whatever_the_screen_is(dark: Watched) -> None:
    pdf = dark.tab.pdf(format="A4", prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) > 3
    dark.tab.emulate_media(media="print", color_scheme="dark")
    try:
        assert dark.color("html", "background-color") == (255, 255, 255)
        assert contrast(dark.color("h1", "color"), (255, 255, 255)) > 10
        hidden = dark.tab.locator("#points-table .scroll").evaluate(
            "box => box.scrollHeight - box.clientHeight"
        )
        assert hidden == 0  # the whole table, not what fits into its box on a screen
    finally:
        dark.tab.emulate_media(media="screen", color_scheme="dark")


def test_tables_are_whole_without_scripts(browser: Any, report: Path) -> None:
    with opened(browser, report, scripts=False) as page:
        assert page.tab.locator("noscript .notice").is_visible()
        assert len(page.column("points-table", 0)) == 221
