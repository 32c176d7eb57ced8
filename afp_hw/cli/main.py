"""The root of the command line: finds the subcommand, turns errors into one sentence and a status.

Exit status: 0 done; 1 two models disagree, or `doctor` misses something; 2 the input is wrong; 3 an
external tool failed; 70 a mistake of ours; 130 interrupted.
"""

from __future__ import annotations

import difflib
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Any, Final, NoReturn

import click

from afp_hw import __version__
from afp_hw.errors import MismatchError, ToolError

_COMMANDS: Final = {
    "quantize": "The AFP format, bias and error of every layer of a model.",
    "verilog": "Verilog of a processing element, an array or a requantizer.",
    "search": "A format for every tensor of a model, from a budget.",
    "evaluate": "Accuracy of a model with every tensor in AFP and every sum exact.",
    "compile": "A model as the program of an accelerator: descriptors, weights, manifest.",
    "run": "A compiled program on the complete accelerator: every bit and cycle checked.",
    "simulate": "One layer on the generated array: every output and every cycle checked.",
    "synth": "Area, critical path and energy per MAC from real cells.",
    "compare": "Area, delay and energy of a MAC: AFP, integers and floating point.",
    "certify": "A certificate of a processing element: exhaustive, proven, netlist included.",
    "energy": "Whole layers and networks: energy of AFP against INT8 and FP32.",
    "export": "Measured costs and layers in the files of other tools.",
    "rivals": "Accuracy against bits of AFP and its rivals on a model.",
    "plot": "Pictures: sweet spot, lambda, bits, histogram, rivals, ranges.",
    "report": "A run or an explored space as one HTML file.",
    "costs": "Area and energy by pair of formats, a table for the search.",
    "explore": "A space of formats, arrays and options: sweeps, Pareto fronts, tables.",
    "demo": "The embedded model in AFP, its Verilog, a layer simulated, a PE synthesised.",
    "doctor": "The external tools: which are here, what the missing ones would give.",
}
_TRACEBACK: Final = "AFP_HW_TRACEBACK"
_INTERNAL: Final = 70  # EX_SOFTWARE of sysexits.h
_EXPECTED: Final = (
    click.ClickException,
    MismatchError,
    ToolError,
    ModuleNotFoundError,
    ValueError,
    TypeError,
    OverflowError,
    OSError,
)


class _LazyGroup(click.Group):
    """A group whose subcommands are imported when they run: `afp-hw --help` loads no NumPy."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(f"afp_hw.cli.{cmd_name}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"afp_hw.cli.{cmd_name}.command must be a click.Command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        close = difflib.get_close_matches(args[0], _COMMANDS, n=1)
        if args[0] not in _COMMANDS and close:
            ctx.fail(f"No such command {args[0]!r}; did you mean {close[0]!r}?")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would give status 1, which is a mismatch here
            return _leave_pipe()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="afp-hw")
def root() -> None:
    """From a trained network to Verilog in adaptive floating point, with values, cycles and energy.

    Every subcommand works alone; `afp-hw COMMAND --help` says how.
    """


def _say(sentence: str) -> None:
    """One line on stderr, however many the message had."""
    click.echo(f"afp-hw: {' '.join(sentence.split())}", err=True)


def _sentence(error: Exception) -> str:
    if isinstance(error, click.UsageError):
        sentence = error.format_message().rstrip(".").replace(". Did you", "; did you")
        return f"{sentence} (see {error.ctx.command_path} --help)" if error.ctx else sentence
    if isinstance(error, ModuleNotFoundError):
        package = (error.name or "").partition(".")[0]
        return f"the Python package {package} must be installed for this (see afp-hw doctor)"
    if isinstance(error, OSError) and error.strerror is not None:
        return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
    return str(error)


def _end_on_terminate(_number: int, _frame: object) -> NoReturn:
    # An exception, so that temporary files are removed on the way out.
    sys.exit(128 + signal.SIGTERM)


def _leave_pipe() -> int:
    """Whoever read our output has gone: no message, and none at the interpreter's end either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``afp-hw`` with `arguments` (default: those of the process); returns the exit status.

    With ``AFP_HW_TRACEBACK=1`` in the environment an error also prints where it was raised.
    """
    signal.signal(signal.SIGTERM, _end_on_terminate)
    try:
        status = root.main(arguments, prog_name="afp-hw", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        return _leave_pipe()
    except (KeyboardInterrupt, click.Abort):
        _say("interrupted")
        return 130
    except _EXPECTED as error:
        if os.environ.get(_TRACEBACK) == "1":
            traceback.print_exc()
        return _report(error)
    except Exception as error:  # a mistake of ours: not status 1, which says that two models differ
        traceback.print_exc()
        _say(f"internal error, please report it with the lines above: {error!r}")
        return _INTERNAL
    return status if isinstance(status, int) else 0


def _report(error: Exception) -> int:
    """Print the sentence of `error`; returns its exit status."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return 2
    if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("afp_hw"):
        raise error  # ours: no fault of the user
    _say(_sentence(error))
    if isinstance(error, MismatchError):
        return 1
    return 3 if isinstance(error, ToolError) else 2
