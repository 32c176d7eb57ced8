"""Descriptors in their order: which bank each uses, what it loads, and what it waits for."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Final

from afp_hw.design.descriptor import FIELDS

MOST_DESCRIPTORS: Final = (1 << FIELDS["wait_computed"].width) - 1
"""Waits count descriptors, and stores, of which there are not more."""

Fields = dict[str, int]


def require_count(count: int) -> None:
    """Refuse a program whose descriptors waits do not count."""
    if count > MOST_DESCRIPTORS:
        raise ValueError(
            f"program must have at most {MOST_DESCRIPTORS} descriptors, not {count}: larger "
            "buffers need fewer"
        )


@dataclass(frozen=True, slots=True)
class Load:
    """What a bank must hold.

    Attributes
    ----------
    content
        Two loads of equal content are the same.
    address, size
        Bytes in memory; a size of 0: nothing that matters.
    stores, computed
        Stores that must have finished before, and descriptors that must have been computed.
    """

    content: Hashable
    address: int
    size: int
    stores: int = 0
    computed: int = 0


@dataclass(slots=True)
class _Banks:
    """The two banks of a buffer."""

    content: list[Hashable] = field(default_factory=lambda: [None, None])
    last_user: list[int] = field(default_factory=lambda: [-1, -1])
    recent: int = 1

    def use(self, index: int, content: Hashable) -> tuple[int, int | None]:
        """Bank for descriptor `index`; descriptors that a load waits for, None if it is there."""
        if content in self.content:
            bank, waits = self.content.index(content), None
        else:
            bank = 1 - self.recent
            waits = self.last_user[bank] + 1
            self.content[bank] = content
        self.last_user[bank], self.recent = index, bank
        return bank, waits


class Sequence:
    """The list of descriptors as it grows."""

    def __init__(self, beat_bytes: int) -> None:
        self._beat_bytes = beat_bytes
        self._banks = {kind: _Banks() for kind in ("parameter", "wgt", "act", "side")}
        self._stored = [0, 0]  # stores that had begun when each output bank was last stored
        self._out = 0
        self.descriptors: list[Fields] = []
        self.stores = 0
        """Stores so far."""

    def add(
        self,
        name: str,
        values: Mapping[str, int],
        loads: Mapping[str, Load],
        *,
        emit: bool,
        store: bool,
    ) -> None:
        """Append a descriptor that needs these loads.

        Parameters
        ----------
        name
            Of what is computed, for errors.
        values
            All fields but banks, waits and loads.
        loads
            By kind: ``parameter``, ``wgt``, ``act``, ``side``.
        emit, store
            Whether it writes to the output bank, and whether that is stored then.
        """
        index = len(self.descriptors)
        fields: Fields = dict(values)
        computed = stored = 0
        for kind, load in loads.items():
            bank, waits = self._banks[kind].use(index, load.content)
            fields[f"{kind}_bank"] = bank
            if waits is None or load.size == 0:
                continue
            fields[f"{kind}_address"] = load.address
            fields[f"{kind}_beats"] = load.size // self._beat_bytes
            computed = max(computed, waits, load.computed)
            stored = max(stored, load.stores)
        fields["wait_computed"], fields["wait_stored"] = computed, stored
        if emit:
            fields["emit"] = 1
            fields["out_bank"] = self._out
            fields["wait_bank"] = self._stored[self._out]
        if store:
            fields["store"] = 1
            self.stores += 1
            self._stored[self._out] = self.stores
            self._out = 1 - self._out
        for key, value in fields.items():
            limits = FIELDS[key]
            least = -(1 << limits.width - 1) if limits.signed else 0
            if not least <= value < least + (1 << limits.width):
                raise ValueError(
                    f"descriptor.{key} must be in {least}..{least + (1 << limits.width) - 1} for "
                    f"{name!r}, not {value}"
                )
        self.descriptors.append(fields)

    def end(self) -> None:
        """Mark the last descriptor."""
        self.descriptors[-1]["last"] = 1
