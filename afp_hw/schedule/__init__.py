"""Which cycle: the exact timing and traffic of layers on an array, from closed forms.

Standard library only, and nothing here is shared with the simulator of the Verilog, which these
figures are compared with.
"""

from afp_hw.schedule.layer import LayerSchedule
from afp_hw.schedule.spacing import tile_spacing, tile_starts
from afp_hw.schedule.traffic import Traffic

__all__ = ["LayerSchedule", "Traffic", "tile_spacing", "tile_starts"]
