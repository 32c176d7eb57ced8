"""Shifter: every significand product at every shift, of small formats; else corners and random."""

from cocotb.triggers import Timer

from sim.bench import bench_design, bounded_test, generator, same


@bounded_test()
async def every_shift(dut):
    """No bit is lost, the largest product included."""
    design = bench_design()
    random = generator("shifter")
    largest, excess = design.weights.max_sig * design.acts.max_sig, design.shift_excess
    sigs = range(largest + 1)
    if largest > 256:
        sigs = [0, 1, largest - 1, largest, *(random.randint(0, largest) for _ in range(60))]
    signs = (1, -1) if design.negates_early else (1,)
    most = (design.max_product << excess) // largest
    got, expected = [], []
    for shift in range(1 << design.shift_width):
        for sig in [sign * sig for sig in sigs for sign in signs]:
            # What the operands' decoders never give would lose bits at the ends.
            if abs(sig) << shift > most * largest or (sig << shift) % (1 << excess):
                continue
            dut.i_sig.value = sig & ((1 << len(dut.i_sig)) - 1)
            if design.shift_width:
                dut.i_shift.value = shift
            await Timer(1, "ns")
            product = dut.o_product.value
            got.append(product.to_signed() if design.negates_early else int(product))
            expected.append((sig << shift) >> excess)
    same(got, expected)
