"""What a piece of hardware is: parameters, checked, and derived widths. Standard library only."""

from afp_hw.design.accelerator import AcceleratorDesign
from afp_hw.design.design import Design
from afp_hw.design.recipe import (
    load_accelerator,
    load_recipe,
    parse_accelerator,
    parse_recipe,
)

__all__ = [
    "AcceleratorDesign",
    "Design",
    "load_accelerator",
    "load_recipe",
    "parse_accelerator",
    "parse_recipe",
]
