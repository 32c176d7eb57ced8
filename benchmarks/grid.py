"""Speed of scoring all splits of 2 to 8 bits over MobileNet-v2's 2.2 million weights.

Rivals in the same run: the plain definition (round every weight to every format, subtract, square)
with our own codec, and with ml_dtypes for the two of these formats that it has. Limit: 0.2 CPU
seconds for sorting and the whole grid. Shapes: M. Sandler et al., "MobileNetV2", CVPR 2018, arXiv
1801.04381, table 2; weights drawn from a Laplace distribution.
"""

from __future__ import annotations

import time

import ml_dtypes
import numpy as np

from afp_hw.golden import decode, encode
from afp_hw.quantize import score_grid

LIMIT = 0.2
STAGES = [(1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1)]


def sizes() -> list[int]:
    """Weights of every convolution (the classifier's 1.3 million left out)."""
    found, channels = [3 * 32 * 9], 32
    for expansion, width, repeats in STAGES:
        for _ in range(repeats):
            inner = channels * expansion
            if expansion > 1:
                found.append(channels * inner)
            found += [inner * 9, inner * width]
            channels = width
    return [*found, channels * 1280]


def main() -> None:
    """Print the table."""
    random = np.random.default_rng(0)
    layers = [random.laplace(scale=0.05, size=size).astype(np.float32) for size in sizes()]
    total = sum(map(len, layers))
    score_grid(layers[0])  # formats' values are listed once
    times = []
    for _ in range(3):
        begun = time.process_time()
        scores = [score_grid(layer) for layer in layers]
        times.append(time.process_time() - begun)
    ours = min(times)
    begun, worst = time.process_time(), 0.0
    for layer, grid in zip(layers, scores, strict=True):
        energy = float(np.square(layer, dtype=np.float64).mean())
        for score in grid:
            bias = score.fmt.bias(score.lsb)
            rounded = decode(encode(layer, score.fmt, bias), score.fmt, bias)
            error = float(np.square(layer - rounded).mean())
            worst = max(worst, abs(error - score.error) / energy)
    plain = time.process_time() - begun
    begun = time.process_time()
    for layer in layers:
        for dtype in (ml_dtypes.float4_e2m1fn, ml_dtypes.float6_e3m2fn):
            np.square(layer - layer.astype(dtype).astype(np.float32)).mean()
    other = (time.process_time() - begun) / 2 * len(scores[0])
    print(f"{total:,} weights in {len(layers)} layers, {len(scores[0])} splits, CPU seconds")
    print(f"  sorted once, midpoints looked up   {ours:7.3f}   1.0x  (limit {LIMIT})")
    print(f"  plain definition, our codec        {plain:7.2f}  {plain / ours:5.0f}x")
    print(
        f"  plain definition, ml_dtypes        {other:7.2f}  {other / ours:5.0f}x  (of 2 formats)"
    )
    print(f"  largest difference to the plain definition: {worst:.1e} of the mean square")


if __name__ == "__main__":
    main()
