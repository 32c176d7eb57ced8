"""Pages of reports: what they say follows from their documents; refusals; the same bytes."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from afp_hw.cli.main import main
from afp_hw.report.html.chosen_points import MOST, chosen_points
from afp_hw.report.html.metrics import ACCURACY, AREA, ENERGY
from afp_hw.report.html.page import Chart, Page, Section
from afp_hw.report.html.render import render
from afp_hw.report.html.space import Case, cases
from afp_hw.report.html.space_page import space_page
from afp_hw.report.html.sweet_spot import best_cell, sweet_spot
from afp_hw.report.html.verdict import NEAR, headline, ranges, winner
from tests.report.page_tables import tables
from tests.report.sample_space import sample_space

Document = dict[str, Any]


@pytest.fixture(scope="module")
def space() -> Document:
    return sample_space()


@pytest.fixture(scope="module")
def case(space: Document) -> Case:
    (found,) = cases(space)
    return found


@pytest.fixture(scope="module")
def page(space: Document) -> Page:
    return space_page(space)


def changed(space: Document, change: Callable[[Document], None]) -> Document:
    """The space after `change` of each measured point."""
    found = copy.deepcopy(space)
    for point in found["points"]:
        if point["state"] == "done":
            change(point)
    return found


def test_the_headline_is_the_cheapest_point_near_the_best_accuracy(case: Case) -> None:
    accuracies = {point.key: point.of(ACCURACY) or 0.0 for point in case.points}
    near = [p for p in case.points if accuracies[p.key] >= max(accuracies.values()) - NEAR]
    least = min(near, key=lambda point: point.of(ENERGY) or 0.0)
    integer = min((p for p in near if p.family == "INT"), key=lambda point: point.of(ENERGY) or 0.0)
    found = winner(case, ENERGY)
    assert found is not None
    assert found.point == least
    assert found.rivals[0] == integer
    saved = round(100 * (1 - (least.of(ENERGY) or 0.0) / (integer.of(ENERGY) or 1.0)))
    text = headline(case, ENERGY).replace("\u00a0", " ")
    assert text.startswith(f"Within 0.5 points of the best accuracy, AFP {least.name} (")
    assert f"{saved} % less than the best integer format, {integer.name}." in text


def test_the_headline_changes_with_the_numbers(space: Document) -> None:
    def cheap_integers(point: Document) -> None:
        if point["axes"]["family"] == "INT":
            point["metrics"]["energy_nj"] /= 100

    (found,) = cases(changed(space, cheap_integers))
    text = headline(found, ENERGY)
    assert "AFP" not in text.split("needs")[0]
    assert re.search(r"less than the best AFP format, e\dm\d", text)
    told = ranges(found, [ENERGY]).replace("\u00a0", " ")
    assert told == "Least energy: INT up to 94.1 % and AFP above."


def test_a_family_that_is_not_near_is_named_with_its_best(space: Document) -> None:
    def poor_rivals(point: Document) -> None:
        if point["axes"]["family"] != "AFP":
            point["metrics"]["accuracy"] -= 5

    (found,) = cases(changed(space, poor_rivals))
    rivals = [point for point in found.measured(ACCURACY, ENERGY) if point.family != "AFP"]
    accuracy = max(point.of(ACCURACY) or 0.0 for point in rivals)
    energy = min(p.of(ENERGY) or 0.0 for p in rivals if p.of(ACCURACY) == accuracy)
    told = headline(found, ENERGY).replace("\u00a0", " ")
    assert f"with {accuracy:.2f} % for {energy:.2f} µJ." in told


def test_a_point_that_misses_its_clock_wins_nothing(space: Document, case: Case) -> None:
    won = winner(case, ENERGY)
    assert won is not None

    def late(point: Document) -> None:
        if point["key"] == won.point.key:
            point["metrics"]["meets_clock"] = False

    (found,) = cases(changed(space, late))
    next_one = winner(found, ENERGY)
    assert next_one is not None
    assert next_one.point.key != won.point.key
    assert won.point.key not in {point.key for point in found.front(ENERGY)}
    (kept,) = [point for point in found.points if point.key == won.point.key]
    assert kept.of(ACCURACY) == won.point.of(ACCURACY)  # what it computes is right
    assert kept.of(ENERGY) is None


def test_who_wins_where_is_read_off_the_front(space: Document) -> None:
    def two_points(name: str, accuracy: float, energy: float) -> Document:
        point = next(p for p in space["points"] if p["axes"]["formats"] == name)
        metrics = {"accuracy": accuracy, "energy_nj": energy}
        return {**point, "state": "done", "metrics": metrics}

    points = [
        two_points("e2m1", 90.0, 1e3),
        two_points("int4", 91.0, 3e3),
        two_points("e3m2", 92.0, 2e3),
        two_points("int8", 93.0, 4e3),
        two_points("e2m0", 70.0, 1e2),  # too far down for a word
    ]
    (found,) = cases({**space, "points": points})
    text = ranges(found, [ENERGY]).replace("\u00a0", " ")
    assert text == "Least energy: AFP up to 92.0 % and INT above."


def test_a_space_without_energy_is_about_area(space: Document) -> None:
    def no_energy(point: Document) -> None:
        point["metrics"]["energy_nj"] = None
        del point["details"]["energy_nj"]
        for layer in point["details"]["layers"]:
            layer["energy_nj"] = None

    page = space_page(changed(space, no_energy))
    assert "needs the least area" in page.headline
    names = {chart.name for chart in page.charts()}
    assert "pareto-area" in names
    assert not {name for name in names if "energy" in name}
    assert "energy_nj" not in {column.key for column in tables(page)["points-table"].columns}
    render(page)


def test_a_space_without_accuracy_still_has_its_table(space: Document) -> None:
    page = space_page(changed(space, lambda point: point["metrics"].pop("accuracy")))
    assert page.headline == "221 points, none with both accuracy and energy an image."
    assert [section.name for section in page.sections] == ["points", "missing", "provenance"]
    render(page)


def test_a_space_without_a_measured_point_is_refused(space: Document) -> None:
    points = [point for point in space["points"] if point["state"] != "done"]
    sentence = r"^points must have one that is measured, not none of 7$"
    with pytest.raises(ValueError, match=sentence):
        space_page({**space, "points": points})


def test_every_point_is_in_a_table(space: Document, page: Page) -> None:
    found = tables(page)
    assert len(found["points-table"].rows) + len(found["missing-table"].rows) == 228
    row = next(row for row in found["points-table"].rows if row["name"] == "int8")
    point = next(p for p in space["points"] if p["axes"]["formats"] == "int8")
    assert row["accuracy"] == pytest.approx(point["metrics"]["accuracy"], abs=1e-4)
    assert row["array"] == "8×8"
    reasons = {row["reason"] for row in found["missing-table"].rows}
    assert "yosys ended with exit status 1" in reasons


def test_technologies_are_cases_of_their_own() -> None:
    document = sample_space(("sky130", "small7"))
    first, second = cases(document)
    assert (first.name, second.name) == ("sky130", "small7")
    page = space_page(document)
    assert "small7: Within 0.5 points" in page.lead
    assert set(page.datasets) == {"points-1", "points-2"}
    text = render(page)
    assert len(text.encode()) < 5e6
    names = re.findall(r' id="([^"]+)"', text)
    assert len(names) == len(set(names))


def test_cells_of_the_map_are_the_measured_points(page: Page, case: Case) -> None:
    found = sweet_spot(case)
    assert found is not None
    assert len(found.cells) == 20
    reference = found.reference(AREA)
    assert reference is not None
    assert reference.name == "int8"
    options = [
        {k: v for k, v in point.axes.items() if k not in ("formats", "family")}
        for point in (reference, *(cell.point for cell in found.cells))
    ]
    assert all(each == options[0] for each in options)
    for cell in found.cells:
        assert cell.point.name == f"e{cell.n_exp}m{cell.n_man}"
    top = max(cell.point.of(ACCURACY) or 0.0 for cell in found.cells)
    best = best_cell(found)
    assert (best.point.of(ACCURACY) or 0.0) >= top - NEAR
    chart = next(chart for chart in page.charts() if chart.name == "sweet-spot-area")
    (rows,) = chart.spec["datasets"].values()
    for row, cell in zip(rows, found.cells, strict=True):
        share = 100 * (cell.point.of(AREA) or 0.0) / (reference.of(AREA) or 1.0)
        assert row["value"] == pytest.approx(share, abs=1e-3)
        assert row["framed"] == (cell is not None and row["label"] == best.point.label)


def test_a_map_without_int8_is_relative_to_its_widest_split(space: Document) -> None:
    points = [point for point in space["points"] if point["axes"]["formats"] != "int8"]
    (found,) = cases({**space, "points": points})
    drawn = sweet_spot(found)
    assert drawn is not None
    reference = drawn.reference(ENERGY)
    assert reference is not None
    assert reference.name == "e4m4"


def test_chosen_points_are_few_and_begin_with_the_headlines(case: Case) -> None:
    chosen = chosen_points(case)
    won = winner(case, ENERGY)
    assert won is not None
    assert chosen[0] == won.point
    assert 5 < len(chosen) <= MOST
    assert len({point.key for point in chosen}) == len(chosen)
    assert {point.family for point in chosen} == {"AFP", "INT", "FP"}


def test_the_same_document_gives_the_same_bytes(space: Document, page: Page) -> None:
    first = render(page)
    assert render(space_page(json.loads(json.dumps(space)))) == first
    assert len(first.encode()) < 5e6


def test_text_of_a_document_is_no_markup(space: Document) -> None:
    hostile = "</script><img src=x onerror=alert(1)><!--"
    document = copy.deepcopy(space)
    document["space"] |= {"name": hostile, "toml": hostile}
    document["provenance"]["commands"] = [hostile]
    for point in document["points"]:
        point["axes"]["dataflow"] += hostile
    text = render(space_page(document))
    assert "<img src=x" not in text
    assert text.count("</script>") == 3
    assert "&lt;img src=x" in text


def test_charts_of_one_name_are_refused(page: Page) -> None:
    chart = page.charts()[0]
    page = Page("", "", "", [], [Section("a", "", [chart, chart])], page.datasets)
    with pytest.raises(ValueError, match=r"names of their own, not 'pareto-energy' twice$"):
        render(page)


def test_a_data_set_that_is_missing_is_refused() -> None:
    chart = Chart("c", "", {"data": {"name": "points"}})
    page = Page("", "", "", [], [Section("a", "", [chart])])
    with pytest.raises(ValueError, match=r"^Page\.datasets must have 'points', not \[\]$"):
        render(page)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("no JSON", "run.json must be a store or a JSON document, not Expecting value"),
        ("[1]", "run.json must be a JSON object, not list"),
        ('{"kind": "other"}', "run.json.kind must be one of afp-hw.space, afp-hw.pe"),
        ('{"a": 1}', "run.json must be a document of explore, run, energy, evaluate, search"),
        ('{"kind": "afp-hw.space"}', "run.json must be a whole afp-hw.space document"),
    ],
)
def test_what_is_no_run_is_refused_in_a_sentence(
    text: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.json"
    path.write_text(text)
    out = tmp_path / "report.html"
    assert main(["report", str(path), "-o", str(out)]) == 2
    assert capsys.readouterr().err.startswith(f"afp-hw: {sentence}")
    assert not out.exists()


def test_a_file_that_is_missing_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "run.json"
    assert main(["report", str(missing), "-o", str(tmp_path / "report.html")]) == 2
    assert capsys.readouterr().err == f"afp-hw: {missing}: No such file or directory\n"
