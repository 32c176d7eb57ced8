"""One point of a space: what is built, and what runs on it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from afp_hw.design import AcceleratorDesign, Design
from afp_hw.design.design import HARDWARE_MAX_N_MAN
from afp_hw.explore.axes import AXES, SIZE, SIZES, formats_and_bits, rows_and_cols
from afp_hw.explore.formats import AFP, CARRIED_BITS, FP, Pair
from afp_hw.formats import AFPFormat, FloatFormat

_OF_ELEMENT = ("registers", "decode", "multiplier")


def canonical(axes: Mapping[str, Any]) -> dict[str, Any]:
    """Values of all axes with those that do not matter set to their defaults.

    Budgets, grids and tuning are of AFP; the elements of floating point have registers of their
    own. So a rival appears once, however many of such values a space has.
    """
    values = {name: axes.get(name, axis.default) for name, axis in AXES.items()}
    if SIZE in axes:
        values["rows"], values["cols"] = rows_and_cols(axes[SIZE])
    values["formats"], budget = formats_and_bits(values["formats"])
    if budget is not None:
        values["bits"] = budget
    family = Pair.parse(values["formats"]).family
    if family != AFP:
        values |= {"bits": None, "bias_rule": AXES["bias_rule"].default, "tune": False}
    if family == FP:
        values |= {name: AXES[name].default for name in (*_OF_ELEMENT, "gate_zeros")}
    return values


def digest_of(document: Any) -> str:
    """SHA-256 of a JSON document, however its keys are ordered."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class Sums(NamedTuple):
    """The longest sums of a network.

    Attributes
    ----------
    products
        Of a layer.
    averaged
        Of an average: the factors of all its elements, in the digits that hardware adds up.
    """

    products: int
    averaged: int = 0


@dataclass(frozen=True, eq=False)
class Configuration:
    """A point.

    Parameters
    ----------
    axes
        By name, as :func:`canonical` gives them.
    """

    axes: Mapping[str, Any]

    @classmethod
    def of(cls, axes: Mapping[str, Any]) -> Configuration:
        """With the defaults of what is not named."""
        return cls(canonical(axes))

    @property
    def pair(self) -> Pair:
        """Formats; where there is a budget, the envelopes that hold all that are chosen."""
        return Pair.parse(self.axes["formats"])

    def document(self) -> dict[str, Any]:
        """Axes for reports, in their order, with the family of the formats."""
        return {**{name: self.axes[name] for name in AXES}, "family": self.pair.family}

    def design(self, sums: Sums) -> Design:
        """The array for a network's sums.

        Initial values may be as large as the longest sum, so that residual additions are fused,
        and as a sum of what is averaged, which passes the same way.

        Raises
        ------
        TypeError, ValueError
            :class:`.Design` refuses it, or the formats are floating point.
        """
        pair, axes = self.pair, self.axes
        weights, acts = pair.weights, pair.acts
        if isinstance(weights, FloatFormat) or isinstance(acts, FloatFormat):
            raise ValueError(f"Design.weights must be AFP or integers, not {weights}")
        bound = max(sums.products * weights.max_fix, sums.averaged) * acts.max_fix
        return Design(
            weights,
            acts,
            rows=axes["rows"],
            cols=axes["cols"],
            lanes=axes["lanes"],
            k=sums.products,
            registers=tuple(axes["registers"]),
            gate_zeros=axes["gate_zeros"],
            decode=axes["decode"],
            multiplier=axes["multiplier"],
            init_max=bound if pair.family == AFP else 0,
        )

    def carrier(self) -> Pair:
        """AFP formats that buses and buffers carry in the place of these: as wide, and signed.

        Cycles and bytes depend on widths and not on what codes mean.

        Raises
        ------
        ValueError
            An element has more bits than the accelerator carries.
        """
        pair = self.pair
        if pair.family == AFP:
            return pair
        return Pair(*(_as_wide(fmt.width) for fmt in (pair.weights, pair.acts)))

    def accelerator(self, sums: Sums) -> AcceleratorDesign:
        """The accelerator around an array that carries such elements.

        Raises
        ------
        TypeError, ValueError
            It is refused.
        """
        carried = self.carrier()
        axes = {**self.axes, "formats": str(carried)}
        if self.pair.family != AFP:  # the element itself is another one
            axes |= {name: AXES[name].default for name in (*_OF_ELEMENT, "gate_zeros")}
        array = Configuration(axes).design(sums)
        return AcceleratorDesign(array, **{name: self.axes[name] for name in SIZES})


def _as_wide(width: int) -> AFPFormat:
    """A signed format of so many bits that the hardware has."""
    if width > CARRIED_BITS:
        raise ValueError(
            f"Configuration.formats must have at most {CARRIED_BITS} bits on the accelerator, "
            f"not {width}"
        )
    n_man = min(width - 1, HARDWARE_MAX_N_MAN)
    return AFPFormat(width - 1 - n_man, n_man)
