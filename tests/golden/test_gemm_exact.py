"""Matrix products against Python integers, at the corners where the way of computing switches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afp_hw import AFPFormat
from afp_hw.golden import decode_scalar, encode, gemm, gemm_scalar, to_fix

pytestmark = pytest.mark.filterwarnings("error")


def extreme(shape, largest, seed):
    """Integers of magnitude `largest` or one less, of either sign, as Python integers."""
    generator = np.random.default_rng(seed)
    less, sign = generator.integers(0, 2, shape), generator.choice([-1, 1], shape)
    return (largest - less.astype(object)) * sign.astype(object)


def exact(act, wgt, init=None):
    product = act.astype(object) @ wgt.astype(object)
    return product if init is None else product + init.astype(object)


# (largest |act|, largest |wgt|, K): below, at and above 2**24, 2**53 and 2**63, long reductions
CORNERS = [
    (1, 1, 1),
    (2**12, 2**12, 1),
    (2**12 - 1, 2**12 + 1, 1),
    (2**12, 2**11, 2),
    (2**12, 2**11, 3),
    (4097, 4097, 1),  # an odd product just above 2**24
    (4097, 4097, 70),
    (2**8, 2**8, 256),
    (2**8, 2**8, 257),
    (448, 96, 4608),
    (2**9, 2**9, 64),
    (2**16, 2**16, 300),
    (2**26, 2**26, 1),
    (2**26, 2**26, 2),
    (2**26, 2**26, 3),
    (94906267, 94906267, 1),  # an odd product just above 2**53
    (94906267, 94906267, 70),
    (2**27, 2**26, 1),
    (2**31, 2**31, 1),
    (2**31, 2**31, 2),
    (2**40, 2**20, 7),
    (2**20, 2**40, 7),
    (2**20, 2**30, 5000),
    (2**53 + 1, 3, 50),
    (2**62, 1, 1),
    (2**62, 1, 2),
    (2**63 - 1, 2**63 - 1, 9),
    (2**33, 2**33, 4097),
]


@pytest.mark.parametrize(("act_max", "wgt_max", "depth"), CORNERS)
def test_extreme_operands_multiply_exactly(act_max, wgt_max, depth):
    act, wgt = extreme((3, depth), act_max, 1), extreme((depth, 5), wgt_max, 2)
    wgt[:, 0] = wgt_max
    act[0] = act_max
    act[1] = -act_max
    expected = exact(act, wgt)
    result = gemm(act.astype(np.int64), wgt.astype(np.int64))
    assert (result == expected).all()
    assert (gemm(act, wgt) == expected).all()
    bound = wgt_max * act_max * depth
    assert result.dtype == (np.int64 if bound < 2**63 else object)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32])
def test_narrow_types_do_not_wrap(dtype):
    info = np.iinfo(dtype)
    values = np.array([[info.min, info.max], [info.max, info.max]], dtype)
    assert (gemm(values, values) == exact(values, values)).all()
    deep = np.full((2, 3000), info.max, dtype)
    assert (gemm(deep, deep.T) == exact(deep, deep.T)).all()


def test_the_smallest_int64_and_the_largest_uint64_multiply_exactly():
    least = np.array([[-(2**63), 1]])
    assert gemm(least, least.T).tolist() == [[2**126 + 1]]
    largest = np.array([[2**64 - 1, 2]], np.uint64)
    assert gemm(largest, largest.T).tolist() == [[(2**64 - 1) ** 2 + 4]]
    assert gemm(largest, np.array([[-1], [-1]])).tolist() == [[-(2**64) - 1]]


def test_python_integers_of_any_size_multiply_exactly():
    act, wgt = extreme((4, 6), 2**200 + 12345, 3), extreme((6, 3), 3**90, 4)
    init = np.array([10**80, 0, -1], object)
    result = gemm(act, wgt, init)
    assert result.dtype == object
    assert (result == exact(act, wgt, init)).all()
    assert all(type(value) is int for value in result.reshape(-1))


def test_init_starts_each_column_and_widens_where_the_sum_needs_it():
    act, wgt = np.array([[1, 2], [3, 4]]), np.array([[5, -6, 0], [7, 8, 1]])
    init = np.array([100, 2**62, -1])
    result = gemm(act, wgt, init)
    assert result.tolist() == gemm_scalar(act.tolist(), wgt.tolist(), init.tolist())
    assert result.dtype == np.int64
    far = gemm(act, wgt, [2**63 - 1] * 3)
    assert far.dtype == object
    assert far.tolist() == gemm_scalar(act.tolist(), wgt.tolist(), [2**63 - 1] * 3)
    full = np.arange(6).reshape(2, 3)
    assert (gemm(act, wgt, full) == exact(act, wgt, full)).all()


def test_empty_products_are_zero_or_init():
    assert gemm(np.zeros((3, 0), int), np.zeros((0, 2), int)).tolist() == [[0, 0]] * 3
    assert gemm(np.zeros((2, 0), int), np.zeros((0, 2), int), [7, 8]).tolist() == [[7, 8]] * 2
    assert gemm(np.zeros((0, 4), int), np.ones((4, 2), int)).shape == (0, 2)
    assert gemm(np.ones((2, 4), int), np.ones((4, 0), int)).shape == (2, 0)
    assert gemm_scalar([[], []], [], [7, 8]) == [[7, 8]] * 2


def test_leading_axes_are_batches():
    generator = np.random.default_rng(5)
    act, wgt = generator.integers(-9, 9, (3, 5, 4)), generator.integers(-9, 9, (3, 4, 2))
    result = gemm(act, wgt)
    for group in range(3):
        assert np.array_equal(result[group], gemm(act[group], wgt[group]))
    big = gemm(act * 2**40, wgt * 2**40)
    assert (big == exact(act, wgt) * 2**80).all()


def test_transposed_and_strided_operands_give_the_same_sums():
    generator = np.random.default_rng(6)
    act, wgt = (
        generator.integers(-(2**20), 2**20, (40, 90)),
        generator.integers(-900, 900, (90, 30)),
    )
    expected = exact(act, wgt)
    assert (gemm(np.asfortranarray(act), np.asfortranarray(wgt)) == expected).all()
    assert (gemm(act[::-2], wgt[:, ::3]) == expected[::-2, ::3]).all()


def test_products_of_encoded_operands_are_products_of_their_values():
    act_fmt, wgt_fmt = AFPFormat(3, 2, signed=False), AFPFormat(3, 1)
    generator = np.random.default_rng(7)
    act_codes = encode(np.abs(generator.standard_normal((4, 30))), act_fmt, 4)
    wgt_codes = encode(generator.standard_normal((30, 3)), wgt_fmt, 5)
    sums = gemm(to_fix(act_codes, act_fmt), to_fix(wgt_codes, wgt_fmt))
    lsb = act_fmt.lsb(4) + wgt_fmt.lsb(5)
    for m in range(4):
        for n in range(3):
            value = sum(
                decode_scalar(int(a), act_fmt, 4) * decode_scalar(int(w), wgt_fmt, 5)
                for a, w in zip(act_codes[m], wgt_codes[:, n], strict=True)
            )
            assert value == int(sums[m, n]) * 2.0**lsb


def test_shapes_that_do_not_agree_and_floats_are_refused():
    with pytest.raises(ValueError, match=r"^gemm\.act_fix must be \[M, K\] and wgt_fix \[K, N\]"):
        gemm(np.ones((2, 3), int), np.ones((4, 2), int))
    with pytest.raises(ValueError, match=r"not \(3,\) and \(3, 2\)$"):
        gemm(np.ones(3, int), np.ones((3, 2), int))
    with pytest.raises(TypeError, match=r"^gemm\.wgt_fix must be integers, not float64$"):
        gemm(np.ones((2, 3), int), np.ones((3, 2)))


@settings(deadline=None)
@given(st.data())
def test_random_products_equal_python_integers(data):
    rows, depth, columns = (data.draw(st.integers(1, 4)) for _ in range(3))
    bits = [data.draw(st.sampled_from([1, 8, 12, 26, 40, 63, 90])) for _ in range(2)]

    def matrix(height, width, size):
        line = st.lists(st.integers(-(2**size) + 1, 2**size - 1), min_size=width, max_size=width)
        return data.draw(st.lists(line, min_size=height, max_size=height))

    act, wgt = matrix(rows, depth, bits[0]), matrix(depth, columns, bits[1])
    result = gemm(np.array(act, object), np.array(wgt, object))
    assert result.tolist() == gemm_scalar(act, wgt)
