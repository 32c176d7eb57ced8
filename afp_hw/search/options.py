"""What a search is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from afp_hw.formats import AFPFormat
from afp_hw.quantize import Measure, Rule, penalty

CostName = Literal["penalty", "area", "energy"]

LEAST_WIDTH = 2
MOST_WIDTH = 16


@dataclass(frozen=True)
class SearchOptions:
    """Everything that decides what a search finds, but for its budgets.

    Attributes
    ----------
    dynamic
        Activations on a grid of each image's own.
    mixed
        Where `dynamic`: a tensor may have one static grid instead, if that loses less.
    channels
        Weights on a grid for each output channel.
    widths
        Smallest and largest number of bits of a tensor.
    measure
        Error by which the splits of one width are compared.
    rule
        Grids of weights and static activations: ``mse`` or ``absmax``.
    splits
        Splits of each width, the best by `measure`, whose effect on the output is compared.
    lam
        Exponent of the cost in ``error * cost**lam``.
    equalize
        How far channels are scaled alike first: 0 (not) to 1.
    compensate
        Whether weights are rounded so that they undo each other's errors.
    correct_bias
        Whether biases undo the mean error of each channel.
    tuning_images
        Calibration images that the last two look at.
    seed
        Draws the samples of activations, and the trials of an accuracy search.
    weights_within, acts_within
        Envelopes, by name, that hold every format chosen: those of an array. None: any format.

    Raises
    ------
    ValueError
        Widths or numbers out of range.
    """

    dynamic: bool = False
    mixed: bool = True
    channels: bool = False
    widths: tuple[int, int] = (2, 8)
    measure: Measure = "mse"
    rule: Rule = "mse"
    splits: int = 3
    lam: float = 0.0
    equalize: float = 0.0
    compensate: bool = True
    correct_bias: bool = True
    tuning_images: int = 256
    seed: int = 0
    weights_within: str | None = None
    acts_within: str | None = None

    def __post_init__(self) -> None:
        low, high = self.widths
        if not LEAST_WIDTH <= low <= high <= MOST_WIDTH:
            raise ValueError(
                f"SearchOptions.widths must be {LEAST_WIDTH} <= low <= high <= {MOST_WIDTH}, "
                f"not {low}..{high}"
            )
        if self.splits < 1:
            raise ValueError(f"SearchOptions.splits must be at least 1, not {self.splits}")
        if not 0 <= self.lam <= 10:
            raise ValueError(f"SearchOptions.lam must be in 0..10, not {self.lam!r}")
        if self.tuning_images < 1:
            raise ValueError(
                f"SearchOptions.tuning_images must be at least 1, not {self.tuning_images}"
            )
        if not 0 <= self.equalize <= 1:
            raise ValueError(f"SearchOptions.equalize must be in 0..1, not {self.equalize!r}")
        if self.seed < 0:
            raise ValueError(f"SearchOptions.seed must not be negative, not {self.seed}")

    def envelope(self, kind: str) -> AFPFormat | None:
        """What holds all formats of ``"weights"`` or ``"acts"``, if that is asked for."""
        name = self.weights_within if kind == "weights" else self.acts_within
        return None if name is None else AFPFormat.parse(name)

    def document(self) -> dict[str, Any]:
        """What JSON holds of it."""
        return asdict(self)


def paper_cost(fmt: AFPFormat) -> float:
    """The paper's penalty of a format."""
    return float(penalty(fmt.n_exp, fmt.n_man))


Cost = Callable[[AFPFormat], float]
