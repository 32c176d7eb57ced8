"""The embedded technology against the full library restricted to the same cells, on real hardware.

Required: area within 2 %, delay and energy within 15 %.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from afp_hw import AFPFormat
from afp_hw.design import Design
from afp_hw.synth import (
    RECIPES,
    Operands,
    Technology,
    measure_energy,
    read_netlist,
    simulated_module,
    synthesize,
)
from afp_hw.synth.recipes import Recipe
from afp_hw.verilog import EMITTERS

LIBRARY = Path(__file__).parents[3] / "shared/pdk/sky130_fd_sc_hd__tt_025C_1v80.lib.gz"

pytestmark = pytest.mark.skipif(
    not LIBRARY.is_file(), reason=f"needs {LIBRARY.name} in ../shared/pdk"
)

CASES = [("pe", name, {}) for name in ("e2m1", "e3m1", "e3m2", "e4m3")]
CASES += [("array", "e3m1", {"rows": 4, "cols": 4})]

EVERY = [
    recipe if recipe.name == "ripple" else pytest.param(recipe, marks=pytest.mark.slow)
    for recipe in RECIPES
]


@pytest.fixture(scope="module")
def technologies() -> tuple[Technology, Technology]:
    embedded = Technology.sky130()
    return embedded, Technology.from_liberty([LIBRARY]).restricted(embedded.cells)


def figures(
    kind: str, design: Design, technology: Technology, recipe: Recipe, folder: Path
) -> tuple[float, float, float]:
    """Area in square micrometres, critical path in ns, energy of a cycle in J."""
    emitted = EMITTERS[kind](design)
    folder.mkdir()
    source, _ = emitted.write(folder)
    report = synthesize(
        [source],
        emitted.name,
        technology,
        recipe,
        clock_ns=10.0,
        flatten=kind != "array",
        work_dir=folder / "work",
    )
    netlist = read_netlist(
        report.netlist_json, technology.cells, top=simulated_module(kind, design)
    )
    energy = measure_energy(
        kind,
        netlist,
        Operands.random(design, k=96, m=32, n=32),
        technology=technology,
        clock_s=1e-8,
        latency_cycles=emitted.manifest["latency_cycles"],
    )
    return report.area_um2, report.delay_ns, energy.dynamic_j


@pytest.mark.parametrize("recipe", EVERY, ids=lambda recipe: recipe.name)
@pytest.mark.parametrize(("kind", "name", "size"), CASES)
def test_figures_are_those_of_the_library(
    technologies: tuple[Technology, Technology],
    tmp_path: Path,
    kind: str,
    name: str,
    size: dict[str, int],
    recipe: Recipe,
) -> None:
    fmt = AFPFormat.parse(name)
    design = Design(fmt, fmt, k=576, **size)
    ours, theirs = (
        figures(kind, design, technology, recipe, tmp_path / str(index))
        for index, technology in enumerate(technologies)
    )
    for mine, reference, limit in zip(ours, theirs, (0.02, 0.15, 0.15), strict=True):
        assert abs(mine / reference - 1) <= limit
