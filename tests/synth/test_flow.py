"""Synthesis of small designs: right, repeatable, measured alike by two timers, refused clearly."""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afp_hw.errors import ToolError
from afp_hw.synth import opensta
from afp_hw.synth.flow import SynthReport, synthesize
from afp_hw.synth.gatesim import GateSimulator, lane_integers
from afp_hw.synth.netlist import read_netlist
from afp_hw.synth.recipes import RECIPES, Recipe
from afp_hw.synth.technology import Technology
from afp_hw.synth.timing import clock_period_s

PDK = Path(__file__).parents[3] / "shared" / "pdk"
SKY130 = PDK / "sky130_fd_sc_hd__tt_025C_1v80.lib.gz"
BY_NAME = {recipe.name: recipe for recipe in RECIPES}
Run = Callable[..., SynthReport]

# The structure of a processing element (numerics section 5): sign-magnitude significands, exponent
# adder, shifter, signed accumulator with a first tag. {s} bits of significand, {e} of exponent.
MAC = """
module magnitude(input [{s}-1:0] a, b, output [2*{s}-1:0] y);
  assign y = a * b;
endmodule
module mac(input clk, rst, i_first, i_sign, input [{s}-1:0] a, b, input [{e}-1:0] ea, eb,
           output reg signed [{w}-1:0] o_acc);
  wire [2*{s}-1:0] sig;
  magnitude multiplier(.a(a), .b(b), .y(sig));
  wire [{e}:0] shift = ea + eb;
  wire [{w}-1:0] product = {{{{({w}-2*{s}){{1'b0}}}}, sig}} << shift;
  reg [{w}-1:0] s1_product;
  reg s1_sign, s1_first;
  always @(posedge clk) begin
    s1_product <= product;
    s1_sign <= i_sign;
    s1_first <= i_first;
    if (rst) o_acc <= 0;
    else o_acc <= (s1_first ? {w}'d0 : o_acc) + (s1_sign ? -s1_product : s1_product);
  end
endmodule
"""
# Adders of every kind that the maps must get right: signed, mixed widths, borrow, comparison, three
# operands, a constant, and a product.
ARITHMETIC = """
module arithmetic(input signed [4:0] a, input signed [2:0] b, input [3:0] c,
                  output signed [6:0] sum, difference, three, output [7:0] up,
                  output less, same, output signed [8:0] fused);
  assign sum = a + b;
  assign difference = b - a;
  assign three = a + b + $signed({1'b0, c});
  assign up = c + 8'd11;
  assign less = a < b;
  assign same = a == b;
  assign fused = a * b + $signed({1'b0, c});
endmodule
"""


@pytest.fixture(scope="module")
def technology() -> Technology:
    return Technology.sky130()


