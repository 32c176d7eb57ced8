"""ExponentAdder: every pair of shifts that two codes can have."""

from cocotb.triggers import Timer

from afp_hw.design.widths import shift_field
from sim.bench import bench_design, bounded_test, same


@bounded_test()
async def every_pair(dut):
    """The sum does not wrap."""
    design = bench_design()
    got, expected = [], []
    fields = {name: shift_field(getattr(design, name)) for name in ("acts", "weights")}
    for act in range(1 << fields["acts"]):
        for wgt in range(1 << fields["weights"]):
            dut.i_act.value, dut.i_wgt.value = act, wgt
            await Timer(1, "ns")
            got.append(int(dut.o_shift.value))
            expected.append(act + wgt)
    same(got, expected)
