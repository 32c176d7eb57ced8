"""Files that are there whole or not at all."""

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from afp_hw.files import cache_dir, output_directory, write_atomic


def test_text_is_written_as_utf8_and_bytes_as_they_are(tmp_path: Path) -> None:
    assert write_atomic(tmp_path / "a", "µm\n") == tmp_path / "a"
    assert (tmp_path / "a").read_bytes() == b"\xc2\xb5m\n"
    write_atomic(tmp_path / "b", b"\x00\xff")
    assert (tmp_path / "b").read_bytes() == b"\x00\xff"


def test_a_file_is_replaced_and_no_other_is_left(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", "old")
    write_atomic(str(tmp_path / "a"), "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "new"


def test_permissions_are_those_of_an_ordinary_file(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomic(tmp_path / "a", "")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomic(tmp_path / "a", "\ud800")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def interrupt_at(line: int) -> Callable[..., Any]:
    """A trace function that interrupts `write_atomic` before its line of this number runs."""
    passed = 0

    def trace(frame: FrameType, event: str, _argument: object) -> Callable[..., Any] | None:
        nonlocal passed
        if frame.f_code is not write_atomic.__code__:
            return None
        if event == "line":
            passed += 1
            if passed == line:
                raise KeyboardInterrupt
        return trace

    return trace


# An interrupt between the opening of a file and its `with` leaves the closing to the interpreter.
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_an_interrupt_at_any_line_leaves_one_whole_file(tmp_path: Path) -> None:
    for line in range(1, 100):
        write_atomic(tmp_path / "a", "old")
        before = sys.gettrace()
        sys.settrace(interrupt_at(line))
        try:
            write_atomic(tmp_path / "a", "new")
        except KeyboardInterrupt:
            assert (tmp_path / "a").read_text() in {"old", "new"}
            assert [path.name for path in tmp_path.iterdir()] == ["a"], line
        else:
            break
        finally:
            sys.settrace(before)
    assert 5 < line < 99


def test_a_missing_folder_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomic(tmp_path / "none" / "a", "")


def test_output_directory_makes_its_parents_and_leaves_them_empty(tmp_path: Path) -> None:
    made = output_directory(tmp_path / "a" / "b")
    assert made == tmp_path / "a" / "b"
    assert list(made.iterdir()) == []
    assert output_directory(made) == made


def test_output_directory_refuses_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(
        ValueError, match=r"^out must be a writable folder, not '.*a' \(File exists\)$"
    ):
        output_directory(tmp_path / "a")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to read-only folders")
def test_output_directory_refuses_a_read_only_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0o555)
    with pytest.raises(
        ValueError, match=r"^out must be a writable folder, not .* \(Permission denied\)$"
    ):
        output_directory(tmp_path / "a")


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"AFP_HW_CACHE": "/x", "XDG_CACHE_HOME": "/y", "HOME": "/z"}, "/x"),
        ({"XDG_CACHE_HOME": "/y", "HOME": "/z"}, "/y/afp-hw"),
        ({"AFP_HW_CACHE": "", "XDG_CACHE_HOME": "", "HOME": "/z"}, "/z/.cache/afp-hw"),
    ],
)
def test_the_cache_is_where_the_environment_says(
    environment: dict[str, str], folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AFP_HW_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache_dir() == Path(folder)
