"""What a layer moves over the edges of the array."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bits over the edges of an output-stationary array, each tensor at its own width.

    Sums stay in their places, so a result leaves once, and partial sums never move. The operands
    stream: the activations of a row tile pass once for each column tile, the weights of a column
    tile once for each row tile. Padding of edge tiles is made at the array's edge and not moved.

    Attributes
    ----------
    weight_bits, act_bits, init_bits, output_bits
        Streamed.
    weight_reuse, act_reuse
        Multiplications that each weight, each activation code serves, on average, once it has
        entered.
    unique_weight_bits, unique_act_bits
        The two matrices as they are: what a memory that holds the layer has to be sent. For a
        convolution this is the matrix that im2col makes, where a pixel stands several times.
    """

    weight_bits: int
    act_bits: int
    init_bits: int
    output_bits: int
    weight_reuse: float
    act_reuse: float
    unique_weight_bits: int
    unique_act_bits: int

    @property
    def total_bits(self) -> int:
        """All that is streamed."""
        return self.weight_bits + self.act_bits + self.init_bits + self.output_bits
