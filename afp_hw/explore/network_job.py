"""What a network is: layers, its longest sums, its accuracy in float32."""

from __future__ import annotations

import numpy as np

from afp_hw.explore.inputs import load_network
from afp_hw.explore.jobs import Job, Result
from afp_hw.network.evaluation import float_logits


def run_network(job: Job) -> Result:
    """Facts on a network that all points share.

    Raises
    ------
    ValueError
        A file is none of its kind.
    """
    loaded = load_network(job.files["network"], job.given["network"])
    graph, data = loaded.graph, loaded.data
    classes = float_logits(graph, data.images).argmax(axis=1)
    accuracy = None if data.labels is None else 100 * float((classes == data.labels).mean())
    return {
        "name": graph.name,
        "sums": list(loaded.sums),
        "layers": [layer.name for layer in graph.layers()],
        "weights": sum(int(np.asarray(layer.weight).size) for layer in graph.layers()),
        "images": len(data.images),
        "data": data.source,
        "calibration": loaded.calibration.source,
        "float32_accuracy": accuracy,
    }
