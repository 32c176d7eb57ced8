"""``afp-hw compare`` and ``synth pe --optimise`` as a user runs them, on a reduced set."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from afp_hw.cli.main import main

SET = ["--formats", "e2m0,int2", "--clock-ns", "6"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("AFP_HW_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def written(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    assert main(["compare", *SET, "--k", "16", "-o", str(out)]) == 2  # the layer's sums are longer
    assert not list(out.iterdir())
    assert main(["compare", *SET, "-o", str(out)]) == 0
    return out


def test_files_are_there_and_rows_hold_together(written: Path) -> None:
    names = sorted(path.name for path in written.iterdir())
    assert names == [f"compare.{s}" for s in ("csv", "json", "md", "png", "svg")]
    found = json.loads((written / "compare.json").read_text())
    rows = {row["format"]: row for row in found["rows"]}
    assert list(rows) == ["e2m0", "int2"]
    for row in rows.values():
        assert row["energy_glitch_fj"] >= row["energy_fj"] > 0
        assert row["area_energy"] == pytest.approx(row["area_um2"] * row["energy_glitch_fj"])
        assert row["best"]["checked"] > 0
        assert row["best"]["meets_clock"]
    assert found["conditions"]["k"] == 1024
    table = list(csv.DictReader((written / "compare.csv").read_text().splitlines()))
    assert [row["format"] for row in table] == list(rows)
    assert float(table[0]["area_um2"]) == rows["e2m0"]["area_um2"]
    markdown = (written / "compare.md").read_text()
    assert all(f"| {name} |" in markdown for name in rows)


def test_the_same_bytes_again(written: Path, tmp_path: Path) -> None:
    assert main(["compare", *SET, "-o", str(tmp_path)]) == 0
    for path in written.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


def test_a_row_is_what_synth_says_of_its_design(
    written: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = json.loads((written / "compare.json").read_text())["rows"][0]
    best = row["best"]
    options = best["options"]
    arguments = ["synth", "pe", "--weights", "e2m0", "--acts", "e2m0", "--k", "1024"]
    arguments += ["--clock-ns", "6", "--recipe", best["recipe"], "--operands", "random:64"]
    arguments += ["--registers", ",".join(options["registers"]) or "none"]
    arguments += ["--segments", ",".join(map(str, options["segments"])) or "none"]
    arguments += ["--decode", options["decode"], "--multiplier", options["multiplier"]]
    arguments += ["--gate-zeros" if options["gate_zeros"] else "--no-gate-zeros", "--json"]
    assert main(arguments) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["name"] == best["design"]
    assert report["area_um2"] == pytest.approx(row["area_um2"])
    assert report["delay_ns"] == pytest.approx(row["delay_ns"])
    assert report["energy_glitch_fj"] > report["energy_fj"] > 0


@pytest.mark.slow
def test_synth_searches_and_writes_its_front(
    written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["synth", "pe", "--weights", "e2m0", "--acts", "e2m0", "--k", "1024"]
    arguments += ["--clock-ns", "6", "--operands", "random:16"]
    arguments += ["--optimise", "energy", "-o", str(tmp_path)]
    assert main(arguments) == 0
    assert "Pareto set" in capsys.readouterr().out
    (path,) = tmp_path.glob("*.optimise.json")
    found = json.loads(path.read_text())
    least = min(point["energy_glitch_fj"] for point in found["pareto"] if point["meets_clock"])
    assert found["best"]["energy"]["energy_glitch_fj"] == least
    report = json.loads(next(tmp_path.glob("*.synth.json")).read_text())
    assert report["name"] == found["best"]["energy"]["design"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["compare", "--formats", "posit8"], "a format must be"),
        (["compare", "--formats", "e3m1,"], "a format must be"),
        (["compare", "--formats", "e3m1/int8"], "both formats of one kind"),
        (["compare", "--lanes", "0"], "must be numbers from 1"),
        (["compare", "--lanes", "65"], "Design.lanes must be in 1..64"),
        (["compare", "--clock-ns", "0"], "--clock-ns must be positive"),
        (["compare", "--quick", "--formats", "e3m1"], "--quick must stand alone"),
        (["compare", "--operands", "embedded"], "--operands must be MODEL:LAYER"),
        (["compare", "--operands", "x.onnx:conv"], "must come with --input"),
        (["compare", "--operands", "embedded:nothing"], "nothing"),
        (["synth", "array", "--weights", "e3m1", "--acts", "e3m1", "--optimise", "area"], "a pe"),
    ],
)
def test_bad_input_is_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
