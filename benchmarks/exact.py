"""Speed of the exact evaluation: 1,000 CIFAR-10 images through ResNet-20, against onnxruntime.

Rival: onnxruntime's float32 on the same processors, timed before and after in the same run; its
best run counts, and our median. Limit: 5 times its time. The last format is beyond what float32
products can hold, and shows what float64 costs.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import cifar
import numpy as np
import onnxruntime

from afp_hw import AFPFormat
from afp_hw.network import calibrate, classes, load_graph, lower
from afp_hw.network.grids import with_dynamic_grids
from afp_hw.network.lower import room_for_sums

COUNT, REPEAT, LIMIT = 1000, 3, 5.0
FORMATS = [("e2m1", "e2m2"), ("e3m1", "e3m2"), ("e3m2", "e3m4"), ("e4m3", "e4m3")]


def timed(function: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Print the table."""
    if not cifar.present():
        return
    images = cifar.images("cifar10-test-5000.npz")[:COUNT]
    calibration = cifar.images("cifar10-calibration-512.npz")[:128]
    session = onnxruntime.InferenceSession(cifar.MODEL)
    name = session.get_inputs()[0].name

    def rival() -> None:
        session.run(None, {name: images})

    runs = [timed(rival) for _ in range(REPEAT)]
    graph = load_graph(cifar.MODEL)
    rows = []
    for weights, acts in FORMATS:
        formats = calibrate(
            graph, calibration, weights=AFPFormat.parse(weights), acts=AFPFormat.parse(acts)
        )
        for kind, chosen in (("static", formats), ("dynamic", with_dynamic_grids(formats))):
            lowered = lower(graph, chosen, room_for_sums(graph))
            times = [timed(lambda low=lowered: classes(low, images)) for _ in range(REPEAT)]
            rows.append((f"{weights}/{acts} {kind}", np.median(times, axis=0)))
    runs += [timed(rival) for _ in range(REPEAT)]
    wall, cpu = (min(times) for times in zip(*runs, strict=True))
    print(
        f"{COUNT} images through ResNet-20     wall s   CPU s   wall x   CPU x  (limit {LIMIT:g})"
    )
    print(f"{'onnxruntime float32':30}{wall:8.2f}{cpu:8.2f}{1:9.2f}{1:8.2f}")
    for label, (ours, own) in rows:
        print(f"{label:30}{ours:8.2f}{own:8.2f}{ours / wall:9.2f}{own / cpu:8.2f}")
    print(
        f"median of all but the widest: {statistics.median(t[1] for _, t in rows[:-2]):.2f} CPU s"
    )


if __name__ == "__main__":
    main()
