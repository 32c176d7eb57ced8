"""``afp-hw verilog``: the two files, the same bytes again, bad input, killed runs."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from afp_hw.cli.main import main

FLAGS = ["--weights", "e3m1", "--acts", "ue3m2", "--k", "64"]
RECIPE = '[design]\nweights = "e3m1"\nacts = "ue3m2"\nrows = 2\ncols = 3\nk = 64\n'
NAMES = {
    "pe": "pe_e3m1_ue3m2_k64",
    "array": "array_2x3_e3m1_ue3m2_k64",
    "requantizer": "requantizer_24_ue3m2",
}


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "design.toml"
    path.write_text(RECIPE)
    return path


def sentence(capsys: pytest.CaptureFixture[str]) -> str:
    text = capsys.readouterr().err
    assert text.startswith("afp-hw: ")
    assert text.count("\n") == 1
    return text.removeprefix("afp-hw: ").rstrip("\n")


@pytest.mark.parametrize("kind", NAMES)
def test_each_kind_gives_verilog_and_manifest(
    kind: str, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "deep" / "out"
    assert main(["verilog", kind, "--design", str(recipe), "-o", str(out)]) == 0
    name = NAMES[kind]
    assert sorted(path.name for path in out.iterdir()) == [f"{name}.json", f"{name}.v"]
    verilog = (out / f"{name}.v").read_text()
    manifest = json.loads((out / f"{name}.json").read_text())
    assert re.search(rf"^module {name}\(", verilog, re.MULTILINE)
    assert manifest["kind"] == kind
    assert manifest["sha256"] == hashlib.sha256(verilog.encode()).hexdigest()
    printed = capsys.readouterr().out
    assert str(out / f"{name}.v") in printed
    assert f"latency {manifest['latency_cycles']} cycles" in printed


def test_flags_and_recipe_give_the_same_bytes_as_does_a_second_run(
    recipe: Path, tmp_path: Path
) -> None:
    flags = [*FLAGS, "--rows", "2", "--cols", "3"]
    runs = [flags, ["--design", str(recipe)], flags]
    written = []
    for number, arguments in enumerate(runs):
        out = tmp_path / str(number)
        # A process of its own: hashes and sets are ordered otherwise there.
        subprocess.run(
            [sys.executable, "-m", "afp_hw", "verilog", "array", *arguments, "-o", str(out)],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONHASHSEED": str(number)},
        )
        written.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert len(written[0]) == 2
    assert written[0] == written[1] == written[2]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--weights", "e9m1", "--acts", "e3m1"], r"n_exp must be in 0\.\.8, not 9"),
        (["--weights", "e6m1", "--acts", "e3m1"], r"Design\.weights must have n_exp in 0\.\.5"),
        (["--weights", "e3m11", "--acts", "e3m1"], r"n_man in 0\.\.10 in hardware, not 'e3m11'"),
        (["--weights", "e0m0", "--acts", "e3m1"], r"n_exp \+ n_man must be at least 1, not 0"),
        (["--weights", "fp4", "--acts", "e3m1"], r"must be written like 'e3m1'.*not 'fp4'"),
        ([*FLAGS, "--k", "0"], r"^Design\.k must be in 1\.\.1048576, not 0$"),
        ([*FLAGS, "--rows", "0"], r"^Design\.rows must be in 1\.\.256, not 0$"),
        ([*FLAGS, "--rows", "1000000"], r"^Design\.rows must be in 1\.\.256, not 1000000$"),
        ([*FLAGS, "--lanes", "-1"], r"^Design\.lanes must be in 1\.\.64, not -1$"),
        ([*FLAGS, "--registers", "4"], r"^Design\.registers must be some of significand, product"),
        ([*FLAGS, "--k", "many"], r"'--k': 'many' is not a valid integer"),
        (["--weights", "e3m1"], r"^a design must have --acts FORMAT, or be a recipe"),
        ([], r"^a design must have --weights FORMAT, or be a recipe"),
    ],
)
def test_a_bad_design_is_one_sentence_and_nothing_is_written(
    flags: list[str], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verilog", "array", *flags, "-o", str(tmp_path / "out")]) == 2
    assert re.search(expected, sentence(capsys))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (RECIPE.replace("rows", "row"), r"not 'row'; did you mean 'rows'$"),
        (RECIPE.replace("[design]", "[desing]"), r"not 'desing'; did you mean 'design'$"),
        (RECIPE.replace("rows = 2", 'rows = "2"'), r"^Design\.rows must be an integer, not '2'$"),
        (RECIPE.replace("rows = 2", "rows = 2.5"), r"^Design\.rows must be an integer, not 2\.5$"),
        (RECIPE.replace("rows = 2", "rows = 0"), r"^Design\.rows must be in 1\.\.256, not 0$"),
        (RECIPE.replace('acts = "ue3m2"\n', ""), r"must have the key 'acts'"),
        ("rows = ", r"^bad\.toml must be TOML"),
        ("\0", r"^bad\.toml must be TOML"),
    ],
)
def test_a_bad_recipe_is_one_sentence(
    text: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    assert main(["verilog", "pe", "--design", str(path), "-o", str(tmp_path / "out")]) == 2
    assert re.search(expected, sentence(capsys))
    assert not (tmp_path / "out").exists()


def test_a_recipe_that_cannot_be_read_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path, reason in ((tmp_path / "none", "No such file"), (tmp_path, "Is a directory")):
        assert main(["verilog", "pe", "--design", str(path), "-o", str(tmp_path / "out")]) == 2
        assert reason in sentence(capsys)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    assert main(["verilog", "pe", "--design", str(binary), "-o", str(tmp_path / "out")]) == 2
    assert sentence(capsys) == "binary.toml must be TOML in UTF-8, not binary"


def test_a_recipe_beside_flags_is_refused(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--design", str(recipe), "--gate-zeros", "--init-max", "0", "-o", str(tmp_path)]
    assert main(["verilog", "pe", *arguments]) == 2
    assert sentence(capsys).startswith(
        "--design must stand alone, not beside --gate-zeros, --init-max"
    )


def test_a_file_in_place_of_the_output_folder_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("mine")
    assert main(["verilog", "pe", *FLAGS, "-o", str(tmp_path / "out")]) == 2
    assert sentence(capsys).startswith("out must be a writable folder, not ")
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to read-only folders")
def test_a_read_only_output_folder_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir(mode=0o555)
    assert main(["verilog", "pe", *FLAGS, "-o", str(tmp_path / "out")]) == 2
    assert sentence(capsys).endswith("(Permission denied)")


# The child writes one large file after another; it is stopped in the middle of some write.
WRITER = """
import sys
from pathlib import Path
from afp_hw.cli import main as cli
from afp_hw.files import write_atomic
import click

@click.command()
def writing():
    for number in range(100000):
        write_atomic(Path(sys.argv[1]) / "a.v", b"%06d" % number * 500000)

cli.root.get_command = lambda ctx, name: writing
print("ready", flush=True)
sys.exit(cli.main(["verilog"]))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_killed_run_leaves_no_half_written_file(number: signal.Signals, tmp_path: Path) -> None:
    for delay in (0.05, 0.1, 0.15, 0.2):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        with child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            while not (tmp_path / "a.v").exists():
                time.sleep(0.01)
            time.sleep(delay)
            child.send_signal(number)
            status = child.wait(timeout=30)
        assert status == (-9 if number == signal.SIGKILL else 128 + number)
        content = (tmp_path / "a.v").read_bytes()
        assert content == content[:6] * 500000
        if number != signal.SIGKILL:  # which leaves no time to remove the temporary file
            assert [path.name for path in tmp_path.iterdir()] == ["a.v"]
