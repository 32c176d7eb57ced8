"""The driver of an accelerator in C: the sources of ``driver/``, for one design."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from typing import Final

from afp_hw.design import AcceleratorDesign
from afp_hw.design.registers import COUNTERS, REGISTERS, ErrorCode, constants
from afp_hw.verilog.register_files import PREFIX

DRIVER_FILES: Final = ("afp_driver.h", "afp_driver.c", "afp_example.c")
"""The sources, each a template by its own name."""

ERROR_TEXTS: Final = {
    ErrorCode.NONE: "no error",
    ErrorCode.READ_RESPONSE: "the memory answered a read with an error",
    ErrorCode.WRITE_RESPONSE: "the memory answered a write with an error",
    ErrorCode.DESCRIPTOR: "a descriptor is beyond the design, or misaligned",
    ErrorCode.ABORTED: "the run was aborted",
    ErrorCode.ALIGNMENT: "the grids of an addition's operands lie too far apart",
}
"""What the driver says of an error."""


def driver_files(design: AcceleratorDesign, name: str) -> dict[str, str]:
    """Text by file name; `name` is that of the accelerator's module and files."""
    fixed = (register for register in constants(design) if register != "ID")
    replacements = {
        "NAME": name,
        "BEAT_BYTES": str(design.beat_bytes),
        "CONSTANTS": _lines(4, (f"{{{PREFIX}_{x}, {PREFIX}_{x}_RESET}}," for x in fixed)),
        "ERRORS": _lines(
            4,
            (
                f'case {PREFIX}_ERROR_CODE_{code.name}: return "{text}";'
                for code, text in ERROR_TEXTS.items()
            ),
        ),
        "COUNTER_FIELDS": _lines(
            4, (f"uint32_t {x.lower()}; /* {REGISTERS[x].meaning} */" for x in COUNTERS)
        ),
        "COUNTER_READS": _lines(
            4, (f"counters->{x.lower()} = get(device, {PREFIX}_{x});" for x in COUNTERS)
        ),
    }
    folder = files("afp_hw.verilog.driver")
    written = {}
    for file in DRIVER_FILES:
        text = folder.joinpath(file).read_text("utf-8")
        for key, value in replacements.items():
            text = text.replace(f"@{key}@", value)
        written[file] = text
    return written


def _lines(indent: int, lines: Iterable[str]) -> str:
    return "\n".join(" " * indent + line for line in lines)
