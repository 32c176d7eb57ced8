"""A sweep as one JSON document: what reports, tables and exports are made of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from afp_hw.explore.axes import AXES
from afp_hw.explore.configuration import Configuration
from afp_hw.explore.metrics import METRICS
from afp_hw.explore.store import DONE, FAILED, REFUSED, Point, Store, Stored

KIND: Final = "afp-hw.space"
VERSION: Final = 1

LATE: Final = "late"
"""State of a point whose array does not run at its clock."""

_DEFAULTS: Final = {name: axis.default for name, axis in AXES.items()}


def document_of(path: str | Path, sweep: str | None = None) -> dict[str, Any]:
    """The document of a sweep in a store; errors as :class:`.Store` and :func:`chosen_sweep`."""
    with Store(path, create=False) as store:
        return sweep_document(store, sweep)


def chosen_sweep(store: Store, name: str | None) -> tuple[str, dict[str, Any]]:
    """The sweep of that name or identity; None: the one that was begun last.

    Raises
    ------
    ValueError
        There is none.
    """
    sweeps = store.sweeps()
    found = [
        (identity, document)
        for identity, document in sweeps
        if name in (None, identity, document["space"]["name"])
    ]
    if not found:
        names = ", ".join(document["space"]["name"] for _, document in sweeps)
        raise ValueError(
            f"sweep must be one of {names or 'none: the store is empty'}, not {name!r}"
        )
    return found[-1]


def sweep_document(store: Store, name: str | None = None) -> dict[str, Any]:
    """The document of a sweep.

    Raises
    ------
    ValueError
        There is no such sweep.
    """
    identity, document = chosen_sweep(store, name)
    points = store.points(identity)
    results = store.results(key for point in points for key in point.jobs.values())
    return {
        "kind": KIND,
        "version": VERSION,
        **document,
        "points": [point_document(point, results) for point in points],
    }


def point_document(point: Point, results: Mapping[str, Stored]) -> dict[str, Any]:
    """One point with all that was measured of it.

    Its state is ``done`` where all is there, ``part`` where some of it cannot be built or failed,
    ``refused`` or ``failed`` where all of it is that, ``missing`` where something is not computed,
    and ``late`` where all is there, but a circuit misses the clock that the figures are for.
    """
    stored = {group: results[key] for group, key in point.jobs.items() if key in results}
    done = {group: item.result for group, item in stored.items() if item.state == DONE}
    reasons = {
        group: str(item.result["reason"]) for group, item in stored.items() if item.state != DONE
    }
    metrics = {
        name: done[metric.group].get(name) if metric.group in done else None
        for name, metric in METRICS.items()
        if metric.group in point.jobs
    }
    late = False
    if "area" in done:
        metrics["meets_clock"] = done["area"]["meets_clock"]
        late = not metrics["meets_clock"]
    if late:
        reasons["area"] = (
            f"the slowest circuit needs {metrics['delay_ns']:.3f} ns, not "
            f"{point.axes['clock_ns']:g} ns"
        )
    state = _state(point, stored)
    return {
        "key": point.key,
        "state": LATE if late and state == DONE else state,
        "reason": "; ".join(f"{group}: {reason}" for group, reason in reasons.items()) or None,
        # A store may be older than an axis.
        "axes": Configuration({**_DEFAULTS, **point.axes}).document(),
        "metrics": metrics,
        "details": _details(done),
    }


def _state(point: Point, stored: Mapping[str, Stored]) -> str:
    states = {item.state for item in stored.values()}
    if len(stored) < len(point.jobs):
        return "missing"
    if states == {DONE}:
        return DONE
    if DONE in states:
        return "part"
    return FAILED if FAILED in states else REFUSED


def _details(done: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "accuracy" in done:
        found["formats"] = done["accuracy"]["formats"]
    if "area" in done:
        found["area_um2"] = done["area"]["areas_um2"]
    if "energy" in done:
        found["energy_nj"] = done["energy"]["energies_nj"]
    if "cycles" in done:
        found["traffic_bytes"] = done["cycles"]["traffic_bytes"]
    layers: dict[str, dict[str, Any]] = {}
    for group in ("cycles", "energy"):
        for layer in done.get(group, {}).get("layers", []):
            layers.setdefault(layer["name"], {}).update(layer)
    if layers:
        found["layers"] = [_layer(layer) for layer in layers.values()]
    return found


def _layer(layer: dict[str, Any]) -> dict[str, Any]:
    from afp_hw.formats import AFPFormat

    names = layer.pop("formats", [None, None])
    for key, name in zip(("weight_bits", "act_bits"), names, strict=True):
        layer[key] = None if name is None else AFPFormat.parse(name).width
    return layer
