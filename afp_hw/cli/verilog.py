"""``afp-hw verilog``: writes a component's Verilog and its manifest."""

from __future__ import annotations

import math
from pathlib import Path

import click

from afp_hw.cli.options import design_options, out_option
from afp_hw.design import AcceleratorDesign, Design
from afp_hw.files import output_directory

_CLOCK_NS = 10.0


@click.command(name="verilog")
@click.argument("kind", type=click.Choice(["pe", "array", "requantizer", "accelerator"]))
@design_options
@click.option(
    "--clock-ns",
    type=float,
    metavar="T",
    help=f"Of an accelerator: clock period in its constraints.  [default: {_CLOCK_NS}]",
)
@out_option("Folder for NAME.v, NAME.json, and of an accelerator all its files.", required=True)
def command(
    kind: str, design: Design | AcceleratorDesign, clock_ns: float | None, out: Path
) -> None:
    """Write Verilog and a manifest (ports, latency, parameters, hash) of a KIND of component.

    An accelerator is a recipe, --design FILE. It comes with timing constraints (.sdc), a core file
    of FuseSoC (.core), its registers as a C header and as a page (_registers.h, .md), and a driver
    in C99 with an example (afp_driver.h, afp_driver.c, afp_example.c).

    The Verilog belongs to whoever generates it. The same design gives the same bytes.

    Example: afp-hw verilog pe --weights e3m1 --acts ue3m2 -o gen/out
    """
    if isinstance(design, AcceleratorDesign):
        _accelerator(design, _CLOCK_NS if clock_ns is None else clock_ns, out)
        return
    if clock_ns is not None:
        raise ValueError(f"--clock-ns must be of an accelerator, not of {kind}")
    # Amaranth takes a second to load; a refused design should not wait for it.
    from afp_hw.verilog import EMITTERS

    directory = output_directory(out)
    emitted = EMITTERS[kind](design)
    for path in emitted.write(directory):
        click.echo(path)
    manifest = emitted.manifest
    click.echo(
        f"{emitted.name}: {len(manifest['ports'])} ports, latency {manifest['latency_cycles']} "
        f"cycles, accumulator {manifest['acc_width']} bits, sha256 {manifest['sha256'][:12]}"
    )


def _accelerator(design: AcceleratorDesign, clock_ns: float, out: Path) -> None:
    if not 0 < clock_ns < math.inf:
        raise ValueError(f"--clock-ns must be positive, not {clock_ns!r}")
    from afp_hw.verilog.accelerator_files import write_accelerator

    emitted, paths = write_accelerator(design, out, clock_ns=clock_ns)
    for path in paths:
        click.echo(path)
    manifest = emitted.manifest
    click.echo(
        f"{emitted.name}: {len(manifest['ports'])} ports, accumulator {manifest['acc_width']} "
        f"bits, sha256 {manifest['sha256'][:12]}"
    )
