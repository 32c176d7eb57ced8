"""One design through recipes and a timed gate-level run, each result kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.compare import store
from afp_hw.compare.point import Energy, Mapped, Point
from afp_hw.design import Design
from afp_hw.design.float_design import FloatDesign
from afp_hw.synth import opensta
from afp_hw.synth.energy import INERTIAL_DELAY
from afp_hw.synth.float_stimulus import FloatOperands
from afp_hw.synth.flow import synthesize
from afp_hw.synth.measure import measure_energies
from afp_hw.synth.netlist import parse_netlist
from afp_hw.synth.recipes import Recipe
from afp_hw.synth.run import work_folder
from afp_hw.synth.stimulus import Operands
from afp_hw.synth.technology import Technology
from afp_hw.verilog import Emitted, emit_float_pe, emit_pe

# Amaranth's elaboration keeps state of the module in hand.
_EMITTING: Final = Lock()
_FORMATS: Final = ("weights", "acts", "k", "rows", "cols", "init_max", "outs")


@dataclass(frozen=True, eq=False)
class Matrices:
    """Real operands of a layer, to be quantized to whatever format is measured.

    Parameters
    ----------
    name
        Where they are from.
    act, wgt
        [M, K] and [K, N].
    """

    name: str
    act: NDArray[Any]
    wgt: NDArray[Any]

    def operands(self, design: Design | FloatDesign) -> Operands | FloatOperands:
        """As codes of a design's formats."""
        if isinstance(design, FloatDesign):
            return FloatOperands.from_tensors(self.name, self.act, self.wgt, design)
        return Operands.from_tensors(self.name, self.act, self.wgt, design)

    def digest(self) -> str:
        """Of the values."""
        values = np.ascontiguousarray(self.act), np.ascontiguousarray(self.wgt)
        return store.key_of(
            self.name, *(part.tobytes() + repr(part.shape).encode() for part in values)
        )


@dataclass(frozen=True, eq=False)
class Codes:
    """Operands that are codes already, of one pair of formats.

    Parameters
    ----------
    of
        The codes.
    """

    of: Operands

    @property
    def name(self) -> str:
        """Where they are from."""
        return self.of.name

    def operands(self, design: Design | FloatDesign) -> Operands:
        """The same for each design.

        Raises
        ------
        TypeError
            The design is of floating point.
        """
        if isinstance(design, FloatDesign):
            raise TypeError(f"Codes.operands must be given a Design, not {design!r}")
        return self.of.for_design(design)

    def digest(self) -> str:
        """Of the codes."""
        parts = (self.of.act_codes, self.of.wgt_codes)
        codes = (np.ascontiguousarray(part) for part in parts)
        return store.key_of(
            self.name, *(part.tobytes() + repr(part.shape).encode() for part in codes)
        )


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
    tick
        Called with a word after every step.
    """

    def __init__(
        self,
        technology: Technology,
        clock_ns: float,
        matrices: Matrices | Codes,
        *,
        jobs: int = 1,
        tick: Callable[[str], None] = lambda word: None,
    ) -> None:
        if not clock_ns > 0:
            raise ValueError(f"Evaluator.clock_ns must be positive, not {clock_ns!r}")
        self.technology = technology
        self.clock_ns = clock_ns
        self.matrices = matrices
        self._tick = tick
        self._pool = ThreadPoolExecutor(jobs)
        self._operands_digest = matrices.digest()

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
        with _EMITTING:
            emitted = emit_float_pe(design) if isinstance(design, FloatDesign) else emit_pe(design)
        futures = [
            self._pool.submit(self._map, emitted, design.lanes, recipe) for recipe in recipes
        ]
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

    def _map(self, emitted: Emitted, lanes: int, recipe: Recipe) -> Mapped:
        key = store.key_of(
            "map", emitted.verilog, self.technology.liberty, self.clock_ns, recipe,
            opensta.available(),
        )  # fmt: skip
        kept = store.load(key)
        if kept is None:
            with work_folder() as work:
                source, _ = emitted.write(work)
                report = synthesize(
                    [source],
                    emitted.name,
                    self.technology,
                    recipe,
                    clock_ns=self.clock_ns,
                    work_dir=work,
                )
                store.save_netlist(key, report.netlist_json)
            gate = self.technology.clock_gate
            found = Mapped(
                name=emitted.name,
                recipe=recipe.name,
                lanes=lanes,
                area_um2=report.area_um2,
                flip_flops=report.flip_flops,
                clock_gates=0 if gate is None else report.cell_counts.get(gate.name, 0),
                delay_ns=report.delay_ns,
                delay_source=report.delay_source,
                netlist=key,
            )
            store.save(key, asdict(found))
            kept = asdict(found)
        self._tick(recipe.name)
        return Mapped(**kept)

    def _point(self, design: Design | FloatDesign, mapped: Mapped) -> Point:
        key = store.key_of("energy", mapped.netlist, self._operands_digest)
        kept = store.load(key)
        if kept is None:
            netlist = parse_netlist(
                store.load_netlist(mapped.netlist), self.technology.cells, top=mapped.name
            )
            settled, timed = measure_energies(
                "pe",
                netlist,
                self.matrices.operands(design),
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
                operands=timed.operands,
                macs=timed.count,
                checked=timed.checked,
            )
            kept = asdict(found)
            store.save(key, kept)
        self._tick("energy")
        return Point(
            fmt=(str(design.weights), str(design.acts)),
            options=options_of(design),
            mapped=mapped,
            energy=Energy(**kept),
            meets=mapped.delay_ns <= self.clock_ns,
        )
