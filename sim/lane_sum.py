"""LaneSum: corners and random products of all lanes, as plain integers."""

from cocotb.triggers import Timer

from sim.bench import bench_design, bounded_test, drive, generator, same


@bounded_test()
async def sum_and_carry(dut):
    """``o_sum + o_carry`` is the sum of the signed products; the extremes do not wrap."""
    design = bench_design()
    random = generator("lane_sum")
    lanes, largest = range(design.lanes), design.max_product
    cases = [[(sign, product)] * design.lanes for sign in (0, 1) for product in (0, 1, largest)]
    for _ in range(500):
        pick = [0, 1, largest, random.randint(0, largest), random.randint(0, largest)]
        cases.append([(random.randint(0, 1), random.choice(pick)) for _ in lanes])
    got, expected = [], []
    for case in cases:
        drive(dut, {f"i_sign__{lane}": case[lane][0] for lane in lanes})
        drive(dut, {f"i_product__{lane}": case[lane][1] for lane in lanes})
        await Timer(1, "ns")
        got.append(dut.o_sum.value.to_signed() + int(dut.o_carry.value))
        expected.append(sum(-product if sign else product for sign, product in case))
    same(got, expected)
