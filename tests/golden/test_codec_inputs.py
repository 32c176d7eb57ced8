"""What the codec accepts and refuses: kinds, shapes, extremes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afp_hw import AFPFormat
from afp_hw.golden import decode, encode, encode_scalar, to_fix, to_fix_scalar

E3M2 = AFPFormat(3, 2)

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(
    "fmt", [E3M2, E3M2.as_unsigned(), AFPFormat(0, 4), AFPFormat(2, 0)], ids=str
)
def test_nan_and_infinity_are_refused_with_their_numbers(dtype, fmt):
    values = np.ones(100, dtype)
    values[[3, 50, 99]] = np.nan
    values[7] = -np.inf
    message = r"^encode\.values must be finite, not 3 NaN and 1 infinite of 100$"
    with pytest.raises(ValueError, match=message):
        encode(values, fmt, 3)
    with pytest.raises(ValueError, match=message):
        encode(values.reshape(20, 5), fmt, np.arange(5))


def test_a_single_nan_in_the_last_block_is_found():
    values = np.zeros(200_001, np.float32)
    values[-1] = np.nan
    with pytest.raises(ValueError, match="1 NaN and 0 infinite of 200001"):
        encode(values, E3M2, 3)


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 4, 2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8])
def test_empty_tensors_keep_their_shape(shape, dtype):
    codes = encode(np.zeros(shape, dtype), E3M2, 3)
    assert codes.shape == shape
    assert codes.dtype == np.uint8
    assert decode(codes, E3M2, 3).shape == shape
    assert to_fix(codes, E3M2).shape == shape
    assert encode([], E3M2, 3).shape == (0,)


def test_scalars_give_arrays_without_axes():
    for value in (0.3, np.float32(0.3), np.array(0.3)):
        code = encode(value, E3M2, 3)
        assert isinstance(code, np.ndarray)
        assert code.shape == ()
        assert code == encode_scalar(float(value), E3M2, 3)
    assert decode(code, E3M2, 3).shape == to_fix(code, E3M2).shape == ()
    assert encode(2**70, AFPFormat(5, 2), 3) == encode_scalar(2**70, AFPFormat(5, 2), 3)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4", ">f8"])
def test_strided_transposed_and_byte_swapped_inputs_give_the_same_codes(dtype):
    plain = np.random.default_rng(1).standard_normal((40, 30)).astype(np.float16)
    expected = encode(plain.astype(np.float64), E3M2, 3)
    values = plain.astype(dtype)
    assert np.array_equal(encode(values, E3M2, 3), expected)
    assert np.array_equal(encode(values.T, E3M2, 3), expected.T)
    assert np.array_equal(encode(values[::-2, ::3], E3M2, 3), expected[::-2, ::3])
    assert np.array_equal(encode(values[:0], E3M2, 3), expected[:0])


def test_inputs_are_left_untouched():
    values = np.linspace(-9, 9, 1000, dtype=np.float32)
    for array in (values, values.astype(np.float64), (values * 100).astype(np.int64)):
        before = array.copy()
        array.flags.writeable = False
        encode(array, E3M2, 3)
        encode(array, E3M2, np.arange(1000))
        assert np.array_equal(array, before)


def test_every_float16_encodes_as_the_scalar_definition_says():
    values = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    values = values[np.isfinite(values)]
    for fmt, bias in ((E3M2, 3), (AFPFormat(4, 3), 12)):
        codes = encode(values, fmt, bias)
        assert np.array_equal(codes, encode(values.astype(np.float64), fmt, bias))
        for index in range(0, values.size, 61):
            assert codes[index] == encode_scalar(float(values[index]), fmt, bias)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.uint64, object])
def test_integers_encode_exactly(dtype):
    wide = [2**53 + 1, 2**61 + 2**57, 2**62 + 1] if np.dtype(dtype).itemsize == 8 else []
    numbers = [*range(128), *wide, *(range(-128, 0) if dtype not in (np.uint8, np.uint64) else [])]
    for fmt, bias in ((AFPFormat(5, 2), 3), (AFPFormat(6, 5), -2), (AFPFormat(0, 7), -1)):
        codes = encode(np.array(numbers, dtype), fmt, bias)
        assert codes.tolist() == [encode_scalar(n, fmt, bias) for n in numbers]


def test_one_bias_per_channel_broadcasts():
    values = np.random.default_rng(2).standard_normal((6, 5, 4))
    for shape in ((6, 1, 1), (4,), (1, 5, 1), (6, 5, 4)):
        bias = np.random.default_rng(3).integers(-4, 9, shape)
        codes = encode(values, E3M2, bias)
        each = [encode_scalar(float(x), E3M2, int(b)) for x, b in np.broadcast(values, bias)]
        assert codes.reshape(-1).tolist() == each
        assert np.array_equal(encode(decode(codes, E3M2, bias), E3M2, bias), codes)
        assert np.array_equal(encode(values, E3M2, bias.astype(object)), codes)
    assert encode(0.5, E3M2, [1, 2, 3]).shape == (3,)


@pytest.mark.parametrize("bias", [-2000, -1076, -1000, 1000, 1074, 1090, 2000, 10**30, -(10**30)])
@pytest.mark.parametrize(
    "fmt", [E3M2, AFPFormat(8, 23), AFPFormat(1, 0), AFPFormat(0, 23)], ids=str
)
def test_extreme_biases_are_exact_for_every_magnitude(fmt, bias):
    magnitudes = np.array([0.0, 5e-324, 1.5e-323, 2.2e-308, 1e-300, 1e-40, 1.0, 3e38, 1.7e308])
    values = np.concatenate([magnitudes, -magnitudes])
    near = min(max(bias, -4000), 4000)  # farther away nothing changes, and fractions stay small
    expected = [encode_scalar(float(x), fmt, near) for x in values]
    assert encode(values, fmt, bias).tolist() == expected
    many = np.full(values.size, near, np.int64)
    assert encode(values, fmt, many).tolist() == expected


finite = st.floats(allow_nan=False, allow_infinity=False)
formats = st.builds(AFPFormat, st.integers(0, 8), st.integers(1, 23), st.booleans()) | st.builds(
    AFPFormat, st.integers(1, 8), st.just(0), st.booleans()
)


@given(finite, formats, st.integers(-1200, 1200))
def test_any_float64_in_any_format_encodes_as_the_scalar_definition_says(value, fmt, bias):
    assert encode(value, fmt, bias) == encode_scalar(value, fmt, bias)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), formats, st.integers(-150, 170))
def test_any_float32_in_any_format_encodes_as_the_scalar_definition_says(value, fmt, bias):
    assert encode(np.float32(value), fmt, bias) == encode_scalar(value, fmt, bias)


@given(formats, st.data())
def test_codes_of_any_format_decode_as_the_scalar_definition_says(fmt, data):
    code = data.draw(st.integers(0, (1 << fmt.width) - 1))
    fix = to_fix(code, fmt)
    assert int(fix) == to_fix_scalar(code, fmt)
    assert fix.dtype == (object if fmt.max_fix >= 2**63 else np.int64)
    assert float(decode(code, fmt, 1 - fmt.n_man)) == float(to_fix_scalar(code, fmt))


def test_values_beyond_float64_raise_overflow():
    assert decode(1, E3M2, -1000) == 2.0**999
    with pytest.raises(OverflowError, match=r"^decode\.bias must leave every value of e3m2 finite"):
        decode([1, 31], E3M2, -1020)
    with pytest.raises(OverflowError):
        decode([1, 31], E3M2, [-1020, -1020])
    with pytest.raises(OverflowError):
        decode((1 << 31) - 1, AFPFormat(8, 23), -1000)
    assert decode([0, 0], E3M2, 10**9).tolist() == [0, 0]


def test_codes_of_too_many_bits_are_refused():
    with pytest.raises(ValueError, match=r"^decode\.codes must be in 0\.\.63 for e3m2, not 64$"):
        decode([0, 64], E3M2, 3)
    with pytest.raises(ValueError, match=r"^to_fix\.codes must be in 0\.\.63 for e3m2, not -1$"):
        to_fix([0, -1], E3M2)


def test_arguments_of_the_wrong_kind_are_refused():
    with pytest.raises(TypeError, match=r"^encode\.fmt must be an AFPFormat, not 'e3m2'$"):
        encode([1.0], "e3m2", 3)
    with pytest.raises(TypeError, match=r"^encode\.bias must be integers, not float64$"):
        encode([1.0], E3M2, 3.0)
    with pytest.raises(TypeError, match=r"^encode\.values must be floats or integers, not bool$"):
        encode([True], E3M2, 3)
    with pytest.raises(TypeError, match=r"^encode\.values must be of at most 64 bits"):
        encode(np.ones(3, np.longdouble), E3M2, 3)
    with pytest.raises(TypeError, match=r"^decode\.codes must be integers, not float64$"):
        decode([1.0], E3M2, 3)
