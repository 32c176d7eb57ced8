"""Accumulator: sums of k products with first, carry and hold, as plain integers."""

from sim.bench import bench_design, bounded_test, generator, play, same, start


@bounded_test()
async def sums(dut):
    """After each edge the register is the sum since ``first``; the largest sums do not wrap."""
    design = bench_design()
    random = generator("accumulator")
    bound = design.lanes * design.max_product
    steps, expected = [], []
    plan = [[bound] * design.steps, [-bound] * design.steps]
    for _ in range(30):
        length = random.randint(1, min(design.steps, 40))
        plan.append([random.choice([0, random.randint(-bound, bound)]) for _ in range(length)])
    # The last of k products may be fewer than a full set of lanes.
    room = design.k * design.max_product
    for values in plan:
        acc = 0
        for index, value in enumerate(values):
            clamped = max(min(acc + value, room), -room) - acc
            acc += clamped
            carry = random.randint(0, 1)
            steps.append(
                {
                    "i_first": int(index == 0),
                    "i_zero": int(clamped == 0),
                    "i_sum": (clamped - carry) & ((1 << design.lane_sum_width) - 1),
                    "i_carry": carry,
                }
            )
            expected.append(acc)
    await start(dut)
    last = len(steps)
    got = await play(
        dut, steps, lambda edge: dut.o_acc.value.to_signed() if edge < last else None, drain=0
    )
    same(got, expected)
