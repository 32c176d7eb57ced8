"""A decoded AFP code as it travels through the hardware. Source: ``docs/numerics.md`` section 1."""

from amaranth.lib import data

from afp_hw.formats import AFPFormat


def operand_layout(fmt: AFPFormat) -> data.StructLayout:
    """Layout of a decoded code: ``sign``, ``sig`` (hidden bit resolved) and ``shift``.

    ``fix = (-1)**sign * sig * 2**shift``. Widths: ``sign`` 1 or, unsigned, 0; ``sig`` that of
    ``fmt.max_sig``; ``shift`` that of ``fmt.max_shift``, at least 1: always 0 for n_exp <= 1.
    """
    return data.StructLayout(
        {
            "sign": int(fmt.signed),
            "sig": fmt.max_sig.bit_length(),
            "shift": max(fmt.max_shift.bit_length(), 1),
        }
    )
