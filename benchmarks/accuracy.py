"""Accuracy of searched formats on the shared ResNet-20, against float32: limits of the issue.

Everything is chosen on 512 unlabelled calibration images; 5,000 test images judge it once, with
every sum exact. Noise: with 5,000 images and 97 % agreement a loss moves by about 0.2 points.
"""

from __future__ import annotations

import cifar

from afp_hw import AFPFormat
from afp_hw.network import FormatAssignment, calibrate, load_graph
from afp_hw.network.bits import average_bits
from afp_hw.network.evaluation import evaluate, float_logits
from afp_hw.network.grids import with_dynamic_grids
from afp_hw.search.budgets import bits_choice
from afp_hw.search.network_search import NetworkSearch
from afp_hw.search.options import SearchOptions

SEARCHES = [
    ("static", SearchOptions(), {4.8: 0.3, 3.9: 1.0}),
    ("static, channels", SearchOptions(channels=True), {4.8: 0.3, 3.9: 1.0}),
    ("dynamic", SearchOptions(dynamic=True), {4.8: 0.2, 3.9: 0.8}),
    ("dynamic, channels", SearchOptions(dynamic=True, channels=True), {4.8: 0.2, 3.9: 0.8}),
    ("all dynamic", SearchOptions(dynamic=True, mixed=False), {4.8: 0.2, 3.9: 0.8}),
]
SWITCHES = [
    ("nothing", SearchOptions(compensate=False, correct_bias=False)),
    ("bias correction", SearchOptions(compensate=False)),
    ("compensation", SearchOptions(correct_bias=False)),
    ("both", SearchOptions()),
    ("both, equalised", SearchOptions(equalize=0.5)),
    ("both, largest magnitude", SearchOptions(rule="absmax")),
    ("both, one split a width", SearchOptions(splits=1)),
    ("both, 512 images", SearchOptions(tuning_images=512)),
]


def main() -> None:
    """Print the tables."""
    if not cifar.present():
        return
    graph = load_graph(cifar.MODEL)
    calibration = cifar.images("cifar10-calibration-512.npz")
    images, labels = cifar.images("cifar10-test-5000.npz"), cifar.labels("cifar10-test-5000.npz")
    reference = float_logits(graph, images)

    def row(label: str, search: NetworkSearch, formats: FormatAssignment, limit: str) -> None:
        lowered = search.lowered(search.tuned(formats))
        bits, result = average_bits(lowered), evaluate(lowered, images, reference, labels)
        dynamic = sum(item.dynamic for item in formats.acts.values())
        print(
            f"{label:32}{bits.weights:6.2f}{bits.acts:6.2f}{dynamic:4}/{len(formats.acts)}"
            f"{result.accuracy:8.2f}{result.loss:+7.2f}{limit:>7}{result.agreement:8.2f}"
            f"{result.logit_error:8.3f}",
            flush=True,
        )

    print(
        f"{'':32}{'W':>6}{'A':>6}{'dynamic':>7}{'acc':>8}{'loss':>7}{'limit':>7}{'agree':>8}{'error':>8}"
    )
    plain = NetworkSearch(graph, calibration, SearchOptions(widths=(2, 2), splits=1))
    fixed = calibrate(graph, calibration, weights=AFPFormat(3, 2), acts=AFPFormat(3, 4))
    row("e3m2/e3m4 static", plain, fixed, "0.40")
    row("e3m2/e3m4 dynamic", plain, with_dynamic_grids(fixed), "0.40")
    for label, options, limits in SEARCHES:
        search = NetworkSearch(graph, calibration, options)
        for bits, limit in limits.items():
            row(f"{label}, {bits} bits", search, bits_choice(search, bits, bits), f"{limit:.2f}")
    print("each switch alone, static, 3.9 bits")
    for label, options in SWITCHES:
        search = NetworkSearch(graph, calibration, options)
        row(label, search, bits_choice(search, 3.9, 3.9), "")


if __name__ == "__main__":
    main()
