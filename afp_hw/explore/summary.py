"""What a store has, in numbers."""

from __future__ import annotations

from collections import Counter
from typing import Any

from afp_hw.explore.document import sweep_document
from afp_hw.explore.store import FAILED, Store


def summary(store: Store) -> dict[str, Any]:
    """Sweeps with the states of their points, failures with their logs, seconds by kind of job."""
    failures = [
        {"key": key, "kind": kind, "reason": stored.result["reason"], "log": store.log(key)}
        for key, kind, stored in store.everything()
        if stored.state == FAILED
    ]
    return {
        "store": store.path.name,
        "sweeps": [_sweep(store, identity) for identity, _ in store.sweeps()],
        "results": sum(1 for _ in store.everything()),
        "failures": failures,
        "kinds": store.seconds_by_kind(),
    }


def _sweep(store: Store, identity: str) -> dict[str, Any]:
    document = sweep_document(store, identity)
    points = document["points"]
    reasons = Counter(point["reason"] for point in points if point["reason"])
    return {
        "id": identity,
        "name": document["space"]["name"],
        "strategy": document["space"]["strategy"],
        "points": len(points),
        "states": dict(sorted(Counter(point["state"] for point in points).items())),
        "reasons": dict(reasons.most_common()),
    }
