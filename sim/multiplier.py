"""The multipliers: every pair of significands and signs, or of integers; of wide ones corners."""

from cocotb.triggers import Timer

from afp_hw.hdl.int_product import product_rows, row_constant
from sim.bench import bench_design, bounded_test, generator, operand_word, same


def _choose(values, random):
    """All of a short range; its ends and some in between of a long one."""
    if len(values) <= 64:
        return list(values)
    corners = {values[0], values[1], values[-2], values[-1], values[len(values) // 2]}
    return sorted(corners | {random.choice(values) for _ in range(40)})


def _significands(fmt, random):
    """Those that a decoder gives: with an exponent field, no 1 but a 2 for the first subnormal."""
    if fmt.n_exp < 2:
        return _choose(range(fmt.max_sig + 1), random)
    subnormal = range(0, 1 << (fmt.n_man + 1), 2)
    normal = range(1 << fmt.n_man, 1 << (fmt.n_man + 1))
    return sorted({*_choose(subnormal, random), *_choose(normal, random)})


@bounded_test()
async def every_pair(dut):
    """The product, its sign applied or beside it; 0 where the lane is not live."""
    design = bench_design()
    if design.integers:
        await _integers(dut, design)
        return
    random = generator("multiplier")
    acts, wgts = design.acts, design.weights
    got, expected = [], []
    for act_sig in _significands(acts, random):
        for wgt_sig in _significands(wgts, random):
            for signs in range(8):
                act_sign, wgt_sign = signs & acts.signed, signs >> 1 & wgts.signed
                live = signs >> 2
                act_shift = random.getrandbits(acts.n_exp) if acts.n_exp > 1 else 0
                wgt_shift = random.getrandbits(wgts.n_exp) if wgts.n_exp > 1 else 0
                dut.i_act.value = operand_word(acts, act_sign, act_sig, act_shift)
                dut.i_wgt.value = operand_word(wgts, wgt_sign, wgt_sig, wgt_shift)
                dut.i_live.value = live
                await Timer(1, "ns")
                product, sign = live * act_sig * wgt_sig, act_sign ^ wgt_sign
                if design.negates_early:
                    got.append(dut.o_sig.value.to_signed())
                    expected.append(-product if sign else product)
                else:
                    got.append((int(dut.o_sign.value), int(dut.o_sig.value)))
                    expected.append((live * sign, product))
    same(got, expected)


async def _integers(dut, design):
    random = generator("multiplier")
    constant = row_constant(design) if product_rows(design) == 2 else 0
    got, expected = [], []
    for act in _choose(range(design.acts.lowest, design.acts.highest + 1), random):
        for wgt in _choose(range(design.weights.lowest, design.weights.highest + 1), random):
            for live in (1, 0):
                dut.i_act.value = act & ((1 << design.acts.width) - 1)
                dut.i_wgt.value = wgt & ((1 << design.weights.width) - 1)
                dut.i_live.value = live
                await Timer(1, "ns")
                rows = [getattr(dut, f"o_row__{row}").value for row in range(product_rows(design))]
                if len(rows) == 1:
                    got.append(rows[0].to_signed())
                else:
                    got.append(sum(int(row) for row in rows) + constant)
                expected.append(live * act * wgt)
    same(got, expected)
