"""A decoded code as it travels through the hardware. Source: ``docs/numerics.md`` section 1."""

from amaranth.lib import data

from afp_hw.design.widths import shift_field, sig_width
from afp_hw.formats import AFPFormat, IntFormat, Number


def operand_layout(fmt: Number) -> data.StructLayout:
    """Layout of a decoded code: ``sign``, ``sig`` (hidden bit resolved) and ``shift``.

    AFP with n_exp >= 2: ``2 * fix = (-1)**sign * sig * 2**shift``, where `shift` is the exponent
    field as it is and `sig` is ``1.m`` for a normal and ``m.0`` for a subnormal number: no exponent
    is decremented. AFP with n_exp <= 1: ``fix = (-1)**sign * sig``. Integers: `sig` is the code.

    Widths: ``sign`` 1 or, where there is none, 0; ``sig`` that of ``fmt.max_sig``, of an integer
    all bits; ``shift`` n_exp, or 0.
    """
    sign = 0 if isinstance(fmt, IntFormat) else int(fmt.signed)
    return data.StructLayout({"sign": sign, "sig": sig_width(fmt), "shift": shift_field(fmt)})


def not_zero(code, fmt: Number):
    """Whether a code stands for a number other than zero."""
    magnitude = code[: fmt.magnitude_width] if isinstance(fmt, AFPFormat) else code
    return magnitude.any()
