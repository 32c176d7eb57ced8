"""What a compiled network is: bytes for the accelerator's memory, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from afp_hw.program.layout import TensorLayout


@dataclass(frozen=True, slots=True)
class TensorPlace:
    """A tensor in memory: how it lies, and where, in bytes from the image."""

    layout: TensorLayout
    address: int

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.address + self.layout.size

    def read(self, memory: bytes | bytearray) -> NDArray[Any]:
        """Codes or sums in the shape of the network."""
        return self.layout.unpack(bytes(memory[self.address : self.end]))

    def write(self, memory: bytearray, codes: NDArray[Any]) -> None:
        """Put codes in the shape of the network into memory."""
        memory[self.address : self.end] = self.layout.pack(codes)


@dataclass(frozen=True, eq=False)
class Program:
    """A compiled network.

    Attributes
    ----------
    image
        Descriptors, records and weights.
    manifest
        What lies where: ``manifest.json``.
    descriptors
        All fields of each, in order.
    tensors
        Places of all stored tensors.
    input, output
        Places of the network's input and of its first output.
    outputs
        Places of all outputs, by name.
    size
        Bytes of memory that a run needs, the image first.
    """

    image: bytes
    manifest: Mapping[str, Any]
    descriptors: tuple[Mapping[str, int], ...]
    tensors: Mapping[str, TensorPlace]
    input: TensorPlace
    output: TensorPlace
    outputs: Mapping[str, TensorPlace]
    size: int

    def memory(self, codes: NDArray[Any]) -> bytearray:
        """Memory as a run finds it: the image, and the codes of an input, [C, H, W]."""
        memory = bytearray(self.size)
        memory[: len(self.image)] = self.image
        self.input.write(memory, codes)
        return memory
