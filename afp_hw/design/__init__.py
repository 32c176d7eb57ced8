"""What a piece of hardware is: parameters, checked, and derived widths. Standard library only."""

from afp_hw.design.design import Design
from afp_hw.design.recipe import load_recipe, parse_recipe

__all__ = ["Design", "load_recipe", "parse_recipe"]
