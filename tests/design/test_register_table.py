"""The table of registers: well-formed, and constants that say what the design is."""

from __future__ import annotations

from dataclasses import replace

from afp_hw import AFPFormat
from afp_hw.design import Design
from afp_hw.design.accelerator import AcceleratorDesign
from afp_hw.design.registers import COUNTERS, ID, REGISTERS, constants

LARGEST = AcceleratorDesign(
    Design(AFPFormat(5, 10), AFPFormat(5, 10), rows=256, cols=256, lanes=64), data_width=256
)


def test_registers_stand_apart_in_the_order_of_their_offsets() -> None:
    offsets = [register.offset for register in REGISTERS.values()]
    assert offsets == sorted(set(offsets))
    assert all(offset % 4 == 0 for offset in offsets)
    assert offsets[0] == 0
    assert max(offsets) < 4096


def test_fields_do_not_overlap_and_hold_their_reset() -> None:
    for name, register in REGISTERS.items():
        taken = 0
        for bits in register.fields:
            assert bits.width > 0
            assert not taken & bits.mask, (name, bits.name)
            assert 0 <= bits.reset < 1 << bits.width
            taken |= bits.mask
        assert taken < 1 << 32, name


def test_a_signed_field_is_the_only_one_of_its_register() -> None:
    for register in REGISTERS.values():
        if any(bits.signed for bits in register.fields):
            assert len(register.fields) == 1
            assert register.fields[0].low == 0


def test_counters_are_whole_registers_that_are_only_read() -> None:
    assert len(COUNTERS) == 15
    for name in COUNTERS:
        assert REGISTERS[name].access == "RO"
        assert [bits.width for bits in REGISTERS[name].fields] == [32]


def test_constants_hold_the_largest_design() -> None:
    found = constants(LARGEST)
    assert set(found) == {name for name, register in REGISTERS.items() if register.constant}
    assert found["ID"] == ID
    fields = {bits.name: bits for bits in REGISTERS["PARAMETERS"].fields}
    for name, value in (("rows", 256), ("cols", 256), ("lanes", 64)):
        assert (found["PARAMETERS"] & fields[name].mask) >> fields[name].low == value
    memory = {bits.name: bits for bits in REGISTERS["MEMORY"].fields}
    for name, value in (("data_width", 256), ("record_width", 128), ("descriptor_bytes", 224)):
        assert (found["MEMORY"] & memory[name].mask) >> memory[name].low == value
    for bits in REGISTERS["FORMATS"].fields:
        assert (found["FORMATS"] & bits.mask) >> bits.low == 5 * 32 + 10 * 2 + 1


def test_designs_differ_in_their_constants() -> None:
    other = constants(replace(LARGEST, act_bytes=4096, pixels=99))
    differ = {name for name, value in constants(LARGEST).items() if other[name] != value}
    assert differ == {"ACT_BYTES", "PIXELS"}
