"""AFP beside its rivals on the shared ResNet-20: the whole table, and two limits of the issue.

One harness for all (``afp_hw/search/rivals.py``): weights, input and stored activations are
rounded, sums are float32. Nothing is tuned, for AFP as for the others: each method fits a grid to
each tensor, with the least squared error where it has a scale. Static activations from 512
calibration images. ``-o FILE`` also writes the rows as JSON.

The first limit: with N = 4 to 8 bits AFP is not worse than INT-N per channel by more than half a
point. The second: with 4-bit weights and activations, all per tensor, AFP is better than INT by at
least 12 points. An integer of a tensor that is never negative may hold magnitude in its sign bit
(which is how AFP is counted) or keep it, as a data path with signed operands does: both are shown.
Behind them what AFP gives at 4 bits when its splits are chosen by their effect on the output, and
when weights and biases are tuned as ``afp-hw search`` does: not the same treatment, so no limit.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path

import cifar

from afp_hw.files import write_atomic
from afp_hw.network import load_graph
from afp_hw.network.evaluation import evaluate, float_logits
from afp_hw.quantize.rivals import Afp, Integer, Quantizer, catalogue
from afp_hw.search.budgets import bits_choice
from afp_hw.search.network_search import NetworkSearch
from afp_hw.search.options import SearchOptions
from afp_hw.search.rivals import Harness, Measurement, collect

WIDTHS = range(4, 9)
NOISE, LEAD = 0.5, 12.0
"""Points: what AFP may lose to INT per channel, and what it must win per tensor at 4 bits."""

ALL_FOUR = SearchOptions(widths=(4, 4), splits=8, compensate=False, correct_bias=False)
SEARCHES = [
    ("splits by their effect on the output", ALL_FOUR),
    ("and biases corrected", replace(ALL_FOUR, correct_bias=True)),
    ("and weights compensated", replace(ALL_FOUR, compensate=True, correct_bias=True)),
]
"""Every tensor at 4 bits; 8 splits a width are all that 4 bits have."""


class Bench:
    """Measurements on the shared network, each made once.

    Parameters
    ----------
    count
        Test images.
    """

    def __init__(self, count: int) -> None:
        self.graph = load_graph(cifar.MODEL)
        self.calibration = cifar.images("cifar10-calibration-512.npz")
        self.images = cifar.images("cifar10-test-5000.npz")[:count]
        self.labels = cifar.labels("cifar10-test-5000.npz")[:count]
        statistics = collect(self.graph, self.calibration)
        self.harness = Harness(self.graph, statistics, self.images, self.labels)
        self.rows: dict[tuple[str, int, str], Measurement] = {}

    def row(self, weights: Quantizer, acts: Quantizer | None = None) -> Measurement:
        """One method for weights and, unless `acts` says otherwise, for activations."""
        key = (weights.name, weights.n_bits, (acts or weights).name)
        if key not in self.rows:
            self.rows[key] = self.harness.measure(weights, acts)
        return self.rows[key]

    def accuracy(self, method: Quantizer) -> float:
        """Per cent."""
        accuracy = self.row(method).accuracy
        if accuracy is None:
            raise ValueError("Bench.labels must be there, not None")
        return accuracy


def against_channels(bench: Bench) -> None:
    """The first limit; INT has the better of its two scales, largest magnitude and clipped."""
    print(f"AFP with searched splits against INT per channel: limit {-NOISE:+.2f} points")
    print(f"{'bits':>4}{'INT':>8}{'AFP per channel':>18}{'AFP per tensor':>18}")
    for n_bits in WIDTHS:
        rivals = [Integer(n_bits, per_channel=True, clip=clip) for clip in (False, True)]
        least = max(bench.accuracy(rival) for rival in rivals)
        line = f"{n_bits:4}{least:8.2f}"
        for per_channel in (True, False):
            found = bench.accuracy(Afp(n_bits, per_channel=per_channel))
            line += f"{found:9.2f} ({found - least:+.2f})"
        met = bench.accuracy(Afp(n_bits, per_channel=True)) >= least - NOISE
        print(f"{line}  {'met' if met else 'NOT MET'} per channel", flush=True)


def at_four_bits(bench: Bench) -> None:
    """The second limit, and what the search adds to it."""
    plain = bench.row(Afp(4))
    rows = [("AFP, clipped", bench.accuracy(Afp(4)), plain.agreement)]
    rivals = {
        "INT, clipped, unsigned where it can be": Integer(4, clip=True),
        "INT, clipped, sign bit everywhere": Integer(4, clip=True, sign_bit=True),
        "INT, absmax, unsigned where it can be": Integer(4),
    }
    print(f"\n4-bit weights and activations, per tensor: limit {LEAD:+.0f} points over INT")
    print(f"{'':52}{'acc':>8}{'agree':>8}")
    reference = float_logits(bench.graph, bench.images)
    for label, options in SEARCHES:
        search = NetworkSearch(bench.graph, bench.calibration, options)
        formats = search.tuned(bits_choice(search, 4, 4))
        found = evaluate(search.lowered(formats), bench.images, reference, bench.labels)
        rows.append((f"  {label}, sums exact", float(found.accuracy or 0.0), found.agreement))
    for label, accuracy, agreement in rows:
        print(f"{label:52}{accuracy:8.2f}{agreement:8.2f}")
    for label, rival in rivals.items():
        row = bench.row(rival)
        lead = rows[0][1] - bench.accuracy(rival)
        met = "met" if lead >= LEAD else "NOT MET"
        print(
            f"{label:52}{row.accuracy:8.2f}{row.agreement:8.2f}   AFP {lead:+.2f}: {met}; "
            f"searched {rows[1][1] - bench.accuracy(rival):+.2f}, "
            f"tuned {rows[-1][1] - bench.accuracy(rival):+.2f}",
            flush=True,
        )


def table(bench: Bench) -> None:
    """Every rival at every width: accuracy, and agreement of the class with float32."""
    rows = [bench.row(*pair) for pair in catalogue(WIDTHS)]
    columns = sorted({row.n_bits for row in rows})
    print(f"\naccuracy (agreement), %, {len(bench.images)} images; float32 ", end="")
    print(f"{bench.harness.accuracy:.2f}\n{'':46}" + "".join(f"{n:>15}" for n in columns))
    for name in dict.fromkeys(row.name for row in rows):
        cells = {row.n_bits: row for row in rows if row.name == name}
        line = "".join(
            f"{cells[n].accuracy:8.2f} ({cells[n].agreement:4.1f})" if n in cells else " " * 15
            for n in columns
        )
        print(f"{name:46}{line}")


def main() -> None:
    """Print the comparisons and the table."""
    parser = argparse.ArgumentParser(description="AFP beside its rivals on ResNet-20.")
    parser.add_argument("--images", type=int, default=5000, help="test images")
    parser.add_argument("-o", dest="file", type=Path, help="JSON with every row")
    arguments = parser.parse_args()
    if not cifar.present():
        return
    bench = Bench(arguments.images)
    against_channels(bench)
    at_four_bits(bench)
    table(bench)
    if arguments.file is not None:
        document = {
            "images": len(bench.images),
            "float32_accuracy": bench.harness.accuracy,
            "rows": [asdict(row) for row in bench.rows.values()],
        }
        write_atomic(arguments.file, json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
