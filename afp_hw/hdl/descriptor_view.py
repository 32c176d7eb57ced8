"""A descriptor as the hardware sees it: one wide register with named fields."""

from amaranth.hdl import signed, unsigned
from amaranth.lib import data

from afp_hw.design.descriptor import DESCRIPTOR_BYTES, FIELDS

DESCRIPTOR = data.FlexibleLayout(
    8 * DESCRIPTOR_BYTES,
    {
        field.name: data.Field((signed if field.signed else unsigned)(field.width), field.offset)
        for field in FIELDS.values()
    },
)
"""Layout of :mod:`afp_hw.design.descriptor`."""
