"""Shifter: every significand product at every shift, of small formats; else corners and random."""

from cocotb.triggers import Timer

from sim.bench import bench_design, bounded_test, generator, same


@bounded_test()
async def every_shift(dut):
    """No bit is lost, the largest product included."""
    design = bench_design()
    random = generator("shifter")
    largest = design.weights.max_sig * design.acts.max_sig
    sigs = range(largest + 1)
    if largest > 256:
        sigs = [0, 1, largest - 1, largest, *(random.randint(0, largest) for _ in range(60))]
    got, expected = [], []
    for shift in range(design.max_shift + 1):
        for sig in sigs:
            dut.i_sig.value, dut.i_shift.value = sig, shift
            await Timer(1, "ns")
            got.append(int(dut.o_product.value))
            expected.append(sig << shift)
    same(got, expected)
