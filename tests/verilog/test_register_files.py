"""The C header compiles and says what the table says; the page has every register."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from afp_hw import AFPFormat
from afp_hw.design import Design
from afp_hw.design.accelerator import AcceleratorDesign
from afp_hw.design.registers import REGISTERS, ErrorCode, constants
from afp_hw.hdl import ReadDma, Registers, WriteDma
from afp_hw.verilog import Part, emit_part
from afp_hw.verilog.register_files import c_header, markdown
from sim.runner import verilator_environment

DESIGN = AcceleratorDesign(Design(AFPFormat(3, 1), AFPFormat(3, 2), rows=8, cols=4, lanes=2))

_PROGRAM = """\
#include <stdio.h>
#include "registers.h"
#include "registers.h"
int main(void) {
%s
  return 0;
}
"""


def table() -> dict[str, int]:
    """What each macro is to be, from the table."""
    found = {}
    for name, register in REGISTERS.items():
        found[f"AFP_HW_{name}"] = register.offset
        found[f"AFP_HW_{name}_RESET"] = constants(DESIGN).get(name, 0)
        for bits in register.fields:
            if bits.width < 32:
                found[f"AFP_HW_{name}_{bits.name.upper()}_SHIFT"] = bits.low
                found[f"AFP_HW_{name}_{bits.name.upper()}_MASK"] = bits.mask
    return found | {f"AFP_HW_ERROR_CODE_{code.name}": code.value for code in ErrorCode}


@pytest.mark.parametrize("compiler", [["gcc", "-std=c99"], ["g++", "-x", "c++"]])
def test_the_header_compiles_to_the_table(compiler: list[str], tmp_path: Path) -> None:
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"needs {compiler[0]}")
    header = c_header(DESIGN)
    macros = re.findall(r"^#define (AFP_HW_\w+) ", header, re.MULTILINE)
    assert len(macros) == len(set(macros))
    (tmp_path / "registers.h").write_text(header)
    lines = [f'  printf("{macro} %lu\\n", (unsigned long)({macro}));' for macro in macros]
    source = tmp_path / "program.c"
    source.write_text(_PROGRAM % "\n".join(lines))
    program = tmp_path / "program"
    flags = ["-Wall", "-Wextra", "-Wpedantic", "-Wundef", "-Werror", "-o", str(program)]
    subprocess.run([*compiler, *flags, str(source)], check=True, cwd=tmp_path)
    run = subprocess.run([program], capture_output=True, text=True, check=True)
    told = dict(line.split() for line in run.stdout.splitlines())
    assert {name: int(value) for name, value in told.items()} == table()


def test_the_page_has_every_register_and_field() -> None:
    page = markdown(DESIGN)
    for name, register in REGISTERS.items():
        assert f"| 0x{register.offset:03x} | {name} |" in page
        for bits in register.fields:
            assert bits.width == 32 or f"| {name} | {bits.name} | " in page


def test_the_same_design_gives_the_same_files() -> None:
    again = replace(DESIGN)
    assert (c_header(again), markdown(again)) == (c_header(DESIGN), markdown(DESIGN))
    other = replace(DESIGN, pixels=77)
    changed = [
        (old, new)
        for old, new in zip(
            c_header(DESIGN).splitlines(), c_header(other).splitlines(), strict=True
        )
        if old != new
    ]
    assert changed == [
        ("#define AFP_HW_PIXELS_RESET 0x00000200u", "#define AFP_HW_PIXELS_RESET 0x0000004du")
    ]


@pytest.mark.parametrize("component", [ReadDma, WriteDma, Registers])
@pytest.mark.parametrize(
    "design",
    [DESIGN, replace(DESIGN, data_width=64, burst=1, outstanding=1)],
    ids=["usual", "least"],
)
def test_what_is_on_a_bus_is_clean_verilog(
    component: type, design: AcceleratorDesign, tmp_path: Path
) -> None:
    name = component.__name__.lower()
    emitted = emit_part(Part(name, lambda place: component(design, place)))
    source, _ = emitted.write(tmp_path)
    command = ["verilator", "--lint-only", "-Wall", str(source), "--top-module", name]
    run = subprocess.run(
        command, env=verilator_environment(), capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
