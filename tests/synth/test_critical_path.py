"""The critical path: as long as the clock period, connected, and that of OpenSTA."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from circuits import LIBRARY, flat

from afp_hw import AFPFormat
from afp_hw.design import Design
from afp_hw.synth import RECIPES, Netlist, SynthReport, Technology, opensta, parse_netlist
from afp_hw.synth.critical_path import critical_path, edge_name
from afp_hw.synth.flow import synthesize
from afp_hw.synth.netlist import read_netlist
from afp_hw.synth.timing import clock_period_s
from afp_hw.verilog import emit_pe

DESIGN = Design(AFPFormat(3, 1), AFPFormat(3, 2, signed=False), k=64)

POINTS = """
foreach point [get_property [lindex [find_timing_paths] 0] points] {
  puts "pin [get_property [get_property $point pin] full_name]"
}
exit
"""


def _slashed(name: str) -> str:
    """A hierarchical name with OpenSTA's separator; the point of ``ff.cc`` is none of ours."""
    return name.replace(".", "/").replace("ff/cc", "ff.cc")


@pytest.fixture(scope="module")
def technology() -> Technology:
    return Technology.sky130()


@pytest.fixture(scope="module", params=[True, False], ids=["flat", "hierarchical"])
def report(
    request: pytest.FixtureRequest,
    technology: Technology,
    tmp_path_factory: pytest.TempPathFactory,
) -> SynthReport:
    work = tmp_path_factory.mktemp("path")
    source, _ = emit_pe(DESIGN).write(work)
    recipe = next(recipe for recipe in RECIPES if recipe.name == "prefix")
    return synthesize(
        [source],
        DESIGN.pe_name,
        technology,
        recipe,
        clock_ns=10,
        flatten=request.param,
        work_dir=work,
    )


@pytest.fixture(scope="module")
def netlist(report: SynthReport, technology: Technology) -> Netlist:
    return read_netlist(report.netlist_json, technology.cells, top=DESIGN.pe_name)


def test_the_path_takes_the_clock_period_to_the_last_bit(netlist: Netlist) -> None:
    path = critical_path(netlist)
    assert path is not None
    assert path.period_s == clock_period_s(netlist)
    arrival = 0.0
    for stage in path.stages:
        assert stage.increment_s == stage.arrival_s - arrival
        assert stage.increment_s > 0
        arrival = stage.arrival_s
    assert path.end.arrival_s == arrival
    assert path.end.setup_s > 0


def test_each_stage_drives_the_next(netlist: Netlist) -> None:
    path = critical_path(netlist)
    assert path is not None
    by_name = {instance.name: instance for instance in netlist.cells}
    first, *others = path.stages
    assert by_name[first.name].cell.flip_flop is not None
    assert first.from_pin == "CLK"
    before = first
    for stage in others:
        instance = by_name[stage.name]
        assert (instance.cell.name, instance.block) == (stage.cell, stage.block)
        assert instance.nets[stage.from_pin] == by_name[before.name].nets[before.pin]
        assert netlist.net_names[instance.nets[stage.pin]] == stage.net
        assert stage.load_f == netlist.load_f[instance.nets[stage.pin]] > 0
        before = stage
    assert path.end.instance is not None
    assert path.end.instance.nets[path.end.pin] == by_name[before.name].nets[before.pin]
    assert {edge_name(stage.edge) for stage in path.stages} == {"rise", "fall"}


@pytest.mark.skipif(not opensta.available(), reason="needs OpenSTA (sta)")
def test_the_path_is_that_of_opensta(
    report: SynthReport, netlist: Netlist, technology: Technology, tmp_path: Path
) -> None:
    path = critical_path(netlist)
    assert path is not None
    assert path.period_s * 1e9 == pytest.approx(report.delay_ns, abs=1e-4)
    assert netlist.clock is not None
    clock = netlist.net_names[netlist.clock]
    # Leaves the netlist as OpenSTA reads it, and its script, beside the netlist.
    opensta.opensta_period_s(report.netlist_verilog, netlist.top, technology.liberty_path(), clock)
    script = (report.netlist_verilog.parent / "sta.tcl").read_text()
    assert script.count("exit") == 1
    (tmp_path / "path.tcl").write_text(script.replace("exit", POINTS))
    done = subprocess.run(
        ["sta", "-no_init", "-no_splash", "-exit", str(tmp_path / "path.tcl")],
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = [line[4:] for line in done.stdout.splitlines() if line.startswith("pin ")]
    ours = [f"{stage.name}/{pin}" for stage in path.stages for pin in (stage.from_pin, stage.pin)]
    assert path.end.instance is not None
    ours = [*ours[1:], f"{path.end.instance.name}/{path.end.pin}"]  # theirs begins at the output
    assert len(ours) > 40
    assert theirs == [_slashed(name) for name in ours]


def test_a_path_may_go_from_an_input_to_an_output() -> None:
    cells = {"one": ("inv", {"A": "a", "Y": "y"})}
    netlist = parse_netlist(flat({"i": ("input", ["a"]), "o": ("output", ["y"])}, cells), LIBRARY)
    path = critical_path(netlist)
    assert path is not None
    # The cell has no arcs: nothing takes time, and the path begins at it.
    (stage,) = path.stages
    assert (stage.name, stage.cell, stage.arrival_s) == ("one", "inv", 0.0)
    assert (path.end.instance, path.end.pin, path.period_s) == (None, "y", 0.0)


def test_a_wire_from_input_to_output_is_a_path() -> None:
    netlist = parse_netlist(flat({"i": ("input", ["a"]), "o": ("output", ["a"])}, {}), LIBRARY)
    path = critical_path(netlist)
    assert path is not None
    assert [(stage.name, stage.cell) for stage in path.stages] == [("a", "input")]


def test_without_endpoints_there_is_no_path() -> None:
    netlist = parse_netlist(flat({"i": ("input", ["a"])}, {}), LIBRARY)
    assert critical_path(netlist) is None
    assert clock_period_s(netlist) == 0.0
