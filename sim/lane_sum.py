"""The sum over the lanes: corners and random products of all lanes, as plain integers."""

from cocotb.triggers import Timer

from afp_hw.hdl.int_product import product_rows, row_constant
from afp_hw.hdl.lane_sum import has_carries
from sim.bench import bench_design, bounded_test, drive, generator, same


def _terms(design, products, random):
    """Port values for one product a lane, split into rows as the multipliers do."""
    mask, terms, carries = (1 << design.term_width) - 1, [], []
    for product in products:
        carry = int(product < 0 or (product == 0 and random.random() < 0.5))
        if has_carries(design):
            terms.append((product - carry) & mask)
            carries.append(carry)
        elif product_rows(design) == 2:
            whole = product - row_constant(design)
            part = random.randint(max(0, whole - mask), min(whole, mask))
            terms += [part, whole - part]
        else:
            terms.append(product & mask)
    ports = {f"i_term__{index}": term for index, term in enumerate(terms)}
    return ports | {f"i_carry__{index}": carry for index, carry in enumerate(carries)}


@bounded_test()
async def sum_and_carry(dut):
    """Rows and carries add up to the sum of the products; the extremes do not wrap."""
    design = bench_design()
    random = generator("lane_sum")
    lanes, high = range(design.lanes), design.max_product
    low = -high if not design.integers else design.acts.lowest * design.weights.highest
    cases = [[value] * design.lanes for value in (0, 1, -1, low, high)]
    for _ in range(500):
        pick = [0, 1, -1, low, high, random.randint(low, high), random.randint(low, high)]
        cases.append([random.choice(pick) for _ in lanes])
    width = design.lane_sum_width
    got, expected = [], []
    for case in cases:
        drive(dut, _terms(design, case, random))
        await Timer(1, "ns")
        total = sum(
            int(getattr(dut, name).value)
            for name in ("o_row__0", "o_row__1", "o_carry__0", "o_carry__1")
            if hasattr(dut, name)
        )
        got.append((total + (1 << (width - 1))) % (1 << width) - (1 << (width - 1)))
        expected.append(sum(case))
    same(got, expected)
