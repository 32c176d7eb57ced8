"""Options of commands that measure energy: cells, clock, memories, how many jobs."""

from __future__ import annotations

from functools import reduce

import click

from afp_hw.cli.options import FILE, Command

_OPTIONS = (
    click.option(
        "--liberty",
        type=FILE,
        multiple=True,
        metavar="FILE",
        help="Liberty file (.lib, .lib.gz) instead of SKY130; several make one library.",
    ),
    click.option(
        "--clock-ns",
        type=float,
        default=10.0,
        show_default=True,
        metavar="T",
        help="Clock period that circuits are mapped for.",
    ),
    click.option(
        "--memory",
        "memory_file",
        type=FILE,
        metavar="FILE",
        help="Energies per access, TOML.  [default: Horowitz 2014, 45 nm]",
    ),
    click.option(
        "--jobs", type=click.IntRange(1), metavar="N", help="Syntheses at once.  [default: CPUs]"
    ),
)


def measuring_options(function: Command) -> Command:
    """Parameters ``liberty``, ``clock_ns``, ``memory_file``, ``jobs``."""
    return reduce(lambda made, option: option(made), reversed(_OPTIONS), function)
