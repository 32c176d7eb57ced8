"""The table of energies per memory access: ``memories.toml``, or a file of the user's."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Access:
    """One kind of access.

    Attributes
    ----------
    access_bits, access_pj
        Bits that an access moves, and what it takes.
    """

    access_bits: int
    access_pj: float

    @property
    def bit_j(self) -> float:
        """Energy of a bit, joule."""
        return self.access_pj * 1e-12 / self.access_bits


@dataclass(frozen=True, slots=True)
class MemoryTable:
    """Memories of an accelerator.

    Attributes
    ----------
    name
        Source of the figures.
    bank_kib, on_chip_kib
        Size of a bank, and of all of them.
    bank
        Access to a bank.
    dram
        Access to DRAM.
    """

    name: str
    bank_kib: int
    on_chip_kib: int
    bank: Access
    dram: Access

    @classmethod
    def embedded(cls) -> MemoryTable:
        """The table that comes with the package."""
        return cls.parse((files("afp_hw.energy") / "memories.toml").read_text(encoding="utf-8"))

    @classmethod
    def load(cls, path: str | Path) -> MemoryTable:
        """Read a file; errors as :meth:`parse`, and OSError."""
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{path.name} must be TOML in UTF-8, not binary") from error
        return cls.parse(text, path.name)

    @classmethod
    def parse(cls, text: str, where: str = "memories.toml") -> MemoryTable:
        """Read a table from its text; `where` names it in errors.

        Raises
        ------
        ValueError
            No TOML, a key that is missing, unknown or of the wrong kind, or a bank that is not
            among the SRAMs.
        """
        try:
            document = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise ValueError(f"{where} must be TOML, not text with the error: {error}") from error
        _keys(where, document, {"name", "system", "sram", "dram"})
        if not isinstance(document["name"], str):
            raise ValueError(f"{where} name must be text, not {document['name']!r}")
        system = _table(f"{where} [system]", document["system"], {"bank_kib", "on_chip_kib"})
        bank_kib, on_chip_kib = (
            _whole(f"{where} [system] {name}", system[name]) for name in ("bank_kib", "on_chip_kib")
        )
        if not isinstance(document["sram"], list):
            raise ValueError(f"{where} sram must be a list of tables, not {document['sram']!r}")
        sizes = {}
        for entry in document["sram"]:
            table = _table(f"{where} [[sram]]", entry, {"kib", "access_bits", "access_pj"})
            size = _whole(f"{where} [[sram]] kib", table["kib"])
            sizes[size] = _access(f"{where} [[sram]]", table)
        if bank_kib not in sizes:
            known = ", ".join(map(str, sorted(sizes)))
            raise ValueError(f"{where} [system] bank_kib must be one of {known}, not {bank_kib}")
        dram = _table(f"{where} [dram]", document["dram"], {"access_bits", "access_pj"})
        return cls(
            document["name"], bank_kib, on_chip_kib, sizes[bank_kib],
            _access(f"{where} [dram]", dram),
        )  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """Everything, keys with their units."""
        return {
            "source": self.name,
            "bank_kib": self.bank_kib,
            "on_chip_kib": self.on_chip_kib,
            "sram_pj_per_bit": self.bank.bit_j * 1e12,
            "dram_pj_per_bit": self.dram.bit_j * 1e12,
        }


def _keys(where: str, table: Mapping[str, Any], known: set[str]) -> None:
    for wrong in sorted(set(table) ^ known):
        said = "must have the key" if wrong in known else "must not have the key"
        raise ValueError(f"{where} {said} {wrong!r}")


def _table(where: str, value: object, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be a table, not {value!r}")
    _keys(where, value, known)
    return value


def _whole(where: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{where} must be a whole number of at least 1, not {value!r}")
    return value


def _access(where: str, table: Mapping[str, Any]) -> Access:
    bits, energy = _whole(f"{where} access_bits", table["access_bits"]), table["access_pj"]
    number = isinstance(energy, int | float) and not isinstance(energy, bool)
    if not number or not 0 <= energy < math.inf:
        raise ValueError(f"{where} access_pj must be a number of at least 0, not {energy!r}")
    return Access(bits, float(energy))
