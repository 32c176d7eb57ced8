"""The bit-exact NumPy model: codec, products, requantization. Imports formats and NumPy only.

Each vector form has a scalar definition beside it in :mod:`afp_hw.golden.scalar`; both restate
``docs/numerics.md``, from which the hardware is written independently.
"""

from afp_hw.golden.codec import decode, encode, to_fix
from afp_hw.golden.conv import im2col, output_size, windows
from afp_hw.golden.embed import embed
from afp_hw.golden.floating import float32_bits
from afp_hw.golden.gemm import column_bound, gemm
from afp_hw.golden.grid import clip_to_acc, dynamic_lsb, finest_lsb
from afp_hw.golden.integer import (
    codes_of_integers,
    fix_of_codes,
    fixed_factor,
    integer_of_codes,
    quantize_integer,
    requantize_integer,
    symmetric_scale,
)
from afp_hw.golden.layer import acc_bound, add_aligned, bias_to_int, init_from_bias
from afp_hw.golden.pool import average_factor, average_pool, max_pool, sum_pool
from afp_hw.golden.requantize import requantize
from afp_hw.golden.scalar import (
    decode_scalar,
    encode_scalar,
    gemm_scalar,
    requantize_scalar,
    to_fix_scalar,
)
from afp_hw.golden.single import dequantize_float32, quantize_float32
from afp_hw.golden.waiting import waiting_words

__all__ = [
    "acc_bound",
    "add_aligned",
    "average_factor",
    "average_pool",
    "bias_to_int",
    "clip_to_acc",
    "codes_of_integers",
    "column_bound",
    "decode",
    "decode_scalar",
    "dequantize_float32",
    "dynamic_lsb",
    "embed",
    "encode",
    "encode_scalar",
    "finest_lsb",
    "fix_of_codes",
    "fixed_factor",
    "float32_bits",
    "gemm",
    "gemm_scalar",
    "im2col",
    "init_from_bias",
    "integer_of_codes",
    "max_pool",
    "output_size",
    "quantize_float32",
    "quantize_integer",
    "requantize",
    "requantize_integer",
    "requantize_scalar",
    "sum_pool",
    "symmetric_scale",
    "to_fix",
    "to_fix_scalar",
    "waiting_words",
    "windows",
]
