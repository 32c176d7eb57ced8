"""Speed of ``afp_hw.golden.encode`` on float32 tensors, as ratios against two rivals in one run.

* NumPy: the fastest bit trick found for rounding float32 to e3m2 in pure NumPy: clamp, add and
  subtract 1.5 * 2**k at the exponent of each element, block by block in the L2 cache. It gives
  rounded float32 values (no codes) and does not look for NaN or infinity. A second form of it goes
  on to codes, and still checks nothing.
* ml_dtypes: ``astype(float6_e3m2fn)``, which gives codes.

Run ``python benchmarks/encode.py [--count N] [--repeat R]``. Times are CPU seconds of this process;
each repetition times all contestants in turn, and the table has their medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import ml_dtypes
import numpy as np

from afp_hw import AFPFormat
from afp_hw.golden import decode, encode

BLOCK = 1 << 16
BIAS = 3
LARGEST = np.float32(28.0)
LOWEST = np.uint32((127 - 2) << 23)  # exponent of the smallest normal value, 2**-2
EXPONENT = np.uint32(0x7F800000)


def round_values(values: np.ndarray) -> np.ndarray:
    """Nearest e3m2 values (bias 3) as float32; finite input only."""
    result = np.empty_like(values)
    magic = np.empty(BLOCK, np.float32)
    # 1.5 * 2**(E + 21) keeps the exponent whatever the sign of the value
    raised = np.uint32((21 << 23) | (1 << 22))
    for start in range(0, values.size, BLOCK):
        out = result[start : start + BLOCK]
        scratch = magic[: out.size]
        bits = scratch.view(np.uint32)
        np.clip(values[start : start + BLOCK], -LARGEST, LARGEST, out=out)
        np.bitwise_and(out.view(np.uint32), EXPONENT, out=bits)
        np.maximum(bits, LOWEST, out=bits)
        np.add(bits, raised, out=bits)
        np.add(out, scratch, out=out)
        np.subtract(out, scratch, out=out)
    return result


def round_to_codes(values: np.ndarray) -> np.ndarray:
    """Codes of the nearest e3m2 values (bias 3), zeros with their sign; finite input only."""
    result = np.empty(values.size, np.uint8)
    buffers = [np.empty(BLOCK, np.float32) for _ in range(2)]
    negative = np.empty(BLOCK, bool)
    for start in range(0, values.size, BLOCK):
        block, out = values[start : start + BLOCK], result[start : start + BLOCK]
        magnitude, magic = (buffer[: out.size] for buffer in buffers)
        bits, scratch = magnitude.view(np.uint32), magic.view(np.uint32)
        np.absolute(block, out=magnitude)
        np.minimum(magnitude, LARGEST, out=magnitude)
        np.bitwise_and(bits, EXPONENT, out=scratch)
        np.maximum(scratch, LOWEST, out=scratch)
        np.add(scratch, np.uint32(21 << 23), out=scratch)
        np.add(magnitude, magic, out=magnitude)
        np.right_shift(bits, np.uint32(21), out=scratch)
        np.add(scratch, bits, out=scratch)
        np.copyto(out, scratch, casting="unsafe")
        np.subtract(out, np.uint8(((125 + 21) << 2) % 256), out=out)
        sign = negative[: out.size]
        np.signbit(block, out=sign)
        np.add(out, sign.view(np.uint8) * np.uint8(32), out=out)
    return result


def check(values: np.ndarray) -> None:
    """Refuse to time contestants that disagree."""
    fmt = AFPFormat(3, 2)
    codes = encode(values, fmt, BIAS)
    for name, theirs in (
        ("ml_dtypes", values.astype(ml_dtypes.float6_e3m2fn).view(np.uint8)),
        ("NumPy to codes", round_to_codes(values)),
    ):
        if not np.array_equal(codes, np.where(theirs == 32, 0, theirs)):
            raise SystemExit(f"benchmark: {name} disagrees with encode")
    if not np.array_equal(decode(codes, fmt, BIAS), round_values(values)):
        raise SystemExit("benchmark: NumPy to values disagrees with encode")


def main() -> None:
    """Print nanoseconds per value and ratios."""
    parser = argparse.ArgumentParser(description="Speed of encode against two rivals.")
    parser.add_argument("--count", type=int, default=10_000_000, help="values (default 10 million)")
    parser.add_argument("--repeat", type=int, default=9, help="repetitions (default 9)")
    options = parser.parse_args()
    values = np.random.default_rng(0).standard_normal(options.count).astype(np.float32) * 4
    check(values[:1_000_000])
    contestants: dict[str, Callable[[], object]] = {
        "NumPy to values, e3m2": lambda: round_values(values),
        "NumPy to codes, e3m2": lambda: round_to_codes(values),
        "ml_dtypes e3m2": lambda: values.astype(ml_dtypes.float6_e3m2fn),
    }
    for name in ("e3m2", "e3m1", "ue3m2", "e2m1", "e4m3", "e0m5"):
        fmt = AFPFormat.parse(name)
        contestants[f"encode {name}"] = partial(encode, values, fmt, BIAS)
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(options.repeat):
        for name, run in contestants.items():
            start = time.process_time()
            run()
            times[name].append((time.process_time() - start) / options.count * 1e9)
    medians = {name: statistics.median(runs) for name, runs in times.items()}
    rivals = list(contestants)[:3]
    print(f"{options.count} float32 values, median of {options.repeat} repetitions")
    print(f"{'':24}{'ns/value':>10}{'/ values':>10}{'/ codes':>10}{'/ ml_dtypes':>13}")
    for name, median in medians.items():
        ratios = [median / medians[rival] for rival in rivals]
        print(f"{name:24}{median:10.2f}{ratios[0]:10.2f}{ratios[1]:10.2f}{ratios[2]:13.2f}")


if __name__ == "__main__":
    main()
