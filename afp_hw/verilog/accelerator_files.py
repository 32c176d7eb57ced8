"""All files of an accelerator: Verilog, manifest, constraints, core file, registers, driver."""

from __future__ import annotations

from pathlib import Path

from afp_hw.design import AcceleratorDesign
from afp_hw.files import output_directory, write_atomic
from afp_hw.verilog.accelerator import emit_accelerator
from afp_hw.verilog.constraints import sdc_text
from afp_hw.verilog.core_file import core_text
from afp_hw.verilog.driver_files import driver_files
from afp_hw.verilog.emit import Emitted
from afp_hw.verilog.register_files import c_header, markdown


def write_accelerator(
    design: AcceleratorDesign, directory: str | Path, *, clock_ns: float
) -> tuple[Emitted, list[Path]]:
    """Write everything that an accelerator is used with; the same design gives the same bytes.

    Parameters
    ----------
    design
        The accelerator.
    directory
        Where ``NAME.v``, ``.json``, ``.sdc``, ``.core``, ``NAME_registers.h``, ``.md`` and the
        driver, ``afp_*``, go.
    clock_ns
        Period in the constraints, nanoseconds.

    Returns
    -------
    tuple
        Verilog and manifest, and the paths of all files.

    Raises
    ------
    ValueError
        The period is not positive, or the directory cannot be written to.
    ToolError
        Yosys refused the conversion.
    """
    sdc_text("", (), clock_ns)  # refuses a period before anything is built
    directory = output_directory(directory)
    emitted = emit_accelerator(design)
    name, array = emitted.name, design.array
    about = f"{array.rows}x{array.cols} accelerator, {array.weights} by {array.acts}"
    texts = {
        f"{name}.sdc": sdc_text(name, emitted.manifest["ports"], clock_ns),
        f"{name}.core": core_text(name, about),
        f"{name}_registers.h": c_header(design),
        f"{name}_registers.md": markdown(design),
        **driver_files(design, name),
    }
    paths = [*emitted.write(directory)]
    paths += [write_atomic(directory / file, text) for file, text in texts.items()]
    return emitted, paths
