"""The unfolding of images, against a convolution written as loops."""

import itertools

import numpy as np
import pytest

from afp_hw.golden import gemm, im2col, output_size


def loops(images, weights, stride, sides, dilation, groups):
    """Convolution ``[B, O, OH, OW]`` by its definition, one product at a time."""
    batch, channels, high, wide = images.shape
    outputs, depth, kernel_h, kernel_w = weights.shape
    out_h = output_size(high, kernel_h, stride[0], (sides[0], sides[2]), dilation[0])
    out_w = output_size(wide, kernel_w, stride[1], (sides[1], sides[3]), dilation[1])
    result = np.zeros((batch, outputs, out_h, out_w), np.int64)
    for b, o, y, x in np.ndindex(*result.shape):
        group = o // (outputs // groups)
        for c, i, j in np.ndindex(depth, kernel_h, kernel_w):
            row = y * stride[0] + i * dilation[0] - sides[0]
            column = x * stride[1] + j * dilation[1] - sides[1]
            if 0 <= row < high and 0 <= column < wide:
                value = images[b, group * (channels // groups) + c, row, column]
                result[b, o, y, x] += int(value) * int(weights[o, c, i, j])
    return result


CASES = list(
    itertools.product(
        [(1, 1), (3, 3), (3, 2)],
        [(1, 1), (2, 1), (2, 3)],
        [(0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 2, 0)],
        [(1, 1), (2, 1)],
    )
)


@pytest.mark.parametrize(("kernel", "stride", "sides", "dilation"), CASES)
def test_gemm_of_im2col_is_convolution(kernel, stride, sides, dilation):
    generator = np.random.default_rng(8)
    images = generator.integers(-9, 10, (2, 4, 6, 7))
    for groups in (1, 2, 4):
        weights = generator.integers(-9, 10, (4, 4 // groups, *kernel))
        expected = loops(images, weights, stride, sides, dilation, groups)
        columns = im2col(images, kernel, stride, sides, dilation, groups)
        matrix = weights.reshape(groups, 4 // groups, -1).transpose(0, 2, 1)
        sums = gemm(columns, matrix[0] if groups == 1 else matrix)
        if groups > 1:
            sums = sums.transpose(1, 0, 2).reshape(-1, 4)
        batch, outputs, out_h, out_w = expected.shape
        folded = sums.reshape(batch, out_h, out_w, outputs).transpose(0, 3, 1, 2)
        assert np.array_equal(folded, expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, np.float32, object])
def test_codes_keep_their_type_and_pad_with_zero(dtype):
    images = np.arange(1, 10).reshape(1, 1, 3, 3).astype(dtype)
    columns = im2col(images, 3, padding=1)
    assert columns.dtype == dtype
    assert columns.shape == (9, 9)
    assert columns[0].tolist() == [0, 0, 0, 0, 1, 2, 0, 4, 5]
    assert columns[8].tolist() == [5, 6, 0, 8, 9, 0, 0, 0, 0]


def test_one_number_two_numbers_and_four_numbers_mean_the_same():
    images = np.random.default_rng(9).integers(0, 99, (1, 2, 5, 5))
    expected = im2col(images, (3, 3), (2, 2), (1, 1, 1, 1), (1, 1))
    assert np.array_equal(im2col(images, 3, 2, 1, 1), expected)
    assert np.array_equal(im2col(images, [3, 3], [2, 2], [1, 1]), expected)


def test_the_result_is_a_copy():
    images = np.zeros((1, 1, 2, 2), np.uint8)
    im2col(images, 1)[:] = 7
    assert not images.any()


def test_arguments_out_of_range_are_refused():
    images = np.zeros((1, 4, 5, 5), np.uint8)
    with pytest.raises(
        ValueError, match=r"^output_size\.kernel must span at most 5 elements, not 7$"
    ):
        im2col(images, 4, dilation=2)
    with pytest.raises(
        ValueError, match=r"^windows\.stride must be one or two integers >= 1, not 0$"
    ):
        im2col(images, 3, stride=0)
    with pytest.raises(ValueError, match=r"^windows\.padding must be one, two or four integers"):
        im2col(images, 3, padding=(1, 1, 1))
    with pytest.raises(ValueError, match=r"^im2col\.groups must divide 4 channels, not 3$"):
        im2col(images, 3, groups=3)
    with pytest.raises(ValueError, match=r"^windows\.images must be \[B, C, H, W\], not \(5, 5\)$"):
        im2col(images[0, 0], 3)
