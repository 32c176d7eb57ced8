"""``afp-hw verilog``: writes a component's Verilog and its manifest."""

from __future__ import annotations

from pathlib import Path

import click

from afp_hw.cli.options import design_options, out_option
from afp_hw.design import Design
from afp_hw.files import output_directory


@click.command(name="verilog")
@click.argument("kind", type=click.Choice(["pe", "array", "requantizer"]))
@design_options
@out_option("Folder for NAME.v and NAME.json.", required=True)
def command(kind: str, design: Design, out: Path) -> None:
    """Write Verilog and a manifest (ports, latency, parameters, hash) of a KIND of component.

    The Verilog belongs to whoever generates it. The same design gives the same bytes.

    Example: afp-hw verilog pe --weights e3m1 --acts ue3m2 -o gen/out
    """
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
