"""Waveforms, only when asked for, of a run that is as exact as one without."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from afp_hw.design import Design
from afp_hw.formats import AFPFormat
from afp_hw.golden import gemm, to_fix
from afp_hw.rtlsim import ArraySimulator

TINY = Design(AFPFormat.parse("e2m1"), AFPFormat.parse("ue1m1"), rows=2, cols=2, k=5)


def _run(simulator):
    random = np.random.default_rng(2)
    act, wgt = random.integers(0, 4, (5, 4)), random.integers(0, 16, (4, 2))
    result = simulator.run(act, wgt)
    assert (result.acc == gemm(to_fix(act, TINY.acts), to_fix(wgt, TINY.weights))).all()
    return result


def test_a_vcd_has_every_clock_edge_and_is_whole_when_closed(tmp_path):
    path = tmp_path / "wave.vcd"
    with ArraySimulator(TINY, trace=path) as simulator:
        result = _run(simulator)
        assert not path.exists()
    text = path.read_text()
    clock = next(line.split()[3] for line in text.splitlines() if line.split()[4:5] == ["clk"])
    # an edge of reset in front of those that are counted, idle ones behind
    assert text.splitlines().count(f"1{clock}") > result.cycles + 1
    assert [file.name for file in tmp_path.iterdir()] == ["wave.vcd"]


def test_an_fst_is_written_where_its_compression_is_installed_and_refused_elsewhere(tmp_path):
    path = tmp_path / "wave.fst"
    headers = [Path("/usr/include", name).exists() for name in ("lz4.h", "zlib.h")]
    if not all(headers):
        with pytest.raises(
            FileNotFoundError, match=r"^liblz4-dev and zlib1g-dev must be installed"
        ):
            ArraySimulator(TINY, trace=path)
        assert not list(tmp_path.iterdir())
        return
    with ArraySimulator(TINY, trace=path) as simulator:
        _run(simulator)
    assert path.stat().st_size > 100


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"trace must end in \.vcd or \.fst, not '.*wave\.txt'"):
        ArraySimulator(TINY, trace=tmp_path / "wave.txt")


def test_a_folder_that_does_not_exist_is_found_before_anything_is_built(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: pytest.fail("a tool was looked for"))
    with pytest.raises(FileNotFoundError):
        ArraySimulator(TINY, trace=tmp_path / "missing" / "wave.vcd")


def test_a_trace_of_an_interrupted_run_is_not_kept(tmp_path):
    path = tmp_path / "wave.vcd"
    path.write_text("an earlier one")

    def interrupt():
        with ArraySimulator(TINY, trace=path) as simulator:
            _run(simulator)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert path.read_text() == "an earlier one"
    assert list(tmp_path.iterdir()) == [path]
