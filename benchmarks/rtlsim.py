"""Speed of the compiled array: 16 x 16, e3m1 weights, ue3m2 activations, feeding included.

Anchors (``docs/toolchain.md``, cycles per CPU second of a 16 x 16 array): Icarus with cocotb 1 k,
Verilator with cocotb 23 k. Target: 400 k.
"""

import os
import sys
import time

import numpy as np

from afp_hw.design import Design
from afp_hw.formats import AFPFormat
from afp_hw.golden import gemm, to_fix
from afp_hw.rtlsim import ArraySimulator

TARGET = 400_000
M, K, N = 2048, 144, 64


def cpu_seconds() -> float:
    """CPU time of this process and of the tools that it ran."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main() -> int:
    design = Design(AFPFormat.parse("e3m1"), AFPFormat.parse("ue3m2"), rows=16, cols=16)
    begun, waited = cpu_seconds(), time.monotonic()
    with ArraySimulator(design) as simulator:
        ready, waited = cpu_seconds() - begun, time.monotonic() - waited
        random = np.random.default_rng(0)
        act = random.integers(0, 1 << design.acts.width, (M, K))
        wgt = random.integers(0, 1 << design.weights.width, (K, N))
        init = random.integers(-design.init_bound, design.init_bound + 1, (M, N))
        expected = gemm(to_fix(act, design.acts), to_fix(wgt, design.weights), init)
        speeds = []
        for _ in range(3):
            result = simulator.run(act, wgt, init)
            if not (result.acc == expected).all():
                raise SystemExit("the array's sums differ from golden")
            speeds.append(result.cycles / result.cpu_seconds)
    print(f"array built, or found in the cache: {ready:.1f} CPU s, {waited:.1f} s")
    print(f"{result.cycles:,} cycles a run, all {M * N:,} sums exact")
    listed = ", ".join(f"{speed:,.0f}" for speed in speeds)
    print(f"cycles per CPU second: {listed}; target {TARGET:,}")
    return int(max(speeds) < TARGET)


if __name__ == "__main__":
    sys.exit(main())
