"""AFP as its own search leaves it, as one more row beside the rivals.

The other rows compare formats: every tensor has N bits, and nothing but the grid is chosen. This
one is what the tool gives for the same average: widths and splits by their effect on the output,
weights and biases tuned on calibration images, every sum exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from afp_hw.network import Graph
from afp_hw.network.bits import average_bits
from afp_hw.network.evaluation import evaluate, float_logits
from afp_hw.search.budgets import bits_choice
from afp_hw.search.network_search import Bar, NetworkSearch
from afp_hw.search.options import SearchOptions
from afp_hw.search.rivals import Measurement

NAME = "AFP, searched: N bits on average, tuned"


def searched_rows(
    graph: Graph,
    calibration: NDArray[Any],
    bits: Sequence[int],
    images: NDArray[Any],
    labels: NDArray[Any] | None,
    bar: Bar,
) -> list[Measurement]:
    """A row for each number of average bits; static activations, one grid per tensor.

    Parameters
    ----------
    graph
        The network.
    calibration
        Images without labels, float [B, *input shape].
    bits
        Limits of average bits of weights and of activations alike.
    images, labels
        Test images and their classes or None.
    bar
        Starts a progress bar with a title.
    """
    search = NetworkSearch(graph, calibration, SearchOptions(), bar=bar)
    reference = float_logits(graph, images)
    rows = []
    for limit in bits:
        lowered = search.lowered(search.tuned(bits_choice(search, limit, limit)))
        result, average = evaluate(lowered, images, reference, labels), average_bits(lowered)
        rows.append(
            Measurement(
                name=NAME,
                n_bits=limit,
                per_channel=False,
                weight_bits=average.weights,
                act_bits=average.acts,
                accuracy=result.accuracy,
                agreement=result.agreement,
                logit_error=result.logit_error,
                citation="afp-hw search",
            )
        )
    return rows
