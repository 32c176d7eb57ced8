"""Verilog on an FPGA: LUTs, flip-flops, carries, DSPs, block RAMs, and Fmax after place and route.

Yosys maps the design on its own, in a fresh process, and counts its cells. nextpnr, where it is
installed, packs that netlist, and places and routes it within a harness
(:mod:`afp_hw.synth.fpga_harness`) that is mapped apart from it: the design that is timed is, cell
by cell, the design that was counted.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from afp_hw.errors import ToolError
from afp_hw.files import output_directory, write_atomic
from afp_hw.synth.flow import run_yosys
from afp_hw.synth.fpga_devices import Device, find_device, require_room
from afp_hw.synth.fpga_harness import CLOCK, HARNESS, harness_verilog
from afp_hw.synth.fpga_place import Placement, Placer, find_placer, pack, place
from afp_hw.synth.fpga_report import FpgaReport

__all__ = ["FpgaReport", "synthesize_fpga"]

# Called with what begins.
Progress = Callable[[str], None]

# Products of fewer bits are made of LUTs: what Yosys does for an iCE40. For an ECP5 it would spend
# a block of 18 x 18 bits on two bits by two.
_DSP_PRODUCT_BITS: Final = 11
_ECP5_DSPS: Final = (
    "proc -latches error",
    "flatten",
    "opt_expr",
    "opt_clean",
    "opt -nodffe -nosdff",
    "wreduce",
    "opt_clean",
    "techmap -map +/mul2dsp.v -map +/lattice/dsp_map_18x18.v -D DSP_NAME=$__MUL18X18 "
    "-D DSP_A_MAXWIDTH=18 -D DSP_B_MAXWIDTH=18 -D DSP_A_MINWIDTH=2 -D DSP_B_MINWIDTH=2 "
    f"-D DSP_Y_MINWIDTH={_DSP_PRODUCT_BITS}",
    "chtype -set $mul t:$__soft_mul",
)
# LUTs that a cell occupies, and the beginnings of names of what else is counted.
_LUTS: Final = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 4, "SB_LUT4": 1}
_FLIP_FLOPS: Final = ("TRELLIS_FF", "SB_DFF")
_CARRIES: Final = ("CCU2C", "SB_CARRY")
_DSPS: Final = ("MULT18X18D", "SB_MAC16")
_BRAMS: Final = ("DP16KD", "PDPW16KD", "SB_RAM40_4K")
_CLOCK_PINS: Final = {"TRELLIS_FF": "CLK", "SB_DFF": "C"}


def _mapping(device: Device, top: str, *, dsp: bool) -> list[str]:
    """The commands that map `top`, already read, to the cells of a device."""
    if device.family == "ice40":
        kind = "-device u" if device.name.startswith("u") else "-device hx"
        return [f"synth_ice40 {kind} {'-dsp ' if dsp and device.dsps else ''}-top {top}"]
    synth = f"synth_ecp5 -nodsp -top {top}"
    return [f"{synth} -run begin:coarse", *_ECP5_DSPS, f"{synth} -run coarse:"] if dsp else [synth]


def _map_design(files: Sequence[Path], top: str, device: Device, work: Path, *, dsp: bool) -> None:
    """Map the design; ``netlist.json``, ``netlist.v`` and ``stat.json`` appear in `work`."""
    for stale in ("netlist.json", "netlist.v", "stat.json"):
        (work / stale).unlink(missing_ok=True)
    # Copies, because names in a netlist have the names of the sources in them.
    names = [f"source_{index}.v" for index in range(len(files))]
    for name, file in zip(names, files, strict=True):
        write_atomic(work / name, file.read_bytes())
    script = (
        *(f"read_verilog {name}" for name in names),
        *_mapping(device, top, dsp=dsp),
        "check -assert",
        "delete t:$scopeinfo",
        "tee -q -o stat.json stat -json",
        "write_verilog -noattr netlist.v",
        "write_json netlist.json",
        "",
    )
    write_atomic(work / "script.ys", "\n".join(script))
    run_yosys(work)


def _map_harness(top: str, module: Mapping[str, Any], device: Device, folder: Path) -> None:
    """Map the harness and put the mapped design into it; ``netlist.json`` appears in `folder`."""
    (folder / "netlist.json").unlink(missing_ok=True)
    write_atomic(folder / "harness.v", harness_verilog(top, module["ports"]))
    script = (
        "read_json ../netlist.json",
        "design -stash mapped",
        "read_verilog harness.v",
        *_mapping(device, HARNESS, dsp=False),
        f"delete ={top}",
        f"design -copy-from mapped {top}",
        "flatten",
        "opt_clean",
        "check -assert",
        "delete t:$scopeinfo",  # older nextpnr takes them for cells
        "write_json netlist.json",
        "",
    )
    write_atomic(folder / "script.ys", "\n".join(script))
    run_yosys(folder)


def _require_one_clock(top: str, module: Mapping[str, Any]) -> None:
    """Check that all flip-flops of a mapped design hang on the input ``clk``."""
    clocks = set()
    for cell in module["cells"].values():
        for kind, pin in _CLOCK_PINS.items():
            if cell["type"].startswith(kind):
                clocks.update(cell["connections"][pin])
    allowed = module["ports"].get(CLOCK, {"bits": []})["bits"]
    if clocks - set(allowed):
        raise ValueError(
            f"synthesize_fpga.top must have all flip-flops on the input {CLOCK}, not on another "
            f"clock as {top} has"
        )


def _time(
    placer: Placer,
    device: Device,
    work: Path,
    top: str,
    *,
    clock_ns: float,
    seed: int,
    progress: Progress,
) -> tuple[Mapping[str, int], Placement]:
    """What the mapped design in `work` occupies once packed, and its timing within a harness."""
    module = json.loads((work / "netlist.json").read_text())["modules"][top]
    _require_one_clock(top, module)
    progress("packing")
    packed = pack(placer, device, work)
    require_room(device, packed, top)
    folder = output_directory(work / "harness")
    _map_harness(top, module, device, folder)
    progress("place and route")
    try:
        return packed, place(placer, device, folder, clock_ns=clock_ns, seed=seed)
    except ToolError:
        require_room(device, pack(placer, device, folder), f"{top} and the harness around it")
        raise


def synthesize_fpga(
    verilog_files: Sequence[str | Path],
    top: str,
    family: str,
    *,
    work_dir: str | Path,
    clock_ns: float,
    device: str | None = None,
    seed: int = 1,
    dsp: bool = True,
    progress: Progress = lambda _: None,
) -> FpgaReport:
    """Map `top` to an FPGA, and place and route it where nextpnr is installed.

    The same input and seed give the same netlist and figures.

    Parameters
    ----------
    verilog_files
        Sources.
    top
        Top module. Its clock is the input ``clk``; without that it is combinational.
    family
        ``"ecp5"`` or ``"ice40"``.
    work_dir
        Folder for scripts, logs and netlists; made where needed.
    clock_ns
        Period that place and route aims at.
    device
        Of the family, as nextpnr calls it: see :data:`.DEVICES`. Default: ``25k``, ``up5k``.
    seed
        Of place and route, in 0..2**31 - 1.
    dsp
        Whether products of at least 11 bits go to multiplier blocks, where the device has any.
    progress
        Called with the name of each step as it begins.

    Raises
    ------
    ValueError
        A file is missing, there is no such family or device, the device is too small (names one
        that is not, if any), the clock is not positive, the seed is out of range, flip-flops hang
        on another clock than ``clk``, or the folder cannot be written to.
    ToolError
        Yosys or nextpnr failed; the log is in `work_dir`.
    """
    target = find_device(family, device)
    if not 0 < clock_ns < math.inf:
        raise ValueError(f"synthesize_fpga.clock_ns must be positive, not {clock_ns!r}")
    if not 0 <= seed < 1 << 31:
        raise ValueError(f"synthesize_fpga.seed must be in 0..2**31 - 1, not {seed!r}")
    files = [Path(file).resolve() for file in verilog_files]
    for file in files:
        if not file.is_file():
            raise ValueError(f"synthesize_fpga.verilog_files must exist, not {str(file)!r}")
    work = output_directory(work_dir)
    progress("mapping")
    _map_design(files, top, target, work, dsp=dsp)
    stat: dict[str, Any] = json.loads((work / "stat.json").read_text())
    counts: dict[str, int] = dict(sorted(stat["design"].get("num_cells_by_type", {}).items()))

    def count(kinds: tuple[str, ...]) -> int:
        return sum(number for kind, number in counts.items() if kind.startswith(kinds))

    luts = sum(counts.get(kind, 0) * each for kind, each in _LUTS.items())
    flip_flops, dsps, brams = count(_FLIP_FLOPS), count(_DSPS), count(_BRAMS)
    # These fit in no way; what nextpnr packs may be more.
    least = {"logic cells": max(luts, flip_flops), "DSPs": dsps, "block RAMs": brams}
    require_room(target, least, top)
    placer = find_placer(family)
    packed, placement = None, None
    if placer is not None:
        packed, placement = _time(
            placer, target, work, top, clock_ns=clock_ns, seed=seed, progress=progress
        )
    return FpgaReport(
        family=family,
        device=target.name,
        name=top,
        luts=luts,
        flip_flops=flip_flops,
        carries=count(_CARRIES),
        dsps=dsps,
        brams=brams,
        cell_counts=counts,
        logic_cells=packed["logic cells"] if packed else None,
        fmax_mhz=placement.fmax_mhz if placement else None,
        fmax_of_design=placement.in_design if placement else None,
        clock_ns=clock_ns,
        seed=seed,
        mapper=stat["creator"].partition(" (")[0],
        placer=placer.name if placer else None,
    )
