"""ExponentAdder: every pair of shifts that two codes can have."""

from cocotb.triggers import Timer

from sim.bench import bench_design, bounded_test, same


@bounded_test()
async def every_pair(dut):
    """The sum does not wrap."""
    design = bench_design()
    got, expected = [], []
    for act in range(design.acts.max_shift + 1):
        for wgt in range(design.weights.max_shift + 1):
            dut.i_act.value, dut.i_wgt.value = act, wgt
            await Timer(1, "ns")
            got.append(int(dut.o_shift.value))
            expected.append(act + wgt)
    same(got, expected)
