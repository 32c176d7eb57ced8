"""What ``afp-hw run`` prints."""

from __future__ import annotations

from typing import Any

import click

Share = dict[str, Any]
"""As :meth:`.Share.document` gives it."""

_WAITS = {
    "compute_load": "compute for load",
    "compute_store": "compute for store",
    "load_compute": "load for compute",
    "load_store": "load for store",
}

_FLOWS = {"weights_stationary": "weights", "outputs_stationary": "outputs", "side": "side"}


def print_run(document: dict[str, Any]) -> None:
    """Cycles of every layer; what was compared, what the images came to, how fast it was."""
    _print_layers(document["layers"], document["total"])
    over = document["utilisation_over_convolutions"]
    if over is not None:
        click.echo(f"utilisation over convolutions: {over:.2%}")
    if "images" in document:
        _print_images(document)


def _print_layers(layers: list[Share], total: Share) -> None:
    """A line for each layer, and the sums."""
    wide = max(len(name) for name in (*(share["name"] for share in layers), "layer", "total"))
    click.secho(
        f"{'layer':<{wide}}  {'stays':<7}  {'cycles':>10}  {'MACs':>13}  {'used':>6}  "
        f"{'waits: load':>11}  {'store':>7}  {'bytes in':>10}  {'out':>9}",
        bold=True,
    )
    for share in (*layers, total):
        click.secho(_line(share, wide), bold=share is total)
    waits = ", ".join(f"{what} {total['waits'][name]:,}" for name, what in _WAITS.items())
    click.echo(f"cycles of waiting: {waits}")
    moved = ", ".join(f"{name} {count:,}" for name, count in total["bytes"].items())
    click.echo(f"bytes over the bus: {moved}; {sum(total['bytes'].values()):,} in all")


def _line(share: Share, wide: int) -> str:
    loaded = sum(count for name, count in share["bytes"].items() if name != "stored")
    used = f"{share['utilisation']:.1%}" if share["macs"] else "–"
    return (
        f"{share['name']:<{wide}}  {_FLOWS.get(share['dataflow'], ''):<7}  "
        f"{share['cycles']:>10,}  {share['macs']:>13,}  {used:>6}  "
        f"{share['waits']['compute_load']:>11,}  {share['waits']['compute_store']:>7,}  "
        f"{loaded:>10,}  {share['bytes']['stored']:>9,}"
    )


def _print_images(document: dict[str, Any]) -> None:
    """What was compared, and what the images came to."""
    checked = document.get("checked")
    if checked is not None:
        click.echo(
            f"every one of {checked['output_bits']:,} output bits equals golden, every cycle count "
            "equals the schedule"
        )
        click.echo(
            f"  compared on the way: {checked['stored_bits']:,} bits of stored tensors, "
            f"{checked['times']:,} times of descriptors, {len(checked['counters'])} counters; "
            f"{checked['cycles_per_cpu_second']:,.0f} cycles per CPU second"
        )
    correct = document.get("correct")
    if correct is not None:
        images = document["images"]
        click.echo(f"accuracy: {100 * correct / images:.2f} %, {correct} of {images} images")
