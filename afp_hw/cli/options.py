"""Options that several subcommands share, spelt alike in each."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from afp_hw.design import AcceleratorDesign, Design, load_accelerator, load_recipe
from afp_hw.formats import AFPFormat, IntFormat, parse_number

Command = Callable[..., Any]
Decorator = Callable[[Command], Command]

_DEFAULTS = {field.name: field.default for field in fields(Design)}


class _FormatType(click.ParamType[AFPFormat]):
    """``e3m1`` or ``ue3m2`` to an :class:`.AFPFormat`."""

    name = "format"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> AFPFormat:
        if isinstance(value, AFPFormat):
            return value
        try:
            return AFPFormat.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _NumberType(click.ParamType[AFPFormat | IntFormat]):
    """``e3m1`` or ``int8`` to a format that an array multiplies."""

    name = "format"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> AFPFormat | IntFormat:
        if isinstance(value, AFPFormat | IntFormat):
            return value
        try:
            return parse_number(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _ListType(click.ParamType[tuple[Any, ...]]):
    """``a,b`` to a tuple; of whole numbers where `numbers`; ``none`` is the empty one."""

    name = "list"

    def __init__(self, *, numbers: bool) -> None:
        self._numbers = numbers

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        if isinstance(value, tuple):
            return value
        parts = [] if value.strip() in ("", "none") else [part.strip() for part in value.split(",")]
        if not self._numbers:
            return tuple(parts)
        if not all(part.isdecimal() for part in parts):
            self.fail(f"must be whole numbers with commas between, not {value!r}", param, ctx)
        return tuple(int(part) for part in parts)


FORMAT = _FormatType()
NUMBER = _NumberType()
FILE = click.Path(path_type=Path)


def format_option(name: str, help: str, **parameters: Any) -> Decorator:
    """Option `name` (``--weights``) that takes a format; None where it is not given."""
    return click.option(name, type=FORMAT, metavar="FORMAT", help=help, **parameters)


def _number_option(name: str, help: str) -> Decorator:
    return click.option(name, type=NUMBER, metavar="FORMAT", help=help)


def out_option(help: str, **parameters: Any) -> Decorator:
    """``-o/--out DIR`` as a Path, parameter ``out``."""
    return click.option("-o", "--out", type=FILE, metavar="DIR", help=help, **parameters)


def json_option(function: Command) -> Command:
    """``--json``, parameter ``as_json``: one JSON document on stdout and nothing else."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")(
        function
    )


_FLAGS: tuple[Decorator, ...] = (
    _number_option("--weights", "Widest weight format, e.g. e3m1 or int8."),
    _number_option("--acts", "Widest activation format, e.g. ue3m2 (u: no sign bit) or int8."),
    _number_option("--outs", "Widest output format of the requantizer.  [default: that of --acts]"),
    click.option("--rows", type=int, metavar="N", help="Rows of the array: pixels.  [default: 1]"),
    click.option("--cols", type=int, metavar="N", help="Columns: output channels.  [default: 1]"),
    click.option("--lanes", type=int, metavar="N", help="Products per PE and cycle.  [default: 1]"),
    click.option(
        "--k",
        type=int,
        metavar="N",
        help=f"Longest reduction, which sizes the accumulator.  [default: {_DEFAULTS['k']}]",
    ),
    click.option(
        "--registers",
        type=_ListType(numbers=False),
        metavar="NAMES",
        help="Registers before the accumulator: of significand,product,tree,sum; or none.  "
        "[default: none]",
    ),
    click.option(
        "--gate-zeros/--no-gate-zeros",
        default=None,
        help="Hold the registers at zero products.  [default: --gate-zeros]",
    ),
    click.option(
        "--decode",
        type=click.Choice(["edge", "pe"]),
        help="Decoders before the operand registers, or behind them.  [default: pe]",
    ),
    click.option(
        "--segments",
        type=_ListType(numbers=True),
        metavar="WIDTHS",
        help="Cut the accumulator: widths of the lower parts, e.g. 6,7.  [default: none]",
    ),
    click.option(
        "--multiplier",
        type=click.Choice(["operator", "compressed"]),
        help="Who builds multipliers and adder trees: synthesis, or full adders placed one by "
        "one.  [default: operator]",
    ),
    click.option(
        "--sum-max",
        type=int,
        metavar="N",
        help="Largest magnitude of a sum where proven.  [default: that of --k products]",
    ),
    click.option(
        "--init-max",
        type=int,
        metavar="N",
        help="Largest initial value of a sum, 0 for none.  [default: one product's bound]",
    ),
)


def design_from_options(recipe: Path | None, **flags: Any) -> Design:
    """The design of the file `recipe`, or the one of `flags` (None: not given).

    Raises
    ------
    ValueError, TypeError
        A recipe and flags, neither, or a value that :class:`.Design` refuses.
    OSError
        The recipe cannot be read.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    if recipe is not None:
        _require_alone(given)
        return load_recipe(recipe)
    for name in ("weights", "acts"):
        if name not in given:
            raise ValueError(f"a design must have --{name} FORMAT, or be a recipe: --design FILE")
    return Design(**given)


def _require_alone(given: dict[str, Any]) -> None:
    if given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise ValueError(
            f"--design must stand alone, not beside {names}: change the recipe instead"
        )


def accelerator_from_options(recipe: Path | None, **flags: Any) -> AcceleratorDesign:
    """The accelerator of the file `recipe`; one has too many sizes for flags.

    Raises
    ------
    ValueError, TypeError
        No recipe, flags beside it, or a value that :class:`.AcceleratorDesign` refuses.
    OSError
        The recipe cannot be read.
    """
    if recipe is None:
        raise ValueError("an accelerator must be a recipe: --design FILE, not flags")
    _require_alone({name: value for name, value in flags.items() if value is not None})
    return load_accelerator(recipe)


def design_options(function: Command) -> Command:
    """``--design FILE`` or one flag a parameter; the command gets them as `design`, a Design.

    A command with an argument `kind` gets an AcceleratorDesign where that is ``accelerator``.
    """

    @functools.wraps(function)
    def with_design(*, recipe: Path | None, **parameters: Any) -> Any:
        flags = {name: parameters.pop(name) for name in _DEFAULTS}
        accelerator = parameters.get("kind") == "accelerator"
        read = accelerator_from_options if accelerator else design_from_options
        return function(design=read(recipe, **flags), **parameters)

    decorated: Command = with_design
    for decorate in reversed(_FLAGS):
        decorated = decorate(decorated)
    return click.option(
        "--design",
        "recipe",
        type=FILE,
        metavar="FILE",
        help="Recipe, gen/*.toml, instead of flags.",
    )(decorated)
