"""Area and energy of a processing element for each pair of formats: what the search weighs.

Every pair is synthesised and run alike, at :class:`Conditions`: one reduction length, one clock,
one recipe and one kind of operands. A comparison of designs takes the best of all recipes
(:mod:`afp_hw.synth.run`); here one recipe makes a row cheap, and the rows smooth in the widths.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.metadata import version
from threading import Lock
from typing import Final

from afp_hw.design import Design
from afp_hw.design.design import HARDWARE_MAX_N_EXP
from afp_hw.formats import AFPFormat
from afp_hw.synth.flow import synthesize
from afp_hw.synth.measure import measure_energy
from afp_hw.synth.netlist import read_netlist
from afp_hw.synth.recipes import RECIPES, Recipe
from afp_hw.synth.run import emit, work_folder
from afp_hw.synth.stimulus import Operands
from afp_hw.synth.technology import Technology
from afp_hw.synth.timing import clock_period_s
from afp_hw.verilog import Emitted

Pair = tuple[AFPFormat, AFPFormat]

_OPERANDS: Final = (
    "normal weights, normal activations (unsigned: negative ones are 0), each rounded to the "
    "finest grid that holds the largest; 64 x 64 sums, seed 0"
)
# Amaranth's elaboration keeps state of the module in hand.
_EMITTING: Final = Lock()


@dataclass(frozen=True, slots=True)
class Conditions:
    """What all rows of a table have in common.

    Parameters
    ----------
    k
        Products in one sum: length of the reductions that are run, and what the accumulator holds.
    clock_ns
        Period for which gates are sized, positive.
    recipe
        Name of the one recipe. The default is the smallest of :data:`.RECIPES` that meets 10 ns
        for every pair of :func:`default_pairs`.
    """

    k: int = 576
    clock_ns: float = 10.0
    recipe: str = "ripple-balanced"

    def __post_init__(self) -> None:
        if not 0 < self.clock_ns < math.inf:
            raise ValueError(f"Conditions.clock_ns must be positive, not {self.clock_ns!r}")
        names = [recipe.name for recipe in RECIPES]
        if self.recipe not in names:
            raise ValueError(
                f"Conditions.recipe must be one of {', '.join(names)}, not {self.recipe!r}"
            )

    def described(self, technology: Technology) -> dict[str, str | int | float]:
        """Everything that a row depends on but its formats, by name, for the table's file."""
        return {
            "technology": technology.name,
            "voltage_v": technology.voltage_v,
            "k": self.k,
            "clock_ns": self.clock_ns,
            "recipe": self.recipe,
            "yosys": version("pyosys"),
            "operands": _OPERANDS,
        }


@dataclass(frozen=True, slots=True)
class PairCost:
    """A row: one processing element, flattened.

    Parameters
    ----------
    weights, acts
        Its formats.
    area_um2
        Area of its cells.
    energy_fj
        Dynamic energy of one MAC: no leakage, no glitches, no wires, no clock tree.
    delay_ns
        Smallest clock period, from the library's tables.
    """

    weights: AFPFormat
    acts: AFPFormat
    area_um2: float
    energy_fj: float
    delay_ns: float


def splits(widths: Sequence[int], *, signed: bool) -> list[AFPFormat]:
    """Formats of these widths, sign bit included, that hardware takes: n_exp 0 to 5."""
    return [
        AFPFormat(n_exp, width - signed - n_exp, signed=signed)
        for width in widths
        for n_exp in range(min(width - signed, HARDWARE_MAX_N_EXP) + 1)
    ]


def default_pairs() -> list[Pair]:
    """A lattice over all splits of widths 2 to 8: every eighth pair, and the corners.

    Weights are signed, activations unsigned or signed. Each weight format stands beside eight or
    nine activation formats and the other way round.
    """
    widths = range(2, 9)
    weights = splits(widths, signed=True)
    unsigned, signed = (splits(widths, signed=sign) for sign in (False, True))
    acts = [*unsigned, *signed]
    pairs = {
        (weights[row], acts[col])
        for row in range(len(weights))
        for col in range(len(acts))
        if (3 * row + col) % 8 == 0
    }
    corners = [[group[0], group[-1]] for group in (unsigned, signed)]
    pairs |= {(wgt, act) for wgt in (weights[0], weights[-1]) for ends in corners for act in ends}
    return sorted(pairs, key=_order)


def _order(pair: Pair) -> tuple[tuple[int, int, bool], ...]:
    return tuple((fmt.width, fmt.n_exp, fmt.signed) for fmt in pair)


def _recipe(name: str) -> Recipe:
    return next(recipe for recipe in RECIPES if recipe.name == name)


def _emit(design: Design) -> Emitted:
    with _EMITTING:
        return emit("pe", design)


def measure_pair(pair: Pair, technology: Technology, conditions: Conditions) -> PairCost:
    """Synthesise the processing element of a pair and run it; every sum is compared with golden.

    The figures are those of ``afp-hw synth pe --weights W --acts A --k K --recipe R --operands
    random:K`` at the same clock, to four decimals.

    Raises
    ------
    ValueError
        Hardware does not take a format.
    ToolError
        Yosys failed.
    MismatchError
        The netlist does not compute what golden does.
    """
    design = Design(*pair, k=conditions.k)
    emitted = _emit(design)
    with work_folder() as work:
        source, _ = emitted.write(work)
        report = synthesize(
            [source],
            emitted.name,
            technology,
            _recipe(conditions.recipe),
            clock_ns=conditions.clock_ns,
            work_dir=work,
        )
        netlist = read_netlist(report.netlist_json, technology.cells, top=design.pe_name)
    energy = measure_energy(
        "pe",
        netlist,
        Operands.random(design, k=conditions.k),
        technology=technology,
        clock_s=conditions.clock_ns * 1e-9,
        latency_cycles=design.pe_latency,
    )
    return PairCost(
        *pair,
        area_um2=round(report.area_um2, 4),
        energy_fj=round(energy.dynamic_j * 1e15, 4),
        delay_ns=round(clock_period_s(netlist) * 1e9, 4),
    )


def measure_pairs(
    pairs: Sequence[Pair], technology: Technology, conditions: Conditions, *, jobs: int
) -> Generator[PairCost]:
    """Rows as they get ready, `jobs` at a time; errors as :func:`measure_pair`."""
    for pair in pairs:  # what hardware does not take is refused before the first row is measured
        Design(*pair, k=conditions.k)
    with ThreadPoolExecutor(jobs) as pool:
        running: list[Future[PairCost]] = [
            pool.submit(measure_pair, pair, technology, conditions) for pair in pairs
        ]
        try:
            for future in as_completed(running):
                yield future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