@pytest.fixture
def run(technology: Technology, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Synthesise a MAC of given widths, or other Verilog, into a folder of its own."""
    monkeypatch.setenv("AFP_HW_CACHE", str(tmp_path / "cache"))

    def synthesized(
        recipe: Recipe | str = "prefix",
        *,
        verilog: str | None = None,
        top: str = "mac",
        library: Technology = technology,
        folder: str = "work",
        clock_ns: float = 10.0,
        flatten: bool = True,
        s: int = 2,
        e: int = 2,
        w: int = 16,
    ) -> SynthReport:
        source = tmp_path / f"{top}.v"
        source.write_text(MAC.format(s=s, e=e, w=w) if verilog is None else verilog)
        found = BY_NAME[recipe] if isinstance(recipe, str) else recipe
        return synthesize(
            [source],
            top,
            library,
            found,
            clock_ns=clock_ns,
            flatten=flatten,
            work_dir=tmp_path / folder,
        )

    return synthesized


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_each_recipe_keeps_the_arithmetic(run: Run, technology: Technology, recipe: Recipe) -> None:
    report = run(recipe, verilog=ARITHMETIC, top="arithmetic")
    assert (report.flip_flops, report.cells) == (0, sum(report.cell_counts.values()))
    netlist = read_netlist(report.netlist_json, technology.cells)
    codes = np.arange(1 << 12)
    a, b, c = codes >> 7, codes >> 4 & 7, codes & 15
    outputs = GateSimulator(netlist, len(codes)).run(
        {
            "a": a[None].astype(np.uint8),
            "b": b[None].astype(np.uint8),
            "c": c[None].astype(np.uint8),
        }
    )
    a, b = (a ^ 16) - 16, (b ^ 4) - 4
    expected = {
        "sum": a + b,
        "difference": b - a,
        "three": a + b + c,
        "up": c + 11,
        "less": a < b,
        "same": a == b,
        "fused": a * b + c,
    }
    for name, values in expected.items():
        signed = name not in ("up", "less", "same")
        found = lane_integers(outputs[name][0], len(codes), signed=signed)
        assert np.array_equal(found, values), name


def test_full_adder_cells_are_used_where_asked_and_present(
    run: Run, technology: Technology
) -> None:
    adder = "sky130_fd_sc_hd__fa_1"
    cells = run("cells")
    assert cells.cell_counts[adder] >= 10
    assert adder not in run("ripple").cell_counts
    without = technology.restricted(set(technology.cells) - {adder})
    assert without.full_adder is None
    assert run("cells", library=without).flip_flops == cells.flip_flops


def test_same_input_gives_the_same_netlist(run: Run) -> None:
    for flatten in (True, False):
        one = run("cells", folder="one", flatten=flatten)
        two = run("cells", folder="two", flatten=flatten)
        assert one.netlist_verilog.read_bytes() == two.netlist_verilog.read_bytes()
        assert one.netlist_json.read_bytes() == two.netlist_json.read_bytes()
        files = {"netlist_verilog": two.netlist_verilog, "netlist_json": two.netlist_json}
        assert replace(one, **files) == two


def test_a_longer_accumulator_is_larger_and_slower(run: Run) -> None:
    short, long = (run("ripple", w=width) for width in (12, 24))
    assert long.area_um2 > short.area_um2
    assert long.delay_ns > short.delay_ns
    assert long.flip_flops - short.flip_flops >= 12


def test_blocks_add_up_where_the_hierarchy_is_kept(run: Run) -> None:
    kept = run(flatten=False)
    assert set(kept.block_areas_um2) == {"multiplier", "other"}
    assert sum(kept.block_areas_um2.values()) == pytest.approx(kept.area_um2)
    assert set(run(flatten=True).block_areas_um2) != set(kept.block_areas_um2)


def test_a_tight_clock_buys_speed_with_area(run: Run) -> None:
    slow, fast = (run("ripple-fast", w=24, clock_ns=clock) for clock in (20.0, 1.5))
    assert fast.delay_ns < slow.delay_ns
    assert fast.area_um2 > slow.area_um2


@pytest.mark.skipif(not opensta.available(), reason="needs OpenSTA (sta)")
def test_timing_from_tables_is_that_of_opensta(
    run: Run, technology: Technology, monkeypatch: pytest.MonkeyPatch
) -> None:
    for recipe, flatten in (("cells", True), ("prefix", False), ("ripple-fast", True)):
        report = run(recipe, flatten=flatten)
        assert report.delay_source == "OpenSTA"
        own = clock_period_s(read_netlist(report.netlist_json, technology.cells)) * 1e9
        assert own == pytest.approx(report.delay_ns, abs=1e-4)  # 0.1 ps: docs/silicon.md
    monkeypatch.setattr(opensta, "available", lambda: False)
    report = run("cells")
    assert report.delay_source == "tables"


def test_bad_verilog_is_an_error_of_the_tool(run: Run, tmp_path: Path) -> None:
    with pytest.raises(
        ToolError, match=r"^yosys ended with exit status 1; its log is .*yosys\.log"
    ) as e:
        run(verilog="module mac(input a; endmodule")
    assert e.value.log == tmp_path / "work" / "yosys.log"
    assert "syntax error" in e.value.log.read_text()
    assert e.value.status == 1
    with pytest.raises(ToolError):
        run(top="absent")


def test_a_netlist_without_its_end_is_an_error_of_the_tool(run: Run) -> None:
    size = run().netlist_json.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size - 100, hard))  # as on a full disk
    try:
        with pytest.raises(ToolError, match=r"^yosys ended with exit status 0"):
            run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_bad_arguments_are_refused(run: Run, technology: Technology, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"synthesize\.clock_ns must be positive, not 0"):
        run(clock_ns=0)
    with pytest.raises(ValueError, match="verilog_files must exist"):
        synthesize(
            [tmp_path / "no.v"], "mac", technology, RECIPES[0], clock_ns=1, work_dir=tmp_path
        )
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="must be a writable folder"):
        run(folder="file")


@pytest.mark.skipif(not SKY130.exists(), reason=f"needs {SKY130.name} in ../shared/pdk")
def test_embedded_figures_stand_for_the_full_library(run: Run, technology: Technology) -> None:
    full = Technology.from_liberty([SKY130]).restricted(technology.cells)
    for recipe, shape in (
        ("prefix", {}),
        ("cells", {}),
        ("ripple-fast", {"s": 3, "e": 3, "w": 28}),
    ):
        small = run(recipe, clock_ns=6.0, **shape)
        large = run(recipe, clock_ns=6.0, library=full, folder="full", **shape)
        assert small.area_um2 == pytest.approx(large.area_um2, rel=0.02)
        assert small.delay_ns == pytest.approx(large.delay_ns, rel=0.15)
