"""``afp-hw synth``: area, critical path and energy per MAC from real cells."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from afp_hw.cli import synth_accelerator
from afp_hw.cli.options import design_options, json_option, out_option
from afp_hw.cli.synth_fpga import fpga_options
from afp_hw.cli.synth_optimise import OBJECTIVES, front_json, print_front, search_options
from afp_hw.design import AcceleratorDesign, Design
from afp_hw.files import output_directory, write_atomic

if TYPE_CHECKING:
    from afp_hw.synth import HardwareReport, Operands, Recipe, Technology
    from afp_hw.synth.run import Progress

TECHNOLOGIES: Final = ("sky130",)


def _technology(name: str | None, liberty: Sequence[Path]) -> Technology:
    from afp_hw.synth import Technology

    if liberty:
        if name is not None:
            raise ValueError(f"--liberty must stand alone, not beside --tech {name}")
        return Technology.from_liberty(liberty)
    return Technology.sky130()


def _recipes(names: Sequence[str]) -> list[Recipe]:
    from afp_hw.synth import RECIPES

    known = {recipe.name: recipe for recipe in RECIPES}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"--recipe must be one of {', '.join(known)}, not {unknown[0]!r}")
    return [known[name] for name in dict.fromkeys(names)] or list(RECIPES)


@contextmanager
def _progress_bar() -> Iterator[Progress]:
    """A bar with the remaining time on stderr, where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("synthesis: {task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Bar(
        *columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("first recipe", total=None)
        yield lambda done, total, name: bar.update(
            task, completed=done, total=total, description=name
        )


def _print(report: HardwareReport) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    figures = Table(title=report.name, show_header=False, title_justify="left")
    for row in report.figures():
        figures.add_row(*row)
    blocks = Table(title=f"By block (hierarchy kept, recipe {report.kept.recipe})")
    for index, heading in enumerate(report.block_header):
        blocks.add_column(heading, justify="right" if index else "left")
    *rows, total = report.block_rows()
    for row in rows:
        blocks.add_row(*row)
    blocks.add_section()
    blocks.add_row(*total)
    console.print(figures)
    console.print(blocks)
    for note in report.notes:
        console.print(note, style="dim")


def _an(kind: str) -> str:
    return f"an {kind}" if kind == "array" else f"a {kind}"


def _with_proven_sums(kind: str, design: Design, stimulus: Operands) -> tuple[Design, Operands]:
    """The design with the bound that the layer's weights give, where it is the smaller one."""
    if kind != "pe":
        raise ValueError(f"--proven must be of a pe, not of {_an(kind)}")
    bound = min(stimulus.proven_bound(), design.sum_bound)
    design = replace(design, sum_max=bound)
    return design, stimulus.for_design(design)


def _check_optimise(kind: str, recipes: Sequence[str]) -> None:
    if kind != "pe":
        raise ValueError(f"--optimise must be of a pe, not of {_an(kind)}")
    if recipes:
        raise ValueError("--optimise must stand without --recipe: it tries all of them")


@click.command(name="synth")
@click.argument("kind", type=click.Choice(["pe", "array", "requantizer", "accelerator"]))
@design_options
@click.option("--tech", type=click.Choice(TECHNOLOGIES), help="Embedded one.  [default: sky130]")
@click.option(
    "--liberty",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Liberty file (.lib, .lib.gz) instead; several make one library.",
)
@click.option(
    "--clock-ns",
    type=float,
    default=10.0,
    show_default=True,
    metavar="T",
    help="Clock period that the mapping aims at, and for leakage.",
)
@click.option(
    "--recipe", "recipes", multiple=True, metavar="NAME", help="Only this recipe; may repeat."
)
@click.option(
    "--operands",
    metavar="MODEL:LAYER",
    help="Operands for energy: a layer of an ONNX model (with --input), 'embedded', "
    "'embedded:LAYER' or 'random'.  [default: embedded]",
)
@click.option(
    "--input",
    "input_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Images for the model of --operands: .npy, float, [N, C, H, W].",
)
@click.option(
    "--jobs", type=click.IntRange(1), metavar="N", help="Syntheses at once.  [default: CPUs]"
)
@click.option(
    "--optimise",
    "objective",
    type=click.Choice(OBJECTIVES),
    help="Of a pe: search its options and all recipes first; product is area x energy.",
)
@click.option(
    "--proven",
    is_flag=True,
    help="Of a pe: an accumulator as wide as the weights of --operands can need, not as --k.",
)
@fpga_options
@json_option
@out_option("Folder for NAME.synth.json, .synth.md, .mapped.v and, of a pe, .anatomy.json.")
def command(
    kind: str,
    design: Design | AcceleratorDesign,
    tech: str | None,
    liberty: tuple[Path, ...],
    clock_ns: float,
    recipes: tuple[str, ...],
    operands: str | None,
    input_file: Path | None,
    jobs: int | None,
    objective: Any,
    proven: bool,
    as_json: bool,
    out: Path | None,
) -> None:
    """Synthesise a KIND of component and measure it on a layer's operands.

    Every recipe of the set is tried, and the smallest netlist that meets the clock is taken. It is
    simulated gate by gate on the operands, every result is compared with the golden model, and the
    toggles become energy.

    Of a pe -o also gets NAME.anatomy.json, all that tells why it is as big as it is: numbers of the
    formats, the layer's histograms and errors, the critical path, the busiest cycle.

    With --optimise the options of a pe (registers, gating, decode, segments, multiplier) are
    searched together with the recipes, and the report is that of the best; energy counts glitches.
    -o gets NAME.optimise.json with the Pareto set too.

    An accelerator is a recipe, --design FILE. Its logic is mapped with one recipe (more with
    --recipe), its memories are listed, words and bits, and energy is not measured.

    With --fpga the cells are those of an FPGA: LUTs, flip-flops, carries, DSPs, block RAMs, and the
    clock frequency after place and route. -o gets NAME.fpga.json, .fpga.md, .fpga.v.

    Example: afp-hw synth pe --weights e3m1 --acts ue3m2
    """
    from afp_hw.anatomy.document import document_text, pe_document
    from afp_hw.cli.layer_operands import operands_for
    from afp_hw.synth.run import emit, map_with_recipes, report_hardware, work_folder

    if not 0 < clock_ns < math.inf:
        raise ValueError(f"--clock-ns must be positive, not {clock_ns!r}")
    technology = _technology(tech, liberty)
    chosen = _recipes(recipes)
    if isinstance(design, AcceleratorDesign):
        synth_accelerator.refuse_options_of_others()
        synth_accelerator.run(
            design,
            technology,
            chosen if recipes else [],
            _progress_bar,
            clock_ns=clock_ns,
            jobs=jobs,
            as_json=as_json,
            out=out,
        )
        return
    stimulus, tensors = operands_for(operands, design, input_file)
    directory = output_directory(out) if out is not None else None
    if proven:
        design, stimulus = _with_proven_sums(kind, design, stimulus)
    search = None
    jobs = jobs or len(os.sched_getaffinity(0))
    if objective is not None:
        _check_optimise(kind, recipes)
        design, search = search_options(
            design, objective, stimulus, technology, clock_ns=clock_ns, jobs=jobs, hidden=as_json
        )
        stimulus = stimulus.for_design(design)
    with work_folder() as work, _progress_bar() as progress:
        emitted = emit(kind, design)
        mapped = map_with_recipes(
            kind,
            emitted,
            technology,
            chosen,
            clock_ns=clock_ns,
            jobs=jobs,
            work=work,
            progress=progress,
        )
        report = report_hardware(
            kind, design, emitted, mapped, stimulus, technology, clock_ns=clock_ns
        )
        if directory is not None:
            best = mapped.flat or mapped.kept
            write_atomic(directory / f"{report.name}.mapped.v", best.netlist_verilog.read_bytes())
            write_atomic(directory / f"{report.name}.synth.json", report.json_text())
            write_atomic(directory / f"{report.name}.synth.md", report.markdown())
            if kind == "pe":
                anatomy = pe_document(design, mapped, report, stimulus, tensors, technology)
                write_atomic(directory / f"{report.name}.anatomy.json", document_text(anatomy))
            if search is not None:
                write_atomic(directory / f"{report.name}.optimise.json", front_json(search))
    if as_json:
        sys.stdout.write(report.json_text())
        return
    if search is not None:
        print_front(search)
    _print(report)
    if directory is not None:
        further = ", .anatomy.json" if kind == "pe" else ""
        click.echo(f"written: {directory / report.name}.synth.json, .synth.md, .mapped.v{further}")
