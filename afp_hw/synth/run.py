"""One design through all recipes of a set, and its energy: what ``afp-hw synth`` does."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from afp_hw.design import AcceleratorDesign, Design
from afp_hw.errors import ToolError
from afp_hw.files import cache_dir, check_room, output_directory
from afp_hw.synth.flow import SynthReport, synthesize
from afp_hw.synth.measure import measure_energies, simulated_module
from afp_hw.synth.netlist import read_netlist
from afp_hw.synth.recipes import Recipe
from afp_hw.synth.report import HardwareReport, MappedFigures
from afp_hw.synth.stimulus import Operands
from afp_hw.synth.technology import Technology
from afp_hw.verilog import Emitted, emit_array, emit_pe, emit_requantizer
from afp_hw.verilog.accelerator import emit_accelerator

# Called with how many of how many steps are done and the name of the one that ended.
Progress = Callable[[int, int, str], None]


def emit(kind: str, design: Design | AcceleratorDesign) -> Emitted:
    """Verilog and manifest of a ``"pe"``, ``"array"``, ``"requantizer"`` or ``"accelerator"``."""
    if isinstance(design, AcceleratorDesign):
        return emit_accelerator(design)
    return {"pe": emit_pe, "array": emit_array, "requantizer": emit_requantizer}[kind](design)


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder in the cache, removed at the end unless a tool failed: its log is in there."""
    home = output_directory(cache_dir() / "synth")
    folder = Path(tempfile.mkdtemp(dir=home, prefix="job-"))
    try:
        yield folder
    except ToolError:
        raise
    except BaseException as error:
        try:
            if isinstance(error, Exception):
                check_room(folder)  # where it is full, that is what went wrong
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder)


@dataclass(frozen=True, slots=True)
class Mapped:
    """The best netlists of a set of recipes: flattened (None for an array) and hierarchical."""

    flat: SynthReport | None
    kept: SynthReport
    tried: Sequence[SynthReport]


def best_for_clock(reports: Sequence[SynthReport], clock_ns: float) -> SynthReport:
    """The smallest that meets the clock; where none does, the fastest; the first of equals."""

    def rank(report: SynthReport) -> tuple[bool, float]:
        late = report.delay_ns > clock_ns
        return late, report.delay_ns if late else report.area_um2

    return min(reports, key=rank)


def map_with_recipes(
    kind: str,
    emitted: Emitted,
    technology: Technology,
    recipes: Sequence[Recipe],
    *,
    clock_ns: float,
    jobs: int,
    work: Path,
    progress: Progress,
) -> Mapped:
    """Synthesise with every recipe and take the smallest that meets the clock.

    A processing element and a requantizer are flattened with every recipe, and mapped once more
    with the hierarchy kept by the recipe that won; an array keeps its hierarchy throughout, so that
    all its cells are one netlist.

    Raises
    ------
    ToolError
        Yosys failed.
    """
    source, _ = emitted.write(work)
    flatten = kind != "array"
    total = len(recipes) + flatten

    def job(recipe: Recipe, flat: bool) -> SynthReport:
        name = f"{recipe.name}-{'flat' if flat else 'kept'}"
        return synthesize(
            [source],
            emitted.name,
            technology,
            recipe,
            clock_ns=clock_ns,
            flatten=flat,
            work_dir=work / name,
        )

    with ThreadPoolExecutor(jobs) as pool:
        running: dict[Future[SynthReport], Recipe] = {
            pool.submit(job, recipe, flatten): recipe for recipe in recipes
        }
        try:
            for done, future in enumerate(as_completed(running), 1):
                future.result()
                progress(done, total, running[future].name)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    reports = [future.result() for future in running]
    best = best_for_clock(reports, clock_ns)
    if not flatten:
        return Mapped(None, best, reports)
    winner = next(recipe for recipe in recipes if recipe.name == best.recipe)
    kept = job(winner, False)
    progress(total, total, "hierarchy")
    return Mapped(best, kept, reports)


def report_hardware(
    kind: str,
    design: Design,
    emitted: Emitted,
    mapped: Mapped,
    operands: Operands,
    technology: Technology,
    *,
    clock_ns: float,
) -> HardwareReport:
    """Gate-level runs of the netlists on `operands`, and everything as one report.

    Raises
    ------
    MismatchError
        A netlist does not compute what golden does.
    """

    def figures(report: SynthReport) -> MappedFigures:
        netlist = read_netlist(
            report.netlist_json, technology.cells, top=simulated_module(kind, design)
        )
        settled, timed = measure_energies(
            kind,
            netlist,
            operands,
            technology=technology,
            clock_s=clock_ns * 1e-9,
            latency_cycles=int(emitted.manifest["latency_cycles"]),
        )
        return MappedFigures(
            recipe=report.recipe,
            area_um2=report.area_um2,
            cells=report.cells,
            flip_flops=report.flip_flops,
            delay_ns=report.delay_ns,
            energy=settled,
            timed=timed,
        )

    kept = figures(mapped.kept)
    whole = kept if mapped.flat is None else figures(mapped.flat)
    answer = mapped.flat or mapped.kept
    return HardwareReport(
        name=emitted.name,
        kind=kind,
        technology=technology.description,
        nand2_um2=technology.nand2_area_um2,
        clock_ns=clock_ns,
        recipes=[report.recipe for report in mapped.tried],
        delay_source=answer.delay_source,
        whole=whole,
        kept=kept,
        block_area_um2=mapped.kept.block_areas_um2,
        acc_width=int(emitted.manifest["acc_width"]),
        sum_bound=design.sum_bound + (0 if kind == "pe" else design.init_bound),
    )
