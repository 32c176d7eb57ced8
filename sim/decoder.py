"""Decoder: every code, against the golden model's integer."""

from cocotb.triggers import Timer

from afp_hw.design.widths import has_shift
from afp_hw.formats import IntFormat
from afp_hw.golden import fix_of_codes
from sim.bench import bench_design, bounded_test, operand_fields, same


@bounded_test()
async def every_code(dut):
    """``(-1)**sign * sig * 2**shift`` is ``fix``, or twice that; 0 where the code is not valid."""
    fmt = bench_design().acts
    got, expected = [], []
    for valid in (1, 0):
        for code in range(1 << fmt.width):
            dut.i_code.value, dut.i_valid.value = code, valid
            await Timer(1, "ns")
            sign, sig, shift = operand_fields(fmt, int(dut.o.value))
            got.append(_integer(fmt, sign, sig, shift))
            expected.append(int(fix_of_codes(code, fmt)) << has_shift(fmt) if valid else 0)
    same(got, expected)


def _integer(fmt, sign, sig, shift):
    if isinstance(fmt, IntFormat):
        return sig - (1 << fmt.width) if sig > fmt.highest else sig
    return ((-1) ** sign * sig) << shift
