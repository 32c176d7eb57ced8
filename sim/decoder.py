"""Decoder: every code, against the golden model's integer."""

from cocotb.triggers import Timer

from afp_hw.golden import to_fix_scalar
from sim.bench import bench_design, bounded_test, operand_fields, same


@bounded_test()
async def every_code(dut):
    """``(-1)**sign * sig * 2**shift`` is ``fix``, and 0 where the code is not valid."""
    fmt = bench_design().acts
    got, expected = [], []
    for valid in (1, 0):
        for code in range(1 << fmt.width):
            dut.i_code.value, dut.i_valid.value = code, valid
            await Timer(1, "ns")
            sign, sig, shift = operand_fields(fmt, int(dut.o.value))
            got.append(((-1) ** sign * sig) << shift)
            expected.append(to_fix_scalar(code, fmt) if valid else 0)
    same(got, expected)


@bounded_test()
async def shift_is_that_of_the_definition(dut):
    """``max(e, 1) - 1``, for the zeros too: the exponent adder relies on its bound."""
    fmt = bench_design().acts
    got, expected = [], []
    dut.i_valid.value = 1
    for code in range(1 << fmt.width):
        dut.i_code.value = code
        await Timer(1, "ns")
        got.append(operand_fields(fmt, int(dut.o.value))[2])
        expected.append(max(code >> fmt.n_man & ((1 << fmt.n_exp) - 1), 1) - 1)
    same(got, expected)
