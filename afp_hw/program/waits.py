"""What waits promise: which computes and stores are surely done when something begins.

Three engines work through the descriptors, each in order (``docs/accelerator.md``, One descriptor).
How fast each is, nobody knows; so only what follows from the waits may be relied on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Descriptor = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Done:
    """The least that has happened: descriptors computed, stores finished."""

    computed: int
    stored: int


@dataclass(frozen=True, slots=True)
class Promises:
    """What is surely done when a descriptor's parts begin.

    Attributes
    ----------
    load
        Of the load of records and weights.
    operands
        Of the load of activations and side operand.
    compute
        Of the computation.
    """

    load: Done
    operands: Done
    compute: Done


def promises(descriptors: Sequence[Descriptor]) -> list[Promises]:
    """The promises of each descriptor.

    Raises
    ------
    ValueError
        A wait for what comes later: the accelerator would stop for ever.
    """
    storing: list[int] = []
    banks: list[int] = []  # stores behind which each descriptor is computed
    found: list[Promises] = []

    def closed(computed: int, stored: int) -> Done:
        """With what those imply: a store has been computed, a compute has waited for its bank."""
        while True:
            more = max(computed, storing[stored - 1] + 1 if stored else 0)
            further = max(stored, banks[more - 1] if more else 0)
            if (more, further) == (computed, stored):
                return Done(computed, stored)
            computed, stored = more, further

    so_far = Done(0, 0)
    for index, each in enumerate(descriptors):
        for name, most in (
            ("wait_computed", index),
            ("wait_stored", len(storing)),
            ("wait_bank", len(storing)),
        ):
            if each[name] > most:
                raise ValueError(
                    f"descriptor {index}.{name} must be at most {most}, of those before it, not "
                    f"{each[name]}"
                )
        load = closed(max(so_far.computed, each["wait_computed"]), so_far.stored)
        operands = closed(load.computed, max(load.stored, each["wait_stored"]))
        stored = max(operands.stored, each["wait_bank"], banks[-1] if banks else 0)
        banks.append(stored)
        compute = closed(index, stored)
        found.append(Promises(load, operands, compute))
        if each["store"]:
            storing.append(index)
        so_far = operands
    return found
