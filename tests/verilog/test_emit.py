"""Emission: exact ports, one PE module, the same bytes, manifests that tell the truth."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from afp_hw import AFPFormat
from afp_hw.design import Design
from afp_hw.verilog import Emitted, emit_array, emit_pe, emit_requantizer

DESIGN = Design(AFPFormat.parse("e3m1"), AFPFormat.parse("ue3m2"), rows=3, cols=2, lanes=2, k=100)


def module(emitted: Emitted) -> str:
    """Text of the top module."""
    found = re.search(rf"^module {emitted.name}\(.*?^endmodule", emitted.verilog, re.M | re.S)
    assert found is not None
    return found[0]


def ports(emitted: Emitted) -> dict[str, tuple[str, int]]:
    """Ports of the top module as the Verilog has them: direction and width."""
    pattern = re.compile(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);", re.M)
    return {
        name: (direction, int(high or 0) + 1)
        for direction, high, name in pattern.findall(module(emitted))
    }


def test_the_pe_has_exactly_the_documented_ports() -> None:
    emitted = emit_pe(DESIGN)
    assert ports(emitted) == {
        "clk": ("input", 1),
        "rst": ("input", 1),
        "i_valid": ("input", 1),
        "i_first": ("input", 1),
        "i_last": ("input", 1),
        "i_act": ("input", 2 * 5),
        "i_wgt": ("input", 2 * 5),
        "o_valid": ("output", 1),
        "o_acc": ("output", (100 * 192 * 448).bit_length() + 1),
    }


@pytest.mark.parametrize("emit", [emit_pe, emit_array, emit_requantizer])
def test_the_manifest_agrees_with_the_verilog(emit: object, tmp_path: Path) -> None:
    emitted = emit(DESIGN)
    source, manifest = emitted.write(tmp_path)
    read = json.loads(manifest.read_text())
    assert source.name == f"{read['name']}.v"
    listed = {port["name"]: (port["direction"], port["width"]) for port in read["ports"]}
    assert listed == ports(emitted)
    assert read["sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert read["parameters"]["weights"] == "e3m1"
    assert read["parameters"]["k"] == 100
    acc = "i_acc" if read["kind"] == "requantizer" else "o_acc"
    widths = {port["width"] for port in read["ports"] if port["name"].startswith(acc)}
    assert widths == {read["acc_width"]}


def test_an_array_has_one_module_for_all_its_cells() -> None:
    emitted = emit_array(DESIGN)
    modules = re.findall(r"^module ([^( ]+)", emitted.verilog, re.M)
    assert len(modules) == len(set(modules))
    assert sum(name.startswith("pe_core") for name in modules) == 1
    larger = emit_array(Design(DESIGN.weights, DESIGN.acts, rows=6, cols=5, lanes=2, k=100))
    assert len(re.findall(r"^module ", larger.verilog, re.M)) == len(modules)


def test_the_same_input_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    code = (
        "from afp_hw import AFPFormat as F\n"
        "from afp_hw.design import Design\n"
        "from afp_hw.verilog import *\n"
        "d = Design(F.parse('e3m1'), F.parse('ue3m2'), rows=3, cols=2, lanes=2, k=100)\n"
        "for emit in (emit_pe, emit_array, emit_requantizer):\n"
        f"    emit(d).write({str(tmp_path)!r})\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONHASHSEED": "7"})
    for emit in (emit_pe, emit_array, emit_requantizer):
        emitted = emit(DESIGN)
        assert (tmp_path / f"{emitted.name}.v").read_text() == emitted.verilog
        assert json.loads((tmp_path / f"{emitted.name}.json").read_text()) == emitted.manifest


def test_no_register_has_an_initial_value() -> None:
    assert not re.search(r"^  reg .* = ", emit_array(DESIGN).verilog, re.M)


@pytest.mark.parametrize("init_max", [0, None])
def test_latencies_count_the_sampling_edge_alike(init_max: int | None) -> None:
    # The benches measure these: operand registers, products, accumulator, drain, initial value.
    design = replace(DESIGN, init_max=init_max, registers=("product",))
    assert emit_pe(design).manifest["latency_cycles"] == 3
    assert emit_array(design).manifest["latency_cycles"] == 4 + (init_max is None)
    assert emit_requantizer(design).manifest["latency_cycles"] == 3
