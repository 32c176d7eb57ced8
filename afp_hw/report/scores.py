"""Sweet spot and lambda: what each split costs and loses, over all layers of a network."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from afp_hw.network import Graph
from afp_hw.quantize import Measure, Score, score_grid
from afp_hw.report.figure_file import document

WIDTHS: Final = range(2, 9)
MOST_EXP: Final = 5
STEPS: Final = 41
"""Values of lambda from 0 to 1."""


def layer_scores(graph: Graph, measure: Measure) -> dict[str, list[Score]]:
    """Scores of all splits of the weights of every layer, by layer."""
    return {
        layer.name: score_grid(layer.weight, WIDTHS, measure=measure, most_exp=MOST_EXP)  # type: ignore[arg-type]
        for layer in graph.layers()
    }


def sweet_spot(graph: Graph, measure: Measure, lam: float) -> dict[str, Any]:
    """Objective ``error * penalty**lam`` of each width and number of exponent bits.

    Of each layer relative to its own best cell, then the geometric mean over layers: 1 would be the
    best split of every layer at once.
    """
    cells: dict[tuple[int, int], list[float]] = {}
    for scores in layer_scores(graph, measure).values():
        objectives = [score.objective(lam) for score in scores]
        floor = 1e-6 * max(objectives) or 1.0  # an error of nothing has no logarithm
        best = max(min(objectives), floor)
        for score, objective in zip(scores, objectives, strict=True):
            cell = score.fmt.width, score.fmt.n_exp
            cells.setdefault(cell, []).append(max(objective, floor) / best)
    table = [
        {"width": width, "n_exp": n_exp, "objective": float(np.exp(np.log(values).mean()))}
        for (width, n_exp), values in sorted(cells.items())
    ]
    best_cell = min(table, key=lambda cell: cell["objective"])
    return document(
        "sweet-spot",
        model=graph.name,
        measure=measure,
        lam=lam,
        layers=len(graph.layers()),
        cells=table,
        best={"width": best_cell["width"], "n_exp": best_cell["n_exp"]},
    )


def lambda_curve(graph: Graph, measure: Measure) -> dict[str, Any]:
    """Width that each layer's least objective has, for lambda from 0 to 1."""
    lams = np.linspace(0, 1, STEPS)
    curves = {}
    for name, scores in layer_scores(graph, measure).items():
        logs = np.log([max(score.error, 1e-300) for score in scores])
        costs = np.log([score.penalty for score in scores])
        widths = np.array([score.fmt.width for score in scores])
        curves[name] = widths[(logs + lams[:, None] * costs).argmin(axis=1)].tolist()
    return document("lambda", model=graph.name, measure=measure, lams=lams.tolist(), layers=curves)
