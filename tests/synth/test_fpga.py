"""FPGA results: relations between designs, devices as nextpnr has them, repeatable, refused."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from afp_hw.design import Design
from afp_hw.errors import ToolError
from afp_hw.formats import AFPFormat
from afp_hw.synth.fpga import FpgaReport, synthesize_fpga
from afp_hw.synth.fpga_devices import DEVICES, FAMILIES, RESOURCES, Device
from afp_hw.synth.fpga_harness import harness_verilog
from afp_hw.synth.fpga_place import Placer, find_placer
from afp_hw.synth.run import emit

# Products of {a} x {a} bits, {n} of them, each with operands and a result register of its own.
PRODUCTS = """
module products(input clk, input [{a}*{n}-1:0] a, b, output reg [2*{a}*{n}-1:0] y);
  genvar i;
  generate for (i = 0; i < {n}; i = i + 1) begin : each
    always @(posedge clk) y[2*{a}*i +: 2*{a}] <= a[{a}*i +: {a}] * b[{a}*i +: {a}];
  end endgenerate
endmodule
"""
SUM = """
module sum(input clk, input [{w}-1:0] a, b, output reg [{w}-1:0] y);
  always @(posedge clk) y <= y + (a ^ b);
endmodule
"""
CHAIN = """
module chain(input clk, a, output y);
  reg [{n}-1:0] held;
  always @(posedge clk) held <= {{held, a}};
  assign y = held[{n}-1];
endmodule
"""
Run = Callable[..., FpgaReport]

needs = {
    family: pytest.mark.skipif(
        find_placer(family) is None,
        reason=f"needs nextpnr-{family} (pip install 'afp-hw[fpga]')",
    )
    for family in FAMILIES
}
EACH_FAMILY = [pytest.param(family, marks=needs[family]) for family in FAMILIES]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Map Verilog, or a processing element of a format, into a folder of its own."""

    def synthesized(
        family: str,
        verilog: str | None = None,
        top: str = "",
        *,
        element: str = "e3m1",
        folder: str = "work",
        **options: Any,
    ) -> FpgaReport:
        if verilog is None:
            fmt = AFPFormat.parse(element)
            emitted = emit("pe", Design(weights=fmt, acts=fmt, k=64))
            verilog, top = emitted.verilog, emitted.name
        source = tmp_path / folder / "source" / f"{top}.v"
        source.parent.mkdir(parents=True)
        source.write_text(verilog)
        options = {"clock_ns": 10.0, **options}
        return synthesize_fpga([source], top, family, work_dir=tmp_path / folder, **options)

    return synthesized


