"""Requantizer: corners of the accumulator in every format of the envelope, against golden."""

import numpy as np

from afp_hw.formats import AFPFormat
from afp_hw.golden import requantize
from afp_hw.hdl import Requantizer
from sim.bench import bench_design, bounded_test, generator, play, same, start


def _formats(envelope):
    for n_exp in range(envelope.n_exp + 1):
        for n_man in range(envelope.n_man + 1):
            if n_exp + n_man:
                yield AFPFormat(n_exp, n_man, envelope.signed)


def _corners(width):
    """Zero, the extremes, powers of two and their neighbours, and short odd numbers anywhere."""
    largest = (1 << (width - 1)) - 1
    values = {0, largest, -largest, -largest - 1}
    for bit in range(width - 1):
        values |= {sign * ((1 << bit) + d) for sign in (1, -1) for d in (-1, 0, 1)}
        values |= {sign * (odd << bit) for sign in (1, -1) for odd in (3, 5, 7, 11, 13, 23)}
    return sorted(v for v in values if -largest - 1 <= v <= largest)


def _offsets(fmt, acc):
    """Offsets that put `acc` below the grid, at half of its finest step, on it, and at its top."""
    place = abs(acc).bit_length()
    top = fmt.n_man + fmt.max_shift
    return [-place - 1, -place, 1 - place, fmt.n_man - place, top - place, top + 1 - place]


async def _compare(dut, design, cases):
    """Cases are (format, offset, relu, clip, acc)."""
    by_settings = {}
    for index, (fmt, offset, relu, clip, acc) in enumerate(cases):
        by_settings.setdefault((fmt, relu, clip), []).append((index, offset, acc))
    expected = [0] * len(cases)
    for (fmt, relu, clip), items in by_settings.items():
        accs = np.array([acc for _, _, acc in items], dtype=object)
        offsets = np.array([offset for _, offset, _ in items])
        codes = requantize(accs, offsets, fmt, relu=relu, clip=clip)
        for (index, _, _), code in zip(items, codes.tolist(), strict=True):
            expected[index] = (index + Requantizer.latency - 1, code)
    mask = (1 << design.acc_width) - 1
    steps = [
        {
            "i_valid": 1,
            "i_acc": acc & mask,
            "i_n_exp": fmt.n_exp,
            "i_n_man": fmt.n_man,
            "i_offset": offset & 0x3FFF,
            "i_relu": int(relu),
            "i_clip": (mask >> 1) if clip is None else clip,
        }
        for fmt, offset, relu, clip, acc in cases
    ]
    await start(dut)
    got = await play(
        dut,
        [*steps, {"i_valid": 0}],
        lambda edge: (edge, int(dut.o_code.value)) if int(dut.o_valid.value) else None,
        drain=4,
    )
    same(got, expected)


@bounded_test()
async def extremes_in_every_format(dut):
    """Zero, one and both ends of the accumulator, in every format, at every place on its grid."""
    design = bench_design()
    largest = (1 << (design.acc_width - 1)) - 1
    cases = [
        (fmt, offset, relu, None, acc)
        for fmt in _formats(design.out_envelope)
        for acc in (0, 1, -1, largest, -largest, -largest - 1)
        for offset in _offsets(fmt, acc)
        for relu in (False, True)
    ]
    await _compare(dut, design, cases)


@bounded_test()
async def corners_in_the_envelopes_own_format(dut):
    """Every corner of the accumulator at every place on the grid of the widest format."""
    design = bench_design()
    fmt = design.out_envelope
    values = _corners(design.acc_width)
    await _compare(
        dut, design, [(fmt, at, False, None, acc) for acc in values for at in _offsets(fmt, acc)]
    )


@bounded_test()
async def corners_in_other_formats(dut):
    """Every corner in every narrower format, at a random place on its grid."""
    design = bench_design()
    random = generator("requantizer corners")
    values = _corners(design.acc_width)
    cases = [
        (fmt, random.choice([*_offsets(fmt, acc), random.randint(-40, 6)]), False, None, acc)
        for fmt in _formats(design.out_envelope)
        for acc in values
    ]
    await _compare(dut, design, random.sample(cases, min(len(cases), 6000)))


@bounded_test()
async def settings_change_with_every_sum(dut):
    """Format, offset (extremes too), ReLU and clip belong to their own sum."""
    design = bench_design()
    random = generator("requantizer settings")
    formats, values = list(_formats(design.out_envelope)), _corners(design.acc_width)
    cases = []
    for _ in range(1500):
        clip = random.choice([None, random.getrandbits(random.randint(1, design.acc_width - 1))])
        offset = random.choice([-8192, 8191, random.randint(-60, 20), random.randint(-60, 20)])
        fmt, relu = random.choice(formats), random.random() < 0.5
        cases.append((fmt, offset, relu, clip, random.choice(values)))
    await _compare(dut, design, cases)
