"""One design through recipes and a timed gate-level run, each result kept."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields
from importlib.metadata import version
from typing import Any, Final

from afp_hw.compare import store
from afp_hw.compare.emission import Source, verilog_of
from afp_hw.compare.mapping import map_source, netlist_of
from afp_hw.compare.operands import Codes, Matrices, content
from afp_hw.compare.point import Energy, Mapped, Point
from afp_hw.design import Design
from afp_hw.design.float_design import FloatDesign
from afp_hw.synth.energy import INERTIAL_DELAY
from afp_hw.synth.measure import measure_energies
from afp_hw.synth.recipes import Recipe
from afp_hw.synth.technology import Technology

_FORMATS: Final = ("weights", "acts", "k", "rows", "cols", "init_max", "outs")


def options_of(design: Design | FloatDesign) -> dict[str, Any]:
    """Parameters of the micro-architecture, without formats and sizes."""
    names = [field.name for field in fields(design) if field.name not in _FORMATS]
    values = {name: getattr(design, name) for name in names}
    return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}


class Evaluator:
    """Measures designs in one technology at one clock, on one layer's operands.

    Parameters
    ----------
    technology
        Cells.
    clock_ns
        Period that the mapping aims at and that a design must meet.
    matrices
        Operands.
    jobs
        Syntheses and runs at once.
    """

    def __init__(
        self,
        technology: Technology,
        clock_ns: float,
        matrices: Matrices | Codes,
        *,
        jobs: int = 1,
    ) -> None:
        if not clock_ns > 0:
            raise ValueError(f"Evaluator.clock_ns must be positive, not {clock_ns!r}")
        self.technology = technology
        self.clock_ns = clock_ns
        self.matrices = matrices
        self._pool = ThreadPoolExecutor(jobs)

    def close(self) -> None:
        """Stop what has not begun."""
        self._pool.shutdown(cancel_futures=True)

    def conditions(self, **more: Any) -> dict[str, Any]:
        """Technology, clock, operands and tools, for a document; `more` is added."""
        return {
            "technology": self.technology.description,
            "voltage_v": self.technology.voltage_v,
            "clock_ns": self.clock_ns,
            "operands": self.matrices.name,
            "delay_model": INERTIAL_DELAY,
            "yosys": version("pyosys"),
            **more,
        }

    def mapped(self, design: Design | FloatDesign, recipes: Sequence[Recipe]) -> list[Mapped]:
        """The design through each recipe.

        Raises
        ------
        ToolError
            Yosys failed.
        """
        source = verilog_of(design)
        futures = [self._pool.submit(self._map, source, design.lanes, recipe) for recipe in recipes]
        return [future.result() for future in futures]

    def best(
        self, design: Design | FloatDesign, recipes: Sequence[Recipe], *, smallest: int = 2
    ) -> list[Point]:
        """Points of the `smallest` netlists that meet the clock, or else of the fastest one.

        Raises
        ------
        ToolError
            Yosys failed.
        MismatchError
            A netlist does not compute what golden does.
        """
        found = self.mapped(design, recipes)
        met = sorted(
            (item for item in found if item.delay_ns <= self.clock_ns),
            key=lambda item: item.area_um2,
        )
        chosen = met[:smallest] or [min(found, key=lambda item: item.delay_ns)]
        futures = [self._pool.submit(self._point, design, item) for item in chosen]
        return [future.result() for future in futures]

    def _map(self, source: Source, lanes: int, recipe: Recipe) -> Mapped:
        return map_source(source, self.technology, self.clock_ns, recipe, lanes=lanes)

    def _point(self, design: Design | FloatDesign, mapped: Mapped) -> Point:
        operands = self.matrices.operands(design)
        key = store.key_of("energy", mapped.netlist, self.clock_ns, *content(operands))
        kept = store.load(key)
        if kept is None:
            settled, timed = measure_energies(
                "pe",
                netlist_of(mapped, self.technology),
                operands,
                technology=self.technology,
                clock_s=self.clock_ns * 1e-9,
                latency_cycles=design.pe_latency,
            )
            found = Energy(
                zero_delay_fj=settled.dynamic_j * 1e15,
                glitch_fj=timed.dynamic_j * 1e15,
                clock_fj=timed.part_j("clock") * 1e15,
                leakage_fj=timed.leakage_j * 1e15,
                blocks_fj={block: timed.block_j(block) * 1e15 for block in timed.blocks},
                macs=timed.count,
                checked=timed.checked,
            )
            kept = asdict(found)
            store.save(key, kept)
        return Point(
            fmt=(str(design.weights), str(design.acts)),
            options=options_of(design),
            mapped=mapped,
            energy=Energy(**kept),
            operands=self.matrices.name,
            meets=mapped.delay_ns <= self.clock_ns,
        )