@pytest.fixture
def without_placer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without nextpnr, native or packaged."""
    found = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> Any:
        return None if name.startswith("yowasp") else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.usefixtures("without_placer")
def test_more_bits_take_more_of_everything(run: Run, family: str) -> None:
    reports = [run(family, element=each, folder=each) for each in ("e2m1", "e3m1", "e3m2")]
    for smaller, larger in pairwise(reports):
        assert smaller.luts < larger.luts
        assert smaller.flip_flops < larger.flip_flops
        assert smaller.carries <= larger.carries


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.usefixtures("without_placer")
def test_an_element_of_few_significand_bits_needs_no_multiplier_block(
    run: Run, family: str
) -> None:
    allowed = run(family, element="e3m1", folder="allowed")
    assert (allowed.dsps, allowed.brams) == (0, 0)
    assert run(family, element="e3m1", folder="refused", dsp=False) == allowed


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.usefixtures("without_placer")
def test_a_wide_product_takes_a_multiplier_block_where_allowed(run: Run, family: str) -> None:
    wide = PRODUCTS.format(a=8, n=1)
    block = run(family, wide, "products", folder="block")
    soft = run(family, wide, "products", folder="soft", dsp=False)
    assert (block.dsps, soft.dsps) == (1, 0)
    assert block.luts < soft.luts
    narrow = run(family, PRODUCTS.format(a=5, n=1), "products", folder="narrow")
    assert narrow.dsps == 0


@pytest.mark.usefixtures("without_placer")
def test_a_device_without_multiplier_blocks_gets_none(run: Run) -> None:
    report = run("ice40", PRODUCTS.format(a=8, n=1), "products", device="hx8k")
    assert (report.dsps, report.device) == (0, "hx8k")


@pytest.mark.parametrize("family", EACH_FAMILY)
def test_same_input_and_seed_give_the_same_bytes(run: Run, family: str, tmp_path: Path) -> None:
    one, two = (run(family, element="e2m1", folder=folder) for folder in ("one", "two"))
    assert one == two
    assert one.json_text() == two.json_text()
    for name in (
        *("netlist.v", "netlist.json", "pack.json"),
        *("harness/netlist.json", "harness/place.json"),
    ):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("family", EACH_FAMILY)
def test_a_longer_sum_is_larger_and_slower(run: Run, family: str) -> None:
    short, long = (run(family, SUM.format(w=w), "sum", folder=str(w)) for w in (8, 64))
    assert short.fmax_mhz is not None
    assert long.fmax_mhz is not None
    assert long.fmax_mhz < short.fmax_mhz
    assert short.logic_cells is not None
    assert long.logic_cells is not None
    assert long.logic_cells > short.logic_cells >= max(short.luts, short.flip_flops)
    assert long.fmax_of_design
    assert "does not meet" in dict(replace(long, clock_ns=0.1).figures())["Fmax"]


@pytest.mark.parametrize("family", EACH_FAMILY)
def test_a_path_of_the_harness_is_not_taken_for_one_of_the_design(run: Run, family: str) -> None:
    report = run(
        family, "module wires(input [7:0] a, output [7:0] y);assign y=a;endmodule", "wires"
    )
    assert (report.luts, report.flip_flops, report.fmax_of_design) == (0, 0, False)
    assert any("harness: the design alone is faster" in note for note in report.notes)


@pytest.mark.parametrize(
    "device",
    [pytest.param(each, marks=needs[each.family], id=each.name) for each in DEVICES],
)
def test_sizes_of_devices_are_those_of_nextpnr(run: Run, device: Device, tmp_path: Path) -> None:
    report = run(device.family, SUM.format(w=4), "sum", device=device.name)
    assert report.fmax_mhz is not None
    found = json.loads((tmp_path / "work" / "pack.json").read_text())["utilization"]
    for resource, names in RESOURCES[device.family].items():
        for name in names:
            assert found.get(name, {"available": 0})["available"] == device.has(resource)


@pytest.mark.usefixtures("without_placer")
def test_a_device_that_is_too_small_is_refused_and_a_larger_one_named(run: Run) -> None:
    sentence = (
        r"^synthesize_fpga\.device must have 6,000 logic cells for chain, not 5,280 as up5k has; "
        "hx8k has enough$"
    )
    with pytest.raises(ValueError, match=sentence):
        run("ice40", CHAIN.format(n=6000), "chain", folder="cells")
    sentence = "must have 30 DSPs for products, not 28 as 25k has; 45k has enough$"
    with pytest.raises(ValueError, match=sentence):
        run("ecp5", PRODUCTS.format(a=8, n=30), "products", folder="dsps")
    sentence = "must have 9 DSPs for products, not 8 as up5k has; no ice40 here has enough$"
    with pytest.raises(ValueError, match=sentence):
        run("ice40", PRODUCTS.format(a=8, n=9), "products", folder="none")


@pytest.mark.slow
@needs["ice40"]
def test_a_device_that_is_too_small_for_the_harness_is_refused_too(run: Run) -> None:
    sentence = r"must have 5,28\d logic cells for chain and the harness around it, not 5,280"
    with pytest.raises(ValueError, match=sentence):
        run("ice40", CHAIN.format(n=5279), "chain")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.usefixtures("without_placer")
def test_without_nextpnr_there_are_counts_and_a_sentence(run: Run, family: str) -> None:
    report = run(family)
    assert report.luts > 0
    assert (report.fmax_mhz, report.logic_cells, report.placer) == (None, None, None)
    assert any(f"need nextpnr-{family}, which is not installed" in each for each in report.notes)
    found = report.as_json()
    assert (found["fmax_mhz"], found["placer"], found["flip_flops"]) == (
        None,
        None,
        report.flip_flops,
    )
    assert f"| flip-flops | {report.flip_flops} |" in report.markdown()


def nextpnr(folder: Path, body: str) -> None:
    """A native nextpnr-ecp5 in `folder`: tells its version, and otherwise does what `body` says."""
    path = folder / "nextpnr-ecp5"
    version = '"nextpnr-ecp5" -- Next Generation Place and Route (Version 0.4-1+b1)'
    path.write_text(f"#!/bin/sh\n[ \"$1\" = --version ] && echo '{version}' >&2 && exit\n{body}\n")
    path.chmod(0o755)


def test_a_native_nextpnr_goes_before_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nextpnr(tmp_path, "exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert find_placer("ecp5") == Placer("nextpnr-ecp5 0.4", (str(tmp_path / "nextpnr-ecp5"),))


def test_a_nextpnr_that_fails_is_an_error_of_the_tool(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nextpnr(tmp_path, "echo out of luck; exit 7")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(
        ToolError, match=r"^nextpnr-ecp5 ended with exit status 7; its log"
    ) as error:
        run("ecp5", SUM.format(w=4), "sum")
    assert error.value.log is not None
    assert error.value.log.read_text() == "out of luck\n"


def test_bad_arguments_are_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"family must be ecp5 or ice40, not 'xilinx'"):
        run("xilinx", folder="family")
    with pytest.raises(ValueError, match=r"device must be one of 25k, 45k, 85k for ecp5, not '5k'"):
        run("ecp5", folder="device", device="5k")
    with pytest.raises(ValueError, match=r"synthesize_fpga\.clock_ns must be positive, not 0"):
        run("ecp5", folder="clock", clock_ns=0)
    with pytest.raises(ValueError, match=r"seed must be in 0\.\.2\*\*31 - 1, not -1"):
        run("ecp5", folder="seed", seed=-1)
    with pytest.raises(ValueError, match="verilog_files must exist"):
        synthesize_fpga([tmp_path / "no.v"], "no", "ecp5", work_dir=tmp_path, clock_ns=1)


def test_bad_verilog_is_an_error_of_the_tool(run: Run) -> None:
    with pytest.raises(ToolError, match=r"^yosys ended with exit status 1; its log is"):
        run("ecp5", "module bad(input a; endmodule", "bad")


@needs["ecp5"]
def test_designs_that_the_harness_cannot_drive_are_refused(run: Run) -> None:
    other = SUM.format(w=4).replace("clk", "tick")
    with pytest.raises(ValueError, match="all flip-flops on the input clk, not on another clock"):
        run("ecp5", other, "sum")


def test_ports_that_the_harness_cannot_drive_are_refused() -> None:
    ports = {"pad": {"direction": "inout", "bits": [2]}, "a": {"direction": "input", "bits": [3]}}
    with pytest.raises(ValueError, match="must have inputs and outputs only, not inout pad"):
        harness_verilog("top", ports)
    del ports["pad"]
    with pytest.raises(ValueError, match="must have an output, not none as top has"):
        harness_verilog("top", ports)
