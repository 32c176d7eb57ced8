"""What comes out of a store: three tables that say the same, and the front by definition."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from afp_hw.cli import explore as command
from afp_hw.cli.main import main
from afp_hw.explore.axes import AXES
from afp_hw.explore.configuration import canonical
from afp_hw.explore.document import document_of, point_document
from afp_hw.explore.metrics import METRICS
from afp_hw.explore.provenance import provenance_of
from afp_hw.explore.space_file import load_space
from afp_hw.explore.store import DONE, Point, Stored
from afp_hw.explore.tables import csv_text, front_rows, json_text, named_axes, parquet_bytes, rows
from tests.explore.sweeps import executor, space_of, swept
from tests.explore.trivial_jobs import BREAKS, REFUSED

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of a sweep with a failure and a refusal."""
    folder = tmp_path_factory.mktemp("tables")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AFP_HW_TEST_FOLDER", str(folder))
        store = folder / "s.sqlite"
        top = 'objectives = ["cycles", "bytes_moved"]'
        swept(store, space_of([1, 2, 3, 8, BREAKS, REFUSED], [1, 2], top))
    return store


@pytest.fixture
def document(path: Path) -> dict[str, Any]:
    return document_of(path)


def text_of(value: Any) -> str:
    """A value as CSV has it."""
    return "" if value is None else str(value)


def test_csv_json_and_parquet_say_the_same(document: dict[str, Any]) -> None:
    by_csv = list(csv.DictReader(io.StringIO(csv_text(document))))
    by_parquet = pyarrow.parquet.read_table(io.BytesIO(parquet_bytes(document))).to_pylist()
    by_json = json.loads(json_text(document))
    assert by_json == document
    assert len(by_csv) == len(by_parquet) == len(by_json["points"]) == 12
    for line, row, point in zip(by_csv, by_parquet, by_json["points"], strict=True):
        assert line == {name: text_of(value) for name, value in row.items()}
        assert row["key"] == point["key"]
        assert row["state"] == point["state"]
        assert row["reason"] == point["reason"]
        for name in METRICS:
            assert row[name] == point["metrics"].get(name)
        for name, value in point["axes"].items():
            assert row[name] == (" ".join(value) if isinstance(value, list) else value)


def test_a_table_has_a_column_for_every_figure_whatever_was_measured(
    document: dict[str, Any],
) -> None:
    for row in rows(document):
        assert set(METRICS) <= set(row)
    states = [row["state"] for row in rows(document)]
    assert states == ["done"] * 8 + ["failed"] * 2 + ["refused"] * 2


def test_the_same_store_gives_the_same_bytes(path: Path) -> None:
    for make in (csv_text, json_text, parquet_bytes):
        assert make(document_of(path)) == make(document_of(path))


def test_export_writes_what_its_suffix_says(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], document: dict[str, Any]
) -> None:
    for name in ("p.csv", "p.json", "p.parquet", "p.txt"):
        out = tmp_path / name
        assert main(["explore", "export", str(path), "-o", str(out)]) == 0
        assert capsys.readouterr().out == f"{out}\n"
    assert (tmp_path / "p.csv").read_text() == csv_text(document)
    assert (tmp_path / "p.txt").read_text() == csv_text(document)
    assert (tmp_path / "p.json").read_text() == json_text(document)
    assert (tmp_path / "p.parquet").read_bytes() == parquet_bytes(document)
    assert main(["explore", "export", str(path), "--format", "json"]) == 0
    assert capsys.readouterr().out == json_text(document)
    assert main(["explore", "export", str(path), "--format", "parquet"]) == 2
    assert capsys.readouterr().err == "afp-hw: --out must be given for parquet, which is no text\n"


def better(a: dict[str, Any], b: dict[str, Any], names: list[str]) -> bool:
    """Whether point a is nowhere worse than b and somewhere better."""
    signs = [1 if METRICS[name].direction == "max" else -1 for name in names]
    pairs = [(s * a["metrics"][n], s * b["metrics"][n]) for n, s in zip(names, signs, strict=True)]
    return all(x >= y for x, y in pairs) and any(x > y for x, y in pairs)


@pytest.mark.parametrize(
    "names",
    [["cycles"], ["cycles", "bytes_moved"], ["utilisation", "time_ms", "cycles"]],
)
def test_the_front_is_what_no_other_point_beats(document: dict[str, Any], names: list[str]) -> None:
    measured = [point for point in document["points"] if point["state"] == "done"]
    expected = [p for p in measured if not any(better(q, p, names) for q in measured)]
    found = front_rows(document, names)
    assert sorted(p["key"] for p in found) == sorted(p["key"] for p in expected)
    sign = 1 if METRICS[names[0]].direction == "min" else -1
    first = [sign * point["metrics"][names[0]] for point in found]
    assert first == sorted(first)


