"""What the commands write becomes a page that says the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from afp_hw.cli.main import main
from afp_hw.report.html.kinds import kind_of, page_of, read_run
from afp_hw.report.html.page import Page, Table
from afp_hw.report.html.render import render
from tests.report.page_tables import tables


def made(path: Path) -> Page:
    """The page of a file, rendered too."""
    page = page_of(read_run(path), path.name)
    render(page)
    return page


def test_a_run_becomes_a_page(tmp_path: Path) -> None:
    program, path = tmp_path / "program", tmp_path / "run.json"
    design = str(Path(__file__).parents[2] / "gen" / "accelerator16.toml")
    assert main(["compile", "embedded", "--design", design, "-o", str(program)]) == 0
    assert main(["run", str(program), "--engine", "model", "-o", str(path)]) == 0
    document = read_run(path)
    assert kind_of(document, path.name) == "afp-hw.run"
    page = made(path)
    assert page.headline.startswith(f"{document['total']['cycles']:,} cycles an image")
    (total,) = tables_of_layers(page).foot
    assert total["cycles"] == document["total"]["cycles"]
    moved = document["total"]["bytes"]
    assert total["bytes_in"] + total["bytes_out"] == sum(moved.values())
    assert {row["dataflow"] for row in tables_of_layers(page).body} == {"weights", "outputs", "–"}


def tables_of_layers(page: Page) -> Table:
    return tables(page)["layers-table"]


def test_an_evaluation_and_its_formats_become_pages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    formats = tmp_path / "formats.json"
    options = ["--images", "20", "--no-tune", "-o", str(formats), "--json"]
    assert main(["evaluate", "embedded", *options]) == 0
    path = tmp_path / "evaluate.json"
    path.write_text(capsys.readouterr().out)
    document = read_run(path)
    page = made(path)
    assert f"{document['accuracy']:.2f}" in page.headline
    assert page.figures[0].value.startswith(f"{document['accuracy']:.2f}")
    page = made(formats)
    assert (
        page.headline
        == "3 splits for 24 tensors of 5 to 6 bits; e3m1 is the most common, 10 times."
    )
    assert len(tables(page)["formats-table"].rows) == 24


def test_a_store_becomes_a_page(tmp_path: Path) -> None:
    toml, store = tmp_path / "small.toml", tmp_path / "small.sqlite"
    toml.write_text(
        'name = "small"\nmetrics = ["accuracy", "cycles"]\nimages = 20\n\n'
        '[axes]\nformats = ["e2m1", "e3m1", "int4"]\nsize = ["8x8"]\ntune = [false]\n'
    )
    assert main(["explore", "run", str(toml), "--jobs", "1"]) == 0
    out = tmp_path / "report.html"
    assert main(["report", str(store), "-o", str(out)]) == 0
    document = read_run(store)
    page = page_of(document, store.name)
    assert "needs the least cycles" in page.headline
    assert {row["name"] for row in tables(page)["points-table"].rows} == {"e2m1", "e3m1", "int4"}
    names = {chart.name for chart in page.charts()}
    assert {"pareto-cycles", "layer-bits-1", "layer-cycles-1", "layer-traffic-1"} <= names
    assert out.read_text(encoding="utf-8") == render(page)


def test_open_shows_the_page_in_the_browser_of_the_user(
    tmp_path: Path,
) -> None:
    seen, browser = tmp_path / "seen", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {seen}\n')
    browser.chmod(0o755)
    run, out = tmp_path / "run.json", tmp_path / "report.html"
    topology = Path(__file__).parents[2] / "gen"
    shapes = [
        "--topology", str(topology / "resnet50.csv"),
        "--design", str(topology / "accelerator16_large.toml"),
    ]  # fmt: skip
    assert main(["run", "--engine", "model", *shapes, "-o", str(run)]) == 0
    command = [sys.executable, "-m", "afp_hw", "report", str(run), "-o", str(out), "--open"]
    # The browser is chosen when Python starts.
    subprocess.run(command, env={**os.environ, "BROWSER": f"{browser} %s"}, check=True)
    assert seen.read_text() == f"{out.as_uri()}\n"


@pytest.mark.slow
def test_energy_of_a_network_becomes_a_page(tmp_path: Path) -> None:
    path = tmp_path / "energy.json"
    design = str(Path(__file__).parents[2] / "gen" / "square16.toml")
    assert main(["energy", "--design", design, "--layer", "fc", "-o", str(path)]) == 0
    page = made(path)
    document = read_run(path)
    least = min(document["schemes"].values(), key=lambda scheme: scheme["total_nj"])
    assert page.headline.startswith(f"{least['name']} needs the least energy")
    assert len(tables(page)["ratios-table"].body) == len(document["comparison"]["ratios"])


@pytest.mark.slow
def test_comparison_and_rivals_become_pages(tmp_path: Path) -> None:
    arguments = ["--formats", "e2m0,int2", "--clock-ns", "6", "-o", str(tmp_path)]
    assert main(["compare", *arguments]) == 0
    path = tmp_path / "compare.json"
    page = made(path)
    assert re.fullmatch(r"(e2m0|int2) has the least area × energy of 2 formats\.", page.headline)
    document = read_run(path)
    for row, ratios in zip(document["rows"], ((0.5, 0.4), (1.0, 1.0)), strict=True):
        row["area_to_int8"], row["energy_glitch_to_int8"] = ratios
    headline = page_of(document, path.name).headline.replace("\u00a0", " ")
    assert headline == "AFP e2m0 takes 50 % of INT8's area and 40 % of its energy."

    assert main(["rivals", "embedded", "--images", "20", "--bits", "4", "-o", str(tmp_path)]) == 0
    page = made(tmp_path / "fashion_resnet.rivals.json")
    assert "AFP" in page.headline
    assert len(tables(page)["rivals-table"].rows) > 10
