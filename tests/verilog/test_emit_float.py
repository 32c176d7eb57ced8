"""Emission of the floating-point PE: ports, manifest, the same bytes."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from afp_hw.design.float_design import FloatDesign
from afp_hw.formats.floating import BF16, FP8_E4M3, FP8_E5M2, FP32
from afp_hw.verilog import emit_float_pe

DESIGN = FloatDesign(FP8_E4M3, FP8_E5M2, 3, gate_zeros=True)


def test_ports_are_the_documented_ones() -> None:
    emitted = emit_float_pe(DESIGN)
    assert [(p["name"], p["direction"], p["width"]) for p in emitted.manifest["ports"]] == [
        ("clk", "input", 1),
        ("rst", "input", 1),
        ("i_valid", "input", 1),
        ("i_first", "input", 1),
        ("i_last", "input", 1),
        ("i_act", "input", 8),
        ("i_wgt", "input", 8),
        ("o_valid", "output", 1),
        ("o_acc", "output", 32),
    ]
    text = emitted.verilog
    found = re.search(rf"^module {emitted.name}\((.*?)\);", text, re.M | re.S)
    assert found is not None
    names = {port["name"] for port in emitted.manifest["ports"]}
    assert set(found[1].replace("\n", "").replace(" ", "").split(",")) == names


def test_the_manifest_says_what_the_hardware_is(tmp_path: Path) -> None:
    source, manifest = emit_float_pe(DESIGN).write(tmp_path)
    read = json.loads(manifest.read_text())
    assert source.stem == read["name"] == "fpe_fp8e4m3_fp8e5m2_s3_gated"
    assert read["kind"] == "float_pe"
    assert read["parameters"] == {
        "weights": "fp8e4m3",
        "acts": "fp8e5m2",
        "stages": 3,
        "gate_zeros": True,
        "bank_sums": False,
    }
    assert (read["latency_cycles"], read["interleave"], read["acc_width"]) == (4, 2, 32)
    assert read["sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()


@pytest.mark.parametrize("design", [FloatDesign(BF16, BF16, 1), FloatDesign(FP32, FP32, 6)])
def test_each_part_is_one_module_and_no_register_has_an_initial_value(design: FloatDesign) -> None:
    text = emit_float_pe(design).verilog
    modules = re.findall(r"^module ([^( ]+)", text, re.M)
    assert len(modules) == len(set(modules))
    assert {f"float_decoder_{design.acts}", design.module_name("float_adder")} <= set(modules)
    assert not re.search(r"^  reg .* = ", text, re.M)


def test_the_same_design_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    code = (
        "from afp_hw.design.float_design import FloatDesign\n"
        "from afp_hw.formats.floating import *\n"
        "from afp_hw.verilog import emit_float_pe\n"
        "design = FloatDesign(FP8_E4M3, FP8_E5M2, 3, gate_zeros=True)\n"
        f"emit_float_pe(design).write({str(tmp_path)!r})\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONHASHSEED": "7"})
    emitted = emit_float_pe(DESIGN)
    assert (tmp_path / f"{emitted.name}.v").read_text() == emitted.verilog
    assert json.loads((tmp_path / f"{emitted.name}.json").read_text()) == emitted.manifest