def test_an_objective_that_nothing_measured_is_refused(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explore", "pareto", str(path), "--objectives", "cycles,accuracy"]) == 2
    assert capsys.readouterr().err == (
        "afp-hw: objective must be measured at some point, which 'accuracy' is not\n"
    )
    assert main(["explore", "pareto", str(path), "--objectives", "speed"]) == 2
    sentence = capsys.readouterr().err
    assert "must be some of accuracy, " in sentence
    assert "not 'speed'" in sentence
    assert sentence.count("\n") == 1


def test_pareto_prints_what_json_has(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore", "pareto", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["objectives"] == ["cycles", "bytes_moved"]
    assert main(["explore", "pareto", str(path)]) == 0
    text = capsys.readouterr().out
    assert f"trivial: {len(found['points'])} points on the front" in text
    assert "rows" in text
    assert "cols" in text


def test_axes_that_vary_name_the_rows_of_a_table(document: dict[str, Any]) -> None:
    assert named_axes(document) == ["rows", "cols"]
    assert named_axes({"space": {"axes": {"size": ["1x1", "2x2"], "lanes": [1]}}}) == [
        "rows",
        "cols",
    ]
    assert named_axes({"space": {"axes": {}}}) == ["formats"]
    assert named_axes({"space": {"axes": {"formats": ["e2m1", "e2m1@3.5"]}}}) == ["formats", "bits"]


def test_a_sweep_is_found_by_name_and_the_last_one_otherwise(
    traces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.sqlite"
    for name, count in (("one", [1]), ("two", [1, 2])):
        swept(path, space_of(count, top=f'name = "{name}"'))
    assert len(document_of(path)["points"]) == 2
    assert len(document_of(path, "one")["points"]) == 1
    assert main(["explore", "export", str(path), "--sweep", "three"]) == 2
    assert capsys.readouterr().err == "afp-hw: sweep must be one of one, two, not 'three'\n"


def test_a_dry_run_says_how_many_jobs_and_computes_none(
    traces: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command, "_executor", lambda *_: executor)
    monkeypatch.chdir(tmp_path)
    Path("s.toml").write_text('metrics = ["cycles"]\n[axes]\nrows = [1, 2, 3]\n')
    assert main(["explore", "s.toml", "--dry-run", "-j", "4", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["points"], plan["jobs"], plan["processes"]) == (3, 4, 4)
    assert plan["kinds"]["cycles"] == {
        "jobs": 3, "known": 0, "seconds": 1.0, "source": "a guess",
    }  # fmt: skip
    assert plan["seconds"] == pytest.approx((3 * 1.0 + 1.0) / 4)
    assert not Path("s.sqlite").exists()
    assert main(["explore", "s.toml"]) == 0
    capsys.readouterr()
    assert main(["explore", "s.toml", "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert {kind: item["known"] for kind, item in plan["kinds"].items()} == {
        "network": 1,
        "cycles": 3,
    }
    assert plan["seconds"] == 0
    assert plan["kinds"]["cycles"]["source"] == "measured here"
    assert main(["explore", "s.toml", "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("s: 3 points, 4 jobs\n")


def test_columns_stand_in_the_order_of_axes(document: dict[str, Any]) -> None:
    columns = list(rows(document)[0])
    axes = [name for name in columns if name in AXES]
    assert axes == list(AXES)


def measured(key: str, axes: dict[str, Any], delay_ns: float, area_um2: float) -> dict[str, Any]:
    """The document of a point of which the area is known."""
    result = {
        "area_um2": area_um2,
        "delay_ns": delay_ns,
        "meets_clock": delay_ns <= axes["clock_ns"],
        "areas_um2": {},
    }
    point = Point(0, key, axes, {"area": key})
    return point_document(point, {key: Stored(DONE, result)})


def test_a_point_that_misses_its_clock_is_late_and_on_no_front() -> None:
    axes = canonical({"clock_ns": 5.0})
    slow, quick = measured("a", axes, 5.25, 10.0), measured("b", axes, 5.0, 20.0)
    assert (slow["state"], quick["state"]) == ("late", "done")
    assert slow["reason"] == "area: the slowest circuit needs 5.250 ns, not 5 ns"
    assert quick["reason"] is None
    document = {"space": {"axes": {}}, "points": [slow, quick]}
    assert [point["key"] for point in front_rows(document, ["area_um2"])] == ["b"]


def test_a_misspelt_subcommand_is_not_taken_for_a_space(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explore", "statsu", str(path)]) == 2
    assert capsys.readouterr().err == (
        "afp-hw: No such command or file 'statsu'; did you mean 'status'? "
        "(see afp-hw explore --help)\n"
    )


def test_the_commands_of_a_page_give_it_again(document: dict[str, Any]) -> None:
    assert document["provenance"]["commands"] == [
        "afp-hw explore trivial.toml",
        "afp-hw report trivial.sqlite -o report.html",
    ]
    space = load_space(ROOT / "afp_hw" / "explore" / "embedded.toml")
    facts = {"embedded": {"images": 0, "data": "", "float32_accuracy": 0.0}}
    commands = provenance_of(space, facts)["commands"]
    assert commands[0] == "afp-hw explore embedded"
