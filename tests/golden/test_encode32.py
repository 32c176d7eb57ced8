"""The float32 path against the float64 path, up to the limits of where it applies."""

import numpy as np
import pytest

from afp_hw import AFPFormat
from afp_hw.golden import decode, encode
from afp_hw.golden.encode32 import Encoder32

FORMATS = [
    AFPFormat(n_exp, n_man, signed)
    for signed in (True, False)
    for n_exp in (0, 1, 2, 3, 5, 6)
    for n_man in (1, 2, 5, 9, 10)
    if n_exp + n_man + signed <= 16
]

pytestmark = pytest.mark.filterwarnings("error")


def applicable(fmt: AFPFormat) -> list[int]:
    return [lsb for lsb in range(-160, 160) if Encoder32.find(fmt, lsb) is not None]


def test_the_formats_of_small_networks_take_this_path():
    for name in ("e2m1", "e3m1", "e3m2", "ue3m2", "e2m3", "e4m3", "e0m4"):
        assert set(range(-40, 20)) <= set(applicable(AFPFormat.parse(name)))


@pytest.mark.parametrize("name", ["e3m0", "e2m11", "e6m10", "e7m9"])
def test_formats_beyond_its_proof_take_the_other_path(name):
    assert applicable(AFPFormat.parse(name)) == []


@pytest.mark.parametrize("fmt", FORMATS, ids=str)
def test_both_paths_agree_at_every_boundary_and_at_the_limits_of_lsb(fmt):
    lsbs = applicable(fmt)
    for lsb in (lsbs[0], lsbs[1], lsbs[len(lsbs) // 2], lsbs[-2], lsbs[-1]):
        bias = fmt.bias(lsb)
        count = 1 << fmt.magnitude_width
        step = max(count // 1024, 1)
        values = decode(np.arange(count), fmt, bias)
        middles = (values[1:] + values[:-1]) / 2
        points = np.concatenate([values[::step], middles[::step], values[-3:], middles[-3:]])
        with np.errstate(over="ignore", under="ignore"):
            single = np.concatenate([points, points * 3]).astype(np.float32)
        single = single[np.isfinite(single)]
        limits = np.array([np.finfo(np.float32).max, 1e-45, 1e-39, 0], np.float32)
        away = np.nextafter(single, np.float32(3.4e38))
        toward = np.nextafter(single, np.float32(0))
        single = np.concatenate([single, away, toward, limits])
        single = np.concatenate([single, -single])
        wide = encode(single.astype(np.float64), fmt, bias)
        assert np.array_equal(encode(single, fmt, bias), wide)


@pytest.mark.parametrize("fmt", [AFPFormat(3, 2), AFPFormat(3, 2, False), AFPFormat(5, 9)], ids=str)
def test_both_paths_agree_on_random_bit_patterns(fmt):
    patterns = np.random.default_rng(4).integers(0, 2**32, 300_000, dtype=np.uint32)
    values = patterns.view(np.float32)
    values = values[np.isfinite(values)]
    for bias in (3, 20):
        assert np.array_equal(
            encode(values, fmt, bias), encode(values.astype(np.float64), fmt, bias)
        )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["e3m2", "ue3m2", "e2m1", "e0m5"])
def test_both_paths_agree_across_all_of_float32(name):
    fmt = AFPFormat.parse(name)
    for start in range(0, 1 << 32, 1 << 24):
        values = np.arange(start, start + (1 << 24), 7, dtype=np.uint32).view(np.float32)
        values = values[np.isfinite(values)]
        assert np.array_equal(encode(values, fmt, 3), encode(values.astype(np.float64), fmt, 3))
