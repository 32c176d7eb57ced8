"""Accumulator: sums of k products with first, carry, holding and segments, as plain integers."""

from afp_hw.hdl.lane_sum import has_carries
from sim.bench import bench_design, bounded_test, generator, play, same, start


@bounded_test()
async def sums(dut):
    """After each edge the register is the sum since ``first``; the largest sums do not wrap."""
    design = bench_design()
    random = generator("accumulator")
    bound = design.lanes * design.max_product
    steps, expected = [], []
    plan = [[bound] * design.steps, [-bound] * design.steps]
    small = [0, 1, -1, 2, -3, 1 << (design.product_width // 2), -(1 << (design.product_width // 3))]
    for _ in range(40):
        length = random.randint(1, min(design.steps, 40))
        plan.append([random.choice([*small, random.randint(-bound, bound)]) for _ in range(length)])
    room = design.sum_bound  # the last of k products may be fewer than a full set of lanes
    for values in plan:
        acc = 0
        for index, value in enumerate(values):
            clamped = max(min(acc + value, room), -room) - acc
            # With gating a cycle may be left out whose sum is zero, and then brings anything.
            left_out = design.gate_zeros and index and clamped == 0 and random.random() < 0.5
            acc += clamped
            carry = random.randint(0, 1) if has_carries(design) else 0
            addend = random.getrandbits(30) if left_out else clamped - carry
            step = {
                "i_go": int(not left_out),
                "i_first": int(index == 0),
                "i_sum": addend & ((1 << design.lane_sum_width) - 1),
            }
            steps.append(step | ({"i_carry": carry} if has_carries(design) else {}))
            expected.append(acc)
    await start(dut)
    last = len(steps)
    got = await play(
        dut, steps, lambda edge: dut.o_acc.value.to_signed() if edge < last else None, drain=0
    )
    same(got, expected)
