"""MantissaMultiplier: every pair of significands and signs of small formats, else corners."""

from cocotb.triggers import Timer

from sim.bench import bench_design, bounded_test, generator, operand_word, same


def _significands(fmt, random):
    if fmt.max_sig < 64:
        return range(fmt.max_sig + 1)
    corners = {0, 1, fmt.max_sig, fmt.max_sig >> 1, (fmt.max_sig >> 1) + 1}
    return sorted(corners | {random.randint(0, fmt.max_sig) for _ in range(40)})


@bounded_test()
async def every_pair(dut):
    """Product of the significands, sign of the product; shifts are not looked at."""
    design = bench_design()
    random = generator("multiplier")
    acts, wgts = design.acts, design.weights
    got, expected = [], []
    for act_sig in _significands(acts, random):
        for wgt_sig in _significands(wgts, random):
            for signs in range(4):
                act_sign, wgt_sign = signs & acts.signed, signs >> 1 & wgts.signed
                act_shift = random.randint(0, acts.max_shift)
                wgt_shift = random.randint(0, wgts.max_shift)
                dut.i_act.value = operand_word(acts, act_sign, act_sig, act_shift)
                dut.i_wgt.value = operand_word(wgts, wgt_sign, wgt_sig, wgt_shift)
                await Timer(1, "ns")
                got.append((int(dut.o_sign.value), int(dut.o_sig.value)))
                expected.append((act_sign ^ wgt_sign, act_sig * wgt_sig))
    same(got, expected)
