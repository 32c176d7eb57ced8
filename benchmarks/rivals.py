"""AFP beside its rivals on the shared ResNet-20: the whole table, and two limits of the issue.

One harness for all (``afp_hw/search/rivals.py``): weights, input and stored activations are
rounded, sums are float32. Nothing is tuned, for AFP as for the others: each method fits a grid to
each tensor, with the least squared error where it has a scale. Static activations from calibration
images. ``-o FILE`` also writes the rows as JSON.

The first limit, also on the embedded model: with N = 4 to 8 bits AFP with searched splits is not
worse than INT-N per channel by more than half a point. Its splits have the least squared error of
each tensor, or (searched) the least effect on the output, in the hardware's exact sums.

The second: with 4-bit weights and activations, all per tensor, AFP is better than INT by at least
12 points. An integer of a tensor that is never negative may hold magnitude in its sign bit, which
is how AFP is counted, or keep it, as a data path with signed operands does: both are shown. What
AFP gives when weights and biases are tuned too is not the same treatment, so it has no limit.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path

import cifar
import numpy as np

from afp_hw import embedded
from afp_hw.files import write_atomic
from afp_hw.network import Graph, load_graph
from afp_hw.network.evaluation import Evaluation, evaluate, float_logits
from afp_hw.quantize.rivals import Afp, Integer, Quantizer, catalogue
from afp_hw.search.budgets import bits_choice
from afp_hw.search.network_search import NetworkSearch
from afp_hw.search.options import SearchOptions
from afp_hw.search.rivals import Harness, Measurement, collect

WIDTHS = range(4, 9)
NOISE, LEAD = 0.5, 12.0
"""Points: what AFP may lose to INT per channel, and what it must win per tensor at 4 bits."""

PLAIN = SearchOptions(splits=9, compensate=False, correct_bias=False)
"""All splits of a width; nothing tuned."""

TUNED = [
    ("  splits by their effect on the output", PLAIN),
    ("  and biases corrected", replace(PLAIN, correct_bias=True)),
    ("  and weights compensated", replace(PLAIN, compensate=True, correct_bias=True)),
]


class Bench:
    """Measurements on one network, each made once.

    Parameters
    ----------
    graph
        The network.
    calibration, images, labels
        Images [B, ...] without and with classes [B].
    """

    def __init__(
        self, graph: Graph, calibration: np.ndarray, images: np.ndarray, labels: np.ndarray
    ) -> None:
        self.graph, self.calibration = graph, calibration
        self.images, self.labels = images, labels
        self.harness = Harness(graph, collect(graph, calibration), images, labels)
        self.reference = float_logits(graph, images)
        self.rows: dict[tuple[str, int, str], Measurement] = {}

    def row(self, weights: Quantizer, acts: Quantizer | None = None) -> Measurement:
        """One method for weights and, unless `acts` says otherwise, for activations."""
        key = (weights.name, weights.n_bits, (acts or weights).name)
        if key not in self.rows:
            self.rows[key] = self.harness.measure(weights, acts)
        return self.rows[key]

    def accuracy(self, method: Quantizer) -> float:
        """Per cent."""
        return float(self.row(method).accuracy or 0.0)

    def searched(self, n_bits: int, options: SearchOptions) -> Evaluation:
        """AFP with every tensor at `n_bits`, its splits by their effect on the output."""
        options = replace(options, widths=(n_bits, n_bits))
        search = NetworkSearch(self.graph, self.calibration, options)
        formats = search.tuned(bits_choice(search, n_bits, n_bits))
        return evaluate(search.lowered(formats), self.images, self.reference, self.labels)


def against_channels(bench: Bench) -> None:
    """The first limit; INT has the better of its two scales, largest magnitude and clipped."""
    print(f"\n{bench.graph.name}, {len(bench.images)} images, float32 ", end="")
    print(f"{bench.harness.accuracy:.2f}: AFP against INT per channel, limit {-NOISE:+.2f} points")
    print(f"{'bits':>4}{'INT':>8}{'AFP per tensor':>18}{'per channel':>18}{'and searched':>18}")
    for n_bits in WIDTHS:
        rivals = [Integer(n_bits, per_channel=True, clip=clip) for clip in (False, True)]
        rival = max(bench.accuracy(each) for each in rivals)
        found = [bench.accuracy(Afp(n_bits, per_channel=flag)) for flag in (False, True)]
        found.append(float(bench.searched(n_bits, replace(PLAIN, channels=True)).accuracy or 0.0))
        cells = "".join(f"{each:10.2f} ({each - rival:+.2f})" for each in found)
        print(f"{n_bits:4}{rival:8.2f}{cells}  {verdict(found[-1] - rival >= -NOISE)}", flush=True)


def verdict(met: bool) -> str:
    """What is printed behind a limit."""
    return "met" if met else "NOT MET"


def at_four_bits(bench: Bench) -> None:
    """The second limit, and what the search adds to it."""
    rivals = {
        "INT, clipped, unsigned where it can be": Integer(4, clip=True),
        "INT, clipped, sign bit everywhere": Integer(4, clip=True, sign_bit=True),
        "INT, largest magnitude, unsigned where it can be": Integer(4),
    }
    print(f"\n4-bit weights and activations, per tensor: limit {LEAD:+.0f} points over INT")
    print(f"{'':52}{'acc':>8}{'agree':>8}")
    plain = bench.row(Afp(4))
    rows = {"AFP, clipped": (bench.accuracy(Afp(4)), plain.agreement)}
    for label, options in TUNED:
        found = bench.searched(4, options)
        rows[label] = (float(found.accuracy or 0.0), found.agreement)
    for label, (accuracy, agreement) in rows.items():
        print(f"{label:52}{accuracy:8.2f}{agreement:8.2f}")
    first, searched, *_, tuned = (accuracy for accuracy, _ in rows.values())
    for label, method in rivals.items():
        rival = bench.accuracy(method)
        print(
            f"{label:52}{rival:8.2f}{bench.row(method).agreement:8.2f}"
            f"   AFP {first - rival:+.2f}: {verdict(first - rival >= LEAD)}; "
            f"searched {searched - rival:+.2f}, tuned {tuned - rival:+.2f}",
            flush=True,
        )


def table(bench: Bench) -> None:
    """Every rival at every width: accuracy, and agreement of the class with float32."""
    rows = [bench.row(*pair) for pair in catalogue(WIDTHS)]
    columns = sorted({row.n_bits for row in rows})
    print(f"\naccuracy (agreement), %\n{'':46}" + "".join(f"{n:>15}" for n in columns))
    for name in dict.fromkeys(row.name for row in rows):
        cells = {
            row.n_bits: f"{row.accuracy:8.2f} ({row.agreement:.1f})"
            for row in rows
            if row.name == name
        }
        print(f"{name:46}" + "".join(f"{cells.get(n, ''):>15}" for n in columns))


def main() -> None:
    """Print the comparisons and the table."""
    parser = argparse.ArgumentParser(description="AFP beside its rivals on ResNet-20.")
    parser.add_argument("--images", type=int, default=5000, help="test images of CIFAR-10")
    parser.add_argument("-o", dest="file", type=Path, help="JSON with every row of ResNet-20")
    arguments = parser.parse_args()
    graph = load_graph(embedded.model_path())
    against_channels(Bench(graph, embedded.calibration_images(), *embedded.test_set()))
    if not cifar.present():
        return
    bench = Bench(
        load_graph(cifar.MODEL),
        cifar.images("cifar10-calibration-512.npz"),
        cifar.images("cifar10-test-5000.npz")[: arguments.images],
        cifar.labels("cifar10-test-5000.npz")[: arguments.images],
    )
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
