"""Chromium without a window, on a report: what a reader sees, clicks and prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from afp_hw import tools

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser; the test is skipped where none is installed."""
    found = tools.find("chromium")
    if found is None:
        pytest.skip("Chromium is not installed (apt install chromium)")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=found.where, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """A page that is open, what it said on its console, and what it asked the network for."""

    tab: Any
    said: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def marks(self) -> dict[str, int]:
        """By chart that is shown, how many marks it has."""
        found: dict[str, int] = self.tab.evaluate(
            """() => Object.fromEntries([...document.querySelectorAll(".chart")]
                .filter((chart) => chart.checkVisibility())
                .map((chart) => [chart.dataset.chart, chart.querySelectorAll(
                    "svg .mark-symbol.role-mark path, svg .mark-rect.role-mark path, " +
                    "svg .mark-line.role-mark path, svg .mark-text.role-mark text").length]))"""
        )
        return found

    def column(self, table: str, index: int) -> list[str]:
        """Texts of a column of a table, from the top."""
        cells = self.tab.locator(f"#{table} tbody tr td:nth-child({index + 1})")
        return [str(text) for text in cells.all_inner_texts()]

    def color(self, selector: str, name: str) -> tuple[float, ...]:
        """A computed colour, red, green and blue from 0 to 255."""
        text = self.tab.locator(selector).first.evaluate(
            "(element, name) => getComputedStyle(element).getPropertyValue(name)", name
        )
        return tuple(map(float, re.findall(r"[\d.]+", text)[:3]))


@contextmanager
def opened(
    browser: Any, path: Path, *, width: int = 1280, scheme: str = "light", scripts: bool = True
) -> Iterator[Watched]:
    """A report in a window of its own; with scripts it has drawn its charts."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts
    )
    tab = context.new_page()
    watched = Watched(tab)
    tab.on("console", lambda message: watched.said.append(f"{message.type}: {message.text}"))
    tab.on("pageerror", lambda error: watched.said.append(f"error: {error}"))
    tab.on("request", lambda request: watched.requests.append(request.url))
    tab.goto(path.as_uri())
    if scripts:
        tab.wait_for_selector("html[data-ready=true]", state="attached")
    try:
        yield watched
    finally:
        context.close()


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Ratio of luminances, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(color: tuple[float, ...]) -> float:
    """Relative luminance of an sRGB colour."""
    parts = [value / 255 for value in color]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
